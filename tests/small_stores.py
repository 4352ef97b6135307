"""Stores of small images, made by create_images.py."""

import shutil
from pathlib import Path

import h5py

import create_images
from pipeline.store.attributes import to_attribute
from pipeline.store.checksums import DIGEST, SUMS, datasets_of, digest_of_contents, sums_of
from pipeline.store.reading import Store, open_store

SMALL = ("--size", "16", "--workers", "1", "--representations", "gaf", "mtf")


def make(data: Path, out: Path, *words: object) -> Path:
    """Runs the command in this process; small images unless the words say otherwise."""
    create_images.main([str(word) for word in ("--data", data, "--out", out, *SMALL, *words)])
    return out


def stores(folder: Path) -> dict[str, Store]:
    return {path.stem: open_store(path) for path in sorted(folder.glob("*.h5"))}


def same_content(one: Path, other: Path) -> bool:
    return {path.name: path.read_bytes() for path in one.glob("*.h5")} == {
        path.name: path.read_bytes() for path in other.glob("*.h5")
    }


def as_partition(store: Path, path: Path) -> None:
    """A copy of a store that says that it is the partition of its new name."""
    shutil.copy(store, path)
    with h5py.File(path, "r+") as file:
        file.attrs["partition"] = to_attribute(path.stem)
        sum_anew(file)


def sum_anew(file: h5py.File) -> None:
    """Gives a store that a test has changed the sums of what it holds now, as if it had been made so."""
    for form in set(file.get(f"{SUMS}/images", {})) - set(file.get("images", {})):
        del file[f"{SUMS}/images/{form}"]
    for name in datasets_of(file):
        if name == "signals" or name.startswith("images/"):
            file[f"{SUMS}/{name}"][...] = sums_of(file[name][()])
    file.attrs[DIGEST] = digest_of_contents(file)
