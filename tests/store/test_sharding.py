"""A partition in shards: the content is one machine's, whoever makes it, however often it is stopped."""

import re
from pathlib import Path
from typing import Any

import h5py
import pytest
from cinc2017_folders import LABELS, write_set
from in_shards import Here, make_in_shards, small_shards
from kills import Killed
from small_stores import make, same_content

from pipeline.errors import EcgFusionError
from pipeline.sources import open_source
from pipeline.store.create import create_stores
from pipeline.store.merging import merge_store
from pipeline.store.reading import open_store, store_path
from pipeline.store.sharded import shards_folder
from pipeline.store.sharding import draw_shard
from pipeline.store.writing import part_path

TRAIN = ("--partition", "train")


def merged(out: Path) -> Path:
    """One file of what was made in shards, which tells most simply whether it is the same."""
    assert merge_store(store_path(out, "train"))
    return out


def shards(out: Path) -> list[str]:
    return sorted(path.name for path in shards_folder(store_path(out, "train")).iterdir())


def damage_a_record(data: Path, row: int) -> str:
    """Truncates the signals of the row-th training record; its name."""
    record = open_store_of(data).columns["record_id"][row]
    (file,) = (data / "records100").rglob(f"{int(record):05d}_lr.dat")
    file.write_bytes(file.read_bytes()[:100])
    return str(record)


def open_store_of(data: Path):
    out = data.parent / "to-look-at"
    return open_store(store_path(out if out.exists() else make(data, out, *TRAIN, "--representations", "gaf"), "train"))


def test_bad_records_of_all_shards_are_named_in_their_order(copied_folder, tmp_path, capsys):
    names = [damage_a_record(copied_folder, row) for row in (2, 25)]
    workers = Here()
    with pytest.raises(EcgFusionError, match="2 bad records, each named above"):
        make_in_shards(copied_folder, tmp_path / "many", *TRAIN, "dev", workers=workers)
    said = [line for line in capsys.readouterr().err.splitlines() if "is bad" in line]
    assert [re.search(r"record (\d+) is bad", line)[1] for line in said] == names
    assert workers.stages == ["train signals", "dev signals"]  # no image before all bad records are known
    assert shards(tmp_path / "many") == ["00001.h5.part", "00003.h5.part"]


def test_bad_records_are_left_out_as_one_machine_leaves_them_out(copied_folder, tmp_path):
    for row in (2, 25, 30):  # the last is alone in its shard
        damage_a_record(copied_folder, row)
    one = make(copied_folder, tmp_path / "one", *TRAIN, "--skip_bad_records")
    many = make_in_shards(copied_folder, tmp_path / "many", *TRAIN, "--skip_bad_records")
    assert shards(many) == ["00000.h5", "00001.h5", "00002.h5"]
    assert open_store(store_path(many, "train")).n_items == 28
    assert same_content(one, merged(many))


def test_what_is_bad_everywhere_is_one_sentence(copied_folder, tmp_path):
    for file in (copied_folder / "records100").rglob("*.dat"):
        file.write_bytes(b"")
    with pytest.raises(EcgFusionError, match="no record of train is readable"):
        make_in_shards(copied_folder, tmp_path, *TRAIN, "--skip_bad_records")


def test_without_the_longest_record_the_store_is_as_narrow_as_one_machines(tmp_path):
    """Of signals of unequal length the width is that of the longest that is left."""
    data = write_set(tmp_path / "cinc", {f"A{number:05d}": LABELS[number % 10] for number in range(1, 101)})
    source = open_source("cinc2017", data)
    options: dict[str, Any] = {"partition": "train", "representations": "none", "skip_bad_records": True, "workers": 1}
    (path,) = create_stores(source, tmp_path / "whole", **options)
    whole, workers = open_store(path), Here()
    longest = whole.columns["record_id"][whole.lengths.argmax()]
    next(data.rglob(f"{longest}.mat")).write_bytes(b"")
    create_stores(source, tmp_path / "one", **options)
    with small_shards(workers):
        create_stores(source, tmp_path / "many", scheduler="local:2", **options)
    assert workers.stages.count("train signals") == 2
    assert len(shards(tmp_path / "many")) > 2
    assert open_store(store_path(tmp_path / "many", "train")).signals.shape[2] < whole.signals.shape[2]
    assert same_content(tmp_path / "one", merged(tmp_path / "many"))


@pytest.mark.parametrize("dies_at", [2, 6])
def test_stopped_anywhere_it_goes_on_to_the_same_content(reference_stores, synthetic_folder, tmp_path, dies_at):
    calls: list[str] = []

    def once(task, job):
        if len(calls) == dies_at:
            calls.append("killed")
            raise Killed
        calls.append(str(job.name))
        return task(job)

    with pytest.raises(Killed):
        make_in_shards(synthetic_folder, tmp_path, *TRAIN, workers=Here(once))
    make_in_shards(synthetic_folder, tmp_path, *TRAIN, workers=Here(once))
    merged(tmp_path)
    assert store_path(tmp_path, "train").read_bytes() == store_path(reference_stores, "train").read_bytes()


def test_a_shard_that_was_damaged_meanwhile_is_mended(reference_stores, synthetic_folder, tmp_path):
    make_in_shards(synthetic_folder, tmp_path, *TRAIN)
    store_path(tmp_path, "train").unlink()
    with h5py.File(shards_folder(store_path(tmp_path, "train")) / "00001.h5", "r+") as file:
        file["images/gaf"][4] = 0
    make_in_shards(synthetic_folder, tmp_path, *TRAIN)
    merged(tmp_path)
    assert store_path(tmp_path, "train").read_bytes() == store_path(reference_stores, "train").read_bytes()


def test_a_recording_that_is_another_now_is_refused(copied_folder, tmp_path):
    make_in_shards(copied_folder, tmp_path, *TRAIN)
    name = open_store(store_path(tmp_path, "train")).columns["record_id"][12]
    store_path(tmp_path, "train").unlink()
    (file,) = (copied_folder / "records100").rglob(f"{int(name):05d}_lr.dat")
    content = bytearray(file.read_bytes())
    other = next((copied_folder / "records100").rglob("*_lr.dat")).read_bytes()
    file.write_bytes(other if other != content else bytes(reversed(content)))
    with pytest.raises(EcgFusionError, match=rf"record {name} is"):
        make_in_shards(copied_folder, tmp_path, *TRAIN)


def test_a_task_that_is_done_again_changes_nothing(reference_stores, synthetic_folder, tmp_path):
    """A worker may be lost after it has done its task and before it could say so."""

    def twice(task, job):
        task(job)
        return task(job)

    make_in_shards(synthetic_folder, tmp_path, *TRAIN, workers=Here(twice))
    merged(tmp_path)
    assert store_path(tmp_path, "train").read_bytes() == store_path(reference_stores, "train").read_bytes()


def test_one_machine_and_workers_do_not_mix(synthetic_folder, tmp_path, monkeypatch):
    def stop(*_):
        raise Killed

    with pytest.raises(Killed):
        make_in_shards(synthetic_folder, tmp_path / "many", *TRAIN, workers=Here(stop))
    with pytest.raises(EcgFusionError, match=r"was begun in shards: go on with --scheduler local:2, or remove"):
        make(synthetic_folder, tmp_path / "many", *TRAIN)
    with pytest.raises(EcgFusionError, match=r"train\.h5 is not finished: give the command that began it again"):
        open_store(store_path(tmp_path / "many", "train"))
    monkeypatch.setattr("pipeline.store.filling.store_images", stop)
    with pytest.raises(Killed):
        make(synthetic_folder, tmp_path / "one", *TRAIN)
    with pytest.raises(EcgFusionError, match=r"train\.h5\.part was begun without --scheduler: go on without it"):
        make_in_shards(synthetic_folder, tmp_path / "one", *TRAIN)
    assert part_path(store_path(tmp_path / "one", "train")).exists()


def test_other_parameters_are_refused(synthetic_folder, tmp_path):
    make_in_shards(synthetic_folder, tmp_path, *TRAIN)
    with pytest.raises(EcgFusionError, match=r"was made with other parameters .*size 16, not 8"):
        make_in_shards(synthetic_folder, tmp_path, *TRAIN, "--size", "8")
    store_path(tmp_path, "train").unlink()
    with pytest.raises(EcgFusionError, match=r"size 16, not 8.*: choose another --out"):
        make_in_shards(synthetic_folder, tmp_path, *TRAIN, "--size", "8")
    with pytest.raises(EcgFusionError, match=r"could not be used with"):
        make_in_shards(synthetic_folder, tmp_path, "--partition", "dev", "--size", "8")


def test_complete_there_is_nothing_to_do(synthetic_folder, tmp_path, capsys):
    make_in_shards(synthetic_folder, tmp_path, *TRAIN)
    assert " bytes in 4 shards, " in capsys.readouterr().out
    workers = Here()
    make_in_shards(synthetic_folder, tmp_path, *TRAIN, workers=workers)
    assert not workers.stages
    assert "train.h5 is complete: nothing to do" in capsys.readouterr().out
    make(synthetic_folder, tmp_path, *TRAIN)
    assert "train.h5 is complete: nothing to do" in capsys.readouterr().out


def test_a_worker_that_sees_another_disk_says_so(copied_folder, tmp_path):
    """Else all its records would count as bad, and be left out, or its shards would be seen by nobody."""

    def elsewhere(task, job):
        copied_folder.rename(tmp_path / "unmounted")
        return task(job)

    with pytest.raises(EcgFusionError, match=rf"does not see {copied_folder}: the recordings must lie on a disk"):
        make_in_shards(copied_folder, tmp_path / "many", *TRAIN, "--skip_bad_records", workers=Here(elsewhere))


def test_a_shard_that_only_its_worker_sees_is_one_sentence(synthetic_folder, tmp_path):
    def lost(task, job):
        result = task(job)
        if getattr(task, "func", None) is draw_shard and job.name == "00002":
            job.path.unlink()
        return result

    with pytest.raises(EcgFusionError, match=r"has made .*00002\.h5, and it is not here: name an --out"):
        make_in_shards(synthetic_folder, tmp_path, *TRAIN, workers=Here(lost))
