"""A recording that cannot be stored as it is stops the command by name, or is left out and listed; none is altered."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from recording_files import counts_in, data_file, write_counts
from small_stores import make

import pipeline.store.filling
from pipeline.errors import EcgFusionError
from pipeline.sources import open_source
from pipeline.store.reading import open_store, store_path


def damage_three(folder: Path) -> None:
    """Records 2, 14 and 30 of the training folds go bad, each in its own way, and one of the test fold."""
    items = open_source("ptbxl", folder).records
    assert set(items.loc[items["fold"] < 9, "record_id"]) >= {"2", "14", "30"}
    data_file(folder, 2).unlink()
    data_file(folder, 14).write_bytes(data_file(folder, 14).read_bytes()[:-100])
    counts = counts_in(folder, 30)
    counts[500, 3] = -32768
    write_counts(folder, 30, counts)
    (test_record,) = items.loc[items["fold"] == 10, "record_id"].head(1)
    data_file(folder, int(test_record)).with_suffix(".hea").write_text("garbage")


def test_all_bad_records_of_all_partitions_are_named_before_the_command_stops(copied_folder, tmp_path, capsys):
    damage_three(copied_folder)
    with pytest.raises(EcgFusionError, match="4 bad records, each named above: mend the files, or leave them out"):
        make(copied_folder, tmp_path / "o")
    said = capsys.readouterr().err
    assert "record 2 is bad: " in said
    assert "00002_lr.dat is missing" in said
    assert "00014_lr.dat has 23900 bytes where its header says 24000" in said
    assert "00030_lr.dat has a missing sample in lead aVR" in said
    assert said.count("is bad: ") == 4
    assert "images" not in said  # stopped before the first image
    assert not list((tmp_path / "o").glob("t*"))


def test_bad_records_can_be_left_out_and_are_listed_in_the_store(copied_folder, reference_stores, tmp_path, capsys):
    damage_three(copied_folder)
    make(copied_folder, tmp_path / "o", "--skip_bad_records", "--workers", "3")
    said = capsys.readouterr()
    assert said.err.count("is bad: ") == 4
    assert "28 records, 3 left out" in said.out
    assert "left out 14: " in said.out
    store, whole = open_store(store_path(tmp_path / "o", "train")), open_store(store_path(reference_stores, "train"))
    bad = dict(store.attributes["bad_records"])
    assert list(bad) == ["2", "14", "30"]
    assert "00014_lr.dat has 23900 bytes" in bad["14"]
    kept = ~np.isin(whole.columns["item_id"], ["2", "14", "30"])
    assert store.columns["item_id"].tolist() == whole.columns["item_id"][kept].tolist()
    np.testing.assert_array_equal(store.signals.open(), whole.signals.open()[kept])
    np.testing.assert_array_equal(store.images["gaf"].open(), whole.images["gaf"].open()[kept])
    np.testing.assert_array_equal(store.task("disease").values, whole.task("disease").values[kept])
    make(copied_folder, tmp_path / "o", "--skip_bad_records")
    assert capsys.readouterr().out.endswith(
        "dev.h5 and " + str(tmp_path / "o" / "test.h5 are complete: nothing to do\n")
    )


def test_a_part_without_its_bad_records_is_not_finished_unasked(copied_folder, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    data_file(copied_folder, 2).unlink()
    monkeypatch.setattr(pipeline.store.filling, "store_images", stop)
    with pytest.raises(KeyboardInterrupt):
        make(copied_folder, tmp_path / "o", "--skip_bad_records", "--partition", "train")
    monkeypatch.undo()
    with pytest.raises(EcgFusionError, match=r"was begun without 1 bad records \(2: .*go on with --skip_bad_records"):
        make(copied_folder, tmp_path / "o", "--partition", "train")
    make(copied_folder, tmp_path / "o", "--partition", "train", "--skip_bad_records")
    assert open_store(store_path(tmp_path / "o", "train")).n_items == 30


@pytest.mark.parametrize("count", [32767, -32767])
def test_nothing_is_clipped(copied_folder, tmp_path, capsys, count):
    counts = counts_in(copied_folder, 2)
    counts[:500, 4], counts[500:, 4] = count, -count  # any low-pass goes beyond a step
    write_counts(copied_folder, 2, counts)
    make(copied_folder, tmp_path / "plain", "--band", "none", "--partition", "train")  # int16 holds it as it is
    with pytest.raises(EcgFusionError, match="1 bad record, named above"):
        make(copied_folder, tmp_path / "filtered", "--partition", "train", "--band", "0", "40")
    assert "record 2 is bad: it reaches" in capsys.readouterr().err


def test_a_partition_of_bad_records_only_is_refused(copied_folder, tmp_path):
    for path in (copied_folder / "records100").rglob("*.dat"):
        path.unlink()
    with pytest.raises(EcgFusionError, match="no record of train is readable: check --data and --sampling_rate"):
        make(copied_folder, tmp_path / "o", "--skip_bad_records")
    with pytest.raises(EcgFusionError, match="40 bad records, each named above"):
        make(copied_folder, tmp_path / "o")


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE])
def test_a_machine_that_is_short_of_something_makes_no_record_bad(
    copied_folder, reference_stores, tmp_path, monkeypatch, capsys, number
):
    """Left out as bad, good records would be missing from the store, and nobody would know why."""
    opens, opened = os.open, []

    def seldom(file, *how, **more):
        if str(file).endswith(".dat"):
            opened.append(file)
            if len(opened) == 20:
                raise OSError(number, os.strerror(number), file)
        return opens(file, *how, **more)

    monkeypatch.setattr(os, "open", seldom)
    with pytest.raises(
        EcgFusionError, match=r"(open|small|network disk).*\.dat(: | has gone away: ).* and give the same command again"
    ):
        make(copied_folder, tmp_path / "o", "--skip_bad_records", "--workers", "2")
    assert "is bad" not in capsys.readouterr().err
    make(copied_folder, tmp_path / "o", "--skip_bad_records", "--workers", "2")
    for partition in ("train", "dev", "test"):
        store, whole = (open_store(store_path(folder, partition)) for folder in (tmp_path / "o", reference_stores))
        assert not store.attributes["bad_records"]
        np.testing.assert_array_equal(store.signals.open(), whole.signals.open())
        np.testing.assert_array_equal(store.images["gaf"].open(), whole.images["gaf"].open())
