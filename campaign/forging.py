"""How hostile files are made."""

import csv
import io
import json
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any


class _Payload:
    """Runs a command where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, ("touch ../outside/it-ran",))


def pickled() -> bytes:
    return pickle.dumps(_Payload())


def packed_arrays(**arrays: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, contents in arrays.items():
            file.writestr(f"{name}.npy", contents)
    return packed.getvalue()


def npy_head(shape: str, descr: str = "'<f4'") -> bytes:
    head = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode()


def mat_with(contents: bytes) -> bytes:
    """A MAT file of version 5 whose one variable is compressed, and is this."""
    packed = zlib.compress(contents, 1)
    return b"MATLAB 5.0".ljust(124) + b"\0\1IM" + struct.pack("<II", 15, len(packed)) + packed


Making = Callable[[Path], object]


def write(name: str, contents: bytes | str) -> Making:
    def make(place: Path) -> None:
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(contents.encode() if isinstance(contents, str) else contents)

    return make


def instead(name: str, how: str) -> Making:
    def make(place: Path) -> None:
        path = place / name
        path.unlink()
        if how == "a fifo":
            os.mkfifo(path)
        elif how == "a folder":
            path.mkdir()
        else:
            path.symlink_to(how)

    return make


def link(name: str, to: str) -> Making:
    def make(place: Path) -> None:
        (place / name).symlink_to(to)

    return make


def card_with(**changes: Any) -> Making:
    def make(place: Path) -> None:
        path = place / "runs/net/run.json"
        card = json.loads(path.read_text(encoding="utf-8"))
        for dotted, value in changes.items():
            holder, *names = [card], *dotted.split("__")
            target = holder[0]
            for name in names[:-1]:
                target = target[name]
            target[names[-1]] = value
        path.write_text(json.dumps(card), encoding="utf-8")

    return make


def branch_named(name: str) -> Making:
    def make(place: Path) -> None:
        path = place / "runs/late/run.json"
        card = json.loads(path.read_text(encoding="utf-8"))
        card["branches"] = {name: next(iter(card["branches"].values()))}
        path.write_text(json.dumps(card), encoding="utf-8")

    return make


def first_row_with(column: str, value: str) -> Making:
    def make(place: Path) -> None:
        path = place / "data/ptbxl/ptbxl_database.csv"
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        rows[0][column] = value
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)

    return make


def store_with(change: Callable[[Any], object]) -> Making:
    def make(place: Path) -> None:
        import h5py

        with h5py.File(place / "data/stores/test.h5", "r+") as file:
            change(file)

    return make


def giant(name: str) -> Callable[[Any], object]:
    def change(file: Any) -> None:
        del file[name]
        file.create_dataset(name, shape=(2**32, 12, 1000), dtype="i2", chunks=(1, 12, 1000), compression="gzip")

    return change


def external(name: str) -> Callable[[Any], object]:
    def change(file: Any) -> None:
        import h5py

        del file[name]
        file[name] = h5py.ExternalLink("../../../outside/other.h5", "/signals")

    return change


def item_named(name: str) -> Callable[[Any], object]:
    def change(file: Any) -> None:
        file["item_id"][0] = name

    return change


def many_signals(place: Path) -> None:
    lines = ["00001_lr 100000 100 1000"] + [f"00001_lr.dat 16 1000(0)/mV 16 0 0 0 0 L{n}" for n in range(100_000)]
    (place / "data/ptbxl/records100/00000/00001_lr.hea").write_text("\n".join(lines) + "\n")


def wide_table(place: Path) -> None:
    path = place / "data/ptbxl/ptbxl_database.csv"
    first, *rest = path.read_text(encoding="utf-8").splitlines()
    first += "," + ",".join(f"c{number}" for number in range(1_000_000))
    path.write_text("\n".join([first, *rest]) + "\n", encoding="utf-8")
