"""What a part was begun with must be there still: recordings, labels, patients."""

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from killed_children import drive
from small_stores import make

import pipeline.store.filling
from pipeline.errors import EcgFusionError
from pipeline.store.reading import open_store, store_path
from pipeline.store.writing import StoreWriter, part_path


@pytest.fixture
def begun(copied_folder: Path, tmp_path: Path, monkeypatch) -> Path:
    """The folder of a store whose signals are finished, and no image."""

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline.store.filling, "store_images", stop)
    with pytest.raises(KeyboardInterrupt):
        make(copied_folder, tmp_path / "out", "--partition", "train")
    monkeypatch.undo()
    return tmp_path / "out"


def refusal(folder: Path, out: Path) -> str:
    before = part_path(store_path(out, "train")).read_bytes()
    with pytest.raises(EcgFusionError) as refused:
        make(folder, out, "--partition", "train")
    assert part_path(store_path(out, "train")).read_bytes() == before
    assert not store_path(out, "train").exists()
    assert "\n" not in str(refused.value)
    return str(refused.value)


def of_train(folder: Path) -> list[str]:
    table = pd.read_csv(folder / "ptbxl_database.csv")
    return [str(number) for number in table.loc[table["strat_fold"] <= 8, "ecg_id"]]


def recording(folder: Path, record_id: str) -> Path:
    return next((folder / "records100").rglob(f"{int(record_id):05d}_lr.dat"))


@pytest.mark.parametrize("which", [0, 5, -1])
def test_a_recording_that_was_exchanged_is_named(copied_folder, begun, which):
    names = of_train(copied_folder)
    shutil.copy(recording(copied_folder, names[2]), recording(copied_folder, names[which]))
    header = recording(copied_folder, names[2]).with_suffix(".hea").read_text().replace(names[2].zfill(5), "{}")
    recording(copied_folder, names[which]).with_suffix(".hea").write_text(header.replace("{}", names[which].zfill(5)))
    said = refusal(copied_folder, begun)
    assert said.startswith(f"record {names[which]} is another in {copied_folder} than when ")
    assert "put its recording back, or remove" in said


def test_a_recording_that_is_gone_is_named(copied_folder, begun):
    (name, *_) = of_train(copied_folder)
    recording(copied_folder, name).unlink()
    assert f"record {name} is bad now (" in refusal(copied_folder, begun)


@pytest.mark.parametrize(
    ("column", "said"), [("age", "values of age"), ("sex", "values of sex"), ("scp_codes", "labels of ")]
)
def test_another_table_is_refused(copied_folder, begun, column, said):
    path = copied_folder / "ptbxl_database.csv"
    table = pd.read_csv(path)
    table[column] = np.roll(table[column].to_numpy(), 1) if column != "sex" else 1 - table["sex"]
    version = table.to_csv(index=False)
    path.write_text(version)
    found = refusal(copied_folder, begun)
    # the version of a set that does not say it is a digest of its table
    assert said in found or "source_version unknown" in found


def test_the_same_recordings_go_on(copied_folder, begun, reference_stores):
    make(copied_folder, begun, "--partition", "train")
    path = store_path(begun, "train")
    assert path.read_bytes() == store_path(reference_stores, "train").read_bytes()


def test_a_count_that_is_too_high_after_a_kill_leaves_no_zeros(reference_stores, synthetic_folder, tmp_path):
    script = """
import numpy as np
from pipeline.store.writing import StoreWriter

assert end(child(folder / "whole", counted(0))) == 0
total, ended = n_steps(), []
for last in range(10, total - 4, max(1, total // 12)):
    for stages in (["signals"], ["images"], ["signals", "images"]):
        out = folder / f"{last}{''.join(stages)}"
        assert end(child(out, counted(last, torn=True))) == -9
        part = out / "train.h5.part"
        if part.exists():
            with StoreWriter(part) as writer:
                for stage in stages:
                    writer.mark_finished(stage, 31)
        ended.append([out.name, end(child(out))])
print(json.dumps(ended))
"""
    expected = store_path(reference_stores, "train").read_bytes()
    ended = drive(script, synthetic_folder, tmp_path)
    assert len(ended) > 20
    for name, code in ended:
        assert code == 0, name
        assert store_path(tmp_path / name, "train").read_bytes() == expected, name


@pytest.mark.parametrize("count", [-1, 10**9])
def test_a_count_that_cannot_be_begins_anew(copied_folder, begun, reference_stores, count):
    with StoreWriter(part_path(store_path(begun, "train"))) as writer:
        writer.mark_finished("signals", count)
    make(copied_folder, begun, "--partition", "train")
    assert open_store(store_path(begun, "train")).n_items == 31
    assert store_path(begun, "train").read_bytes() == store_path(reference_stores, "train").read_bytes()


def _retyped(file: h5py.File) -> None:
    values = file["record_id"].asstr()[()].astype(float)
    del file["record_id"]
    file["record_id"] = values


SPOILT: list[Callable[[h5py.File], object]] = [
    lambda file: file["labels/form"].attrs.pop("classes"),
    lambda file: file["labels/form"].attrs.__setitem__("classes", "é"),
    lambda file: file.attrs.pop("bad_records"),
    lambda file: file.attrs.__setitem__("bad_records", "[1"),
    lambda file: file["checksums/images"].pop("gaf"),
    lambda file: file.pop("finished"),
    lambda file: file.pop("signals"),
    lambda file: file.__setitem__("soft", h5py.SoftLink("/signals")),
    _retyped,
]


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_part_that_is_no_part_any_more_is_one_sentence(copied_folder, begun, spoil):
    part = part_path(store_path(begun, "train"))
    with h5py.File(part, "r+") as file:
        spoil(file)
    assert str(part) in refusal(copied_folder, begun)


@pytest.mark.parametrize("contents", [b"", b"not a store", b"\x89HDF\r\n\x1a\n" + bytes(500)])
def test_garbage_is_no_part(copied_folder, begun, contents):
    part = part_path(store_path(begun, "train"))
    part.write_bytes(contents)
    assert str(part) in refusal(copied_folder, begun)
