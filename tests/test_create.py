"""Recordings to stores: what is in them, what stops them, and that they go on after a kill."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch

import create_images
import pipeline.create
import pipeline.store_writer
from pipeline.errors import EcgFusionError
from pipeline.job import SignalRecipe
from pipeline.locks import locked
from pipeline.representations import ImageRecipe, pictures
from pipeline.signals import band_pass, choose_leads, resample, to_counts, to_millivolts
from pipeline.sources import open_source
from pipeline.sources.synthetic import write_dataset
from pipeline.store import Store, open_store, store_path
from pipeline.store_writer import part_path, recorded_attributes

ROOT = Path(create_images.__file__).parent
SMALL = ("--size", "16", "--workers", "1", "--representations", "gaf", "mtf")


def make(data: Path, out: Path, *words: object) -> Path:
    """Runs the command in this process; small pictures unless the words say otherwise."""
    create_images.main([str(word) for word in ("--data", data, "--out", out, *SMALL, *words)])
    return out


def stores(folder: Path) -> dict[str, Store]:
    return {path.stem: open_store(path) for path in sorted(folder.glob("*.h5"))}


def same_content(one: Path, other: Path) -> bool:
    return {path.name: path.read_bytes() for path in one.glob("*.h5")} == {
        path.name: path.read_bytes() for path in other.glob("*.h5")
    }


@pytest.fixture(scope="session")
def reference(synthetic_folder, tmp_path_factory) -> Path:
    """The small stores, made in one go."""
    return make(synthetic_folder, tmp_path_factory.mktemp("reference"))


@pytest.fixture
def copied(tmp_path, synthetic_folder) -> Path:
    """A copy of the recordings that a test may damage."""
    return shutil.copytree(synthetic_folder, tmp_path / "ptbxl")


def data_file(folder: Path, record: int) -> Path:
    return folder / f"records100/00000/{record:05d}_lr.dat"


def write_counts(folder: Path, record: int, counts: np.ndarray) -> None:
    """Puts other samples into a record, with the checksums that belong to them."""
    path = data_file(folder, record)
    counts.astype("<i2").tofile(path)
    first, *leads = path.with_suffix(".hea").read_text().splitlines()
    totals = counts.astype("<i2").sum(axis=0, dtype=np.int64) % 65536
    fields = [line.split() for line in leads]
    leads = [" ".join([*field[:6], str(total), *field[7:]]) for field, total in zip(fields, totals, strict=True)]
    path.with_suffix(".hea").write_text("\n".join([first, *leads]))


def counts_in(folder: Path, record: int) -> np.ndarray:
    return np.fromfile(data_file(folder, record), "<i2").reshape(-1, 12)


# what is in a store


@pytest.mark.parametrize("partition", ["train", "dev", "test"])
def test_image_and_signal_of_an_item_come_from_its_recording(small_store_folder, synthetic_folder, partition):
    store = open_store(store_path(small_store_folder, partition))
    source = open_source("ptbxl", synthetic_folder)
    items = source.items.set_index("item_id", drop=False).loc[store.columns["item_id"]]
    recordings = np.array(source.read(items))
    counts = to_counts(band_pass(recordings, 100, (0.5, 40)), 1000)
    np.testing.assert_array_equal(store.signals.open(), counts)
    x = to_millivolts(counts, 1000)[:, choose_leads(store.leads, store.image_leads)]
    recipe = ImageRecipe(size=32)
    drawn = pictures(torch.from_numpy(x), 100, recipe).numpy()  # (items, leads, forms, 32, 32)
    for number, form in enumerate(recipe.representations):
        np.testing.assert_array_equal(store.images[form].open(), drawn[:, :, number])


def test_pictures_are_those_of_the_stored_numbers(small_store_folder):
    for store in stores(small_store_folder).values():
        x = to_millivolts(store.signals.open(), store.gain)[:, choose_leads(store.leads, store.image_leads)]
        recipe = ImageRecipe.from_parameters(store.image_parameters)
        drawn = pictures(torch.from_numpy(x), store.sampling_rate, recipe).numpy()
        for number, form in enumerate(recipe.representations):
            np.testing.assert_array_equal(store.images[form].open(), drawn[:, :, number])


def test_an_unfiltered_store_holds_the_numbers_of_the_files(synthetic_folder, tmp_path):
    make(synthetic_folder, tmp_path, "--band", "none")
    for store in stores(tmp_path).values():
        assert (store.attributes["band"], store.attributes["filter"]) == (None, "none")
        for record_id, signal in zip(store.columns["record_id"], store.signals.open(), strict=True):
            np.testing.assert_array_equal(signal, counts_in(synthetic_folder, int(record_id)).T)


@pytest.mark.realdata
def test_an_unfiltered_store_holds_the_numbers_of_real_files(ptbxl_folder, tmp_path):
    make(ptbxl_folder, tmp_path, "--band", "none", "--limit", "20", "--partition", "dev", "--leads", "all")
    store = open_store(store_path(tmp_path, "dev"))
    assert (store.n_items, store.leads) == (20, store.image_leads)
    assert store.attributes["source_version"].startswith(("1.0.", "unknown"))
    for record_id, signal in zip(store.columns["record_id"], store.signals.open(), strict=True):
        files = list(ptbxl_folder.glob(f"records100/*/{int(record_id):05d}_lr.dat"))
        np.testing.assert_array_equal(signal, np.fromfile(files[0], "<i2").reshape(-1, 12).T)


@pytest.mark.parametrize(("rate", "n_samples"), [(500, 5000), (250, 2500), (99.9, 999)])
def test_a_store_may_be_finer_than_100_hz(tmp_path, rate, n_samples):
    write_dataset(tmp_path / "ptbxl", n_records=3, seed=0, rates=(100, 500))
    make(tmp_path / "ptbxl", tmp_path / "o", "--folds", "train=1-10", "--sampling_rate", rate, "--band", "1", "45")
    store = open_store(store_path(tmp_path / "o", "train"))
    native = 100 if rate < 100 else 500
    source = open_source("ptbxl", tmp_path / "ptbxl", sampling_rate=native)
    assert (store.sampling_rate, store.attributes["source_sampling_rate"]) == (rate, native)
    assert store.signals.shape == (3, 12, n_samples)
    assert store.lengths.tolist() == [n_samples] * 3
    for signal, stored in zip(source.read(source.items), store.signals.open(), strict=True):
        # filtered at the native rate, then resampled, then rounded
        expected = to_counts(resample(band_pass(signal, native, (1, 45)), native, rate), 1000)
        np.testing.assert_array_equal(stored, expected)


def test_any_number_of_workers_makes_the_same_files(reference, synthetic_folder, tmp_path):
    make(synthetic_folder, tmp_path, "--workers", "3")
    assert same_content(reference, tmp_path)


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="the system takes no advice on its cache")
@pytest.mark.parametrize(("share", "evicted"), [(1e-9, True), (0.5, False)])
def test_pictures_leave_the_cache_only_where_memory_is_small_for_them(
    reference, synthetic_folder, tmp_path, monkeypatch, share, evicted
):
    advised = []
    monkeypatch.setattr(os, "posix_fadvise", lambda *arguments: advised.append(arguments[-1]))
    monkeypatch.setattr(pipeline.create, "_SHARE_OF_MEMORY", share)
    make(synthetic_folder, tmp_path)
    assert (os.POSIX_FADV_DONTNEED in advised) == evicted
    assert same_content(reference, tmp_path)


def test_no_representations_is_a_store_of_signals(reference, synthetic_folder, tmp_path):
    words = ["--data", str(synthetic_folder), "--out", str(tmp_path), "--representations", "none", "--workers", "2"]
    create_images.main(words)
    for name, store in stores(tmp_path).items():
        assert (store.images, store.image_leads, store.image_parameters) == ({}, [], {})
        np.testing.assert_array_equal(store.signals.open(), open_store(store_path(reference, name)).signals.open())
    create_images.main(words)  # complete


@pytest.mark.parametrize(
    ("words", "leads"),
    [(["aVR", "v6"], ["aVR", "V6"]), (["AVR", "I"], ["aVR", "I"]), (["avr"], ["aVR"]), (["all"], None)],
)
def test_image_leads_are_chosen_and_signals_carry_all(synthetic_folder, tmp_path, words, leads):
    make(synthetic_folder, tmp_path, "--leads", *words, "--partition", "dev")
    store = open_store(store_path(tmp_path, "dev"))
    assert store.image_leads == (leads or store.leads)
    assert store.signals.shape[1] == 12
    assert store.images["gaf"].shape[1] == len(store.image_leads)


def test_limit_keeps_the_first_of_each_partition(reference, synthetic_folder, tmp_path):
    make(synthetic_folder, tmp_path, "--limit", "3")
    for name, store in stores(tmp_path).items():
        whole = open_store(store_path(reference, name))
        assert store.columns["item_id"].tolist() == whole.columns["item_id"][:3].tolist()
        np.testing.assert_array_equal(store.signals.open(), whole.signals.open()[:3])
        np.testing.assert_array_equal(store.images["mtf"].open(), whole.images["mtf"].open()[:3])


def test_the_gain_of_a_finer_source_is_kept():
    signal = np.full((1, 1000), 1 / 4880)
    assert (SignalRecipe(None, 100, 4880.0).counts(signal, 100) == 1).all()
    assert (SignalRecipe(None, 100, 1000.0).counts(signal, 100) == 0).all()


# partitions


def test_an_empty_partition_is_a_warning(synthetic_folder, tmp_path, capsys):
    make(synthetic_folder, tmp_path, "--folds", "train=1-2", "dev=9", "test=11")
    said = capsys.readouterr().err
    assert "warning: " in said
    assert "has no record for test (train=1-2 dev=9 test=11): no store is made" in said
    assert sorted(stores(tmp_path)) == ["dev", "train"]


def test_a_partition_without_folds_is_a_warning_too(synthetic_folder, tmp_path, capsys):
    make(synthetic_folder, tmp_path, "--folds", "train=1-8", "--partition", "dev")
    assert "has no record for dev" in capsys.readouterr().err
    assert not stores(tmp_path)


def test_only_the_partition_that_is_asked_for_is_made(synthetic_folder, tmp_path):
    make(synthetic_folder, tmp_path, "--partition", "dev", "dev")
    assert sorted(stores(tmp_path)) == ["dev"]


def test_a_patient_in_two_partitions_is_refused(copied, tmp_path):
    table = pd.read_csv(copied / "ptbxl_database.csv")
    again = table["patient_id"].duplicated(keep=False)
    table.loc[again, "strat_fold"] = np.arange(again.sum()) % 2 + 8
    table.to_csv(copied / "ptbxl_database.csv", index=False)
    with pytest.raises(EcgFusionError, match=r"is in train and in dev: choose --folds that keep every patient in one"):
        make(copied, tmp_path / "o", "--partition", "test")
    assert not (tmp_path / "o").exists()


# bad records


def damage_three(folder: Path) -> None:
    """Records 2, 14 and 30 of the training folds go bad, each in its own way, and one of the test fold."""
    items = open_source("ptbxl", folder).items
    assert set(items.loc[items["fold"] < 9, "record_id"]) >= {"2", "14", "30"}
    data_file(folder, 2).unlink()
    data_file(folder, 14).write_bytes(data_file(folder, 14).read_bytes()[:-100])
    counts = counts_in(folder, 30)
    counts[500, 3] = -32768
    write_counts(folder, 30, counts)
    (test_record,) = items.loc[items["fold"] == 10, "record_id"].head(1)
    data_file(folder, int(test_record)).with_suffix(".hea").write_text("garbage")


def test_all_bad_records_of_all_partitions_are_named_before_the_command_stops(copied, tmp_path, capsys):
    damage_three(copied)
    with pytest.raises(EcgFusionError, match="4 bad records, each named above: mend the files, or leave them out"):
        make(copied, tmp_path / "o")
    said = capsys.readouterr().err
    assert "record 2 is bad: " in said
    assert "00002_lr.dat is missing" in said
    assert "00014_lr.dat has 23900 bytes where its header says 24000" in said
    assert "00030_lr.dat has a missing sample in lead aVR" in said
    assert said.count("is bad: ") == 4
    assert "images" not in said  # stopped before the first picture
    assert not list((tmp_path / "o").glob("t*"))


def test_bad_records_can_be_left_out_and_are_listed_in_the_store(copied, reference, tmp_path, capsys):
    damage_three(copied)
    make(copied, tmp_path / "o", "--skip_bad_records", "--workers", "3")
    said = capsys.readouterr()
    assert said.err.count("is bad: ") == 4
    assert "28 records, 3 left out" in said.out
    assert "left out 14: " in said.out
    store, whole = open_store(store_path(tmp_path / "o", "train")), open_store(store_path(reference, "train"))
    bad = dict(store.attributes["bad_records"])
    assert list(bad) == ["2", "14", "30"]
    assert "00014_lr.dat has 23900 bytes" in bad["14"]
    kept = ~np.isin(whole.columns["item_id"], ["2", "14", "30"])
    assert store.columns["item_id"].tolist() == whole.columns["item_id"][kept].tolist()
    np.testing.assert_array_equal(store.signals.open(), whole.signals.open()[kept])
    np.testing.assert_array_equal(store.images["gaf"].open(), whole.images["gaf"].open()[kept])
    np.testing.assert_array_equal(store.task("disease").values, whole.task("disease").values[kept])
    make(copied, tmp_path / "o", "--skip_bad_records")
    assert capsys.readouterr().out.count("is complete: nothing to do") == 3


def test_a_part_without_its_bad_records_is_not_finished_unasked(copied, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    data_file(copied, 2).unlink()
    monkeypatch.setattr(pipeline.create, "_store_images", stop)
    with pytest.raises(KeyboardInterrupt):
        make(copied, tmp_path / "o", "--skip_bad_records", "--partition", "train")
    monkeypatch.undo()
    with pytest.raises(EcgFusionError, match=r"was begun without 1 bad records \(2: .*go on with --skip_bad_records"):
        make(copied, tmp_path / "o", "--partition", "train")
    make(copied, tmp_path / "o", "--partition", "train", "--skip_bad_records")
    assert open_store(store_path(tmp_path / "o", "train")).n_items == 30


@pytest.mark.parametrize("count", [32767, -32767])
def test_nothing_is_clipped(copied, tmp_path, capsys, count):
    counts = counts_in(copied, 2)
    counts[:500, 4], counts[500:, 4] = count, -count  # any low-pass goes beyond a step
    write_counts(copied, 2, counts)
    make(copied, tmp_path / "plain", "--band", "none", "--partition", "train")  # int16 holds it as it is
    with pytest.raises(EcgFusionError, match="1 bad record, named above"):
        make(copied, tmp_path / "filtered", "--partition", "train", "--band", "0", "40")
    assert "record 2 is bad: it reaches" in capsys.readouterr().err


def test_a_partition_of_bad_records_only_is_refused(copied, tmp_path):
    for path in (copied / "records100").rglob("*.dat"):
        path.unlink()
    with pytest.raises(EcgFusionError, match="no record of train is readable: check --data and --sampling_rate"):
        make(copied, tmp_path / "o", "--skip_bad_records")
    with pytest.raises(EcgFusionError, match="40 bad records, each named above"):
        make(copied, tmp_path / "o")


# again, and otherwise


def test_a_complete_store_is_left_alone(synthetic_folder, tmp_path, capsys):
    make(synthetic_folder, tmp_path, "--partition", "dev")
    path = store_path(tmp_path, "dev")
    before = path.stat()
    capsys.readouterr()
    make(synthetic_folder, tmp_path, "--partition", "dev", "--workers", "2")
    said = capsys.readouterr()
    assert f"{path} is complete: nothing to do" in said.out
    assert "bytes to come" not in said.out
    after = path.stat()
    assert (after.st_mtime_ns, after.st_ino, after.st_size) == (before.st_mtime_ns, before.st_ino, before.st_size)


@pytest.mark.parametrize("finished", [True, False], ids=["a store", "a part"])
@pytest.mark.parametrize(
    ("words", "difference"),
    [
        (["--size", "32"], "images gaf size 16, not 32"),
        (["--band", "1", "45"], r"band \[0.5, 40.0\], not \[1.0, 45.0\]"),
        (["--band", "none"], r"band \[0.5, 40.0\], not None"),
        (["--leads", "I"], r"image_leads \['I', 'II', 'V2'\], not \['I'\]"),
        (["--representations", "gaf"], "images mtf size 16, not left out"),
        (["--sampling_rate", "50", "--band", "0.5", "20"], "sampling_rate 100.0, not 50.0"),
        (["--limit", "2"], "limit None, not 2"),
        (["--folds", "train=1-7", "dev=9", "test=10"], "folds train "),
        (["--min_likelihood", "50"], "min_likelihood 0.0, not 50.0"),
        (["--mtf_bins", "5"], "images mtf n_bins 10, not 5"),
        (["--scale", "fixed"], "images gaf scale record, not fixed"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_other_parameters_refuse_to_mix(reference, synthetic_folder, tmp_path, words, difference, finished):
    path = store_path(tmp_path, "dev")
    shutil.copy(store_path(reference, "dev"), path if finished else part_path(path))
    with pytest.raises(EcgFusionError, match=f"was made with other parameters .*{difference}.*: choose another --out"):
        make(synthetic_folder, tmp_path, "--partition", "dev", *words)


def test_another_data_set_refuses_to_mix(synthetic_folder, reference, tmp_path):
    write_dataset(tmp_path / "other", n_records=40, seed=1)
    with pytest.raises(EcgFusionError, match="source_version unknown"):
        make(tmp_path / "other", reference, "--partition", "dev")


@pytest.mark.parametrize("name", ["dev.h5", "dev.h5.part"])
def test_a_foreign_file_in_its_place_is_refused(synthetic_folder, tmp_path, name):
    (tmp_path / name).write_bytes(b"garbage" * 99)
    with pytest.raises(EcgFusionError, match="is not a readable store"):
        make(synthetic_folder, tmp_path, "--partition", "dev")
    with h5py.File(tmp_path / name, "w") as file:
        file["x"] = 1
    with pytest.raises(EcgFusionError, match=r"is an HDF5 file of another program|was made with other parameters"):
        make(synthetic_folder, tmp_path, "--partition", "dev")
    assert h5py.is_hdf5(tmp_path / name)


def test_two_at_once_on_one_store(synthetic_folder, tmp_path):
    with locked(store_path(tmp_path, "dev"), "busy"):
        make(synthetic_folder, tmp_path, "--partition", "test")  # another store is nobody's concern
        with pytest.raises(EcgFusionError, match=r"dev\.h5 is being written by another process"):
            make(synthetic_folder, tmp_path, "--partition", "dev")
    make(synthetic_folder, tmp_path, "--partition", "dev")


# the disk


def test_too_little_disk_is_refused_before_anything_is_written(synthetic_folder, tmp_path, monkeypatch, capsys):
    bytes_of_all = 40 * (2 * 12 * 1000 + 2 * 3 * 16 * 16)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=bytes_of_all - 1))
    with pytest.raises(EcgFusionError, match=f"{bytes_of_all - 1:,} bytes free and {bytes_of_all:,} are to come"):
        make(synthetic_folder, tmp_path)
    assert not list(tmp_path.iterdir())
    assert "train.h5: 31 records, 791,616 bytes to come" in capsys.readouterr().out
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=bytes_of_all))
    make(synthetic_folder, tmp_path)


@pytest.mark.parametrize("writes_before", [0, 1, 3, 5])
def test_after_a_full_disk_the_next_run_goes_on(reference, synthetic_folder, tmp_path, monkeypatch, writes_before):
    written, real = [], os.pwrite

    def pwrite(*arguments):
        if len(written) >= writes_before:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(os, "pwrite", pwrite)
    with pytest.raises(OSError, match="No space left"):
        make(synthetic_folder, tmp_path)
    monkeypatch.undo()
    assert not list(tmp_path.glob("*.h5"))
    make(synthetic_folder, tmp_path)
    assert same_content(reference, tmp_path)


# killed

DRIVER = """
import json, os, random, resource, shutil, signal, sys, threading, time
import create_images, h5py, pandas, scipy.signal, torch
import pipeline.create, pipeline.representations, pipeline.store_writer
from pathlib import Path
from pipeline.command_line import run_command

data, folder, small = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
# machine code that is loaded here need not be loaded by each child
pipeline.representations.pictures(torch.randn(64), 100.0, pipeline.representations.ImageRecipe(size=8))
pipeline.create._BYTES_BETWEEN_SYNCS = 1
pipeline.create._RECORDS_READ_AT_ONCE = pipeline.create._RECORDS_DRAWN_AT_ONCE = 8
steps = [(os, "pwrite"), (os, "fdatasync"), (os, "fsync"), (Path, "replace"), (h5py.File, "close")]


def child(out, before=lambda: None):
    pid = os.fork()
    if pid:
        return pid
    try:
        os.dup2(os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        os.dup2(os.open(folder / "errors", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        before()
        sys.argv = ["create_images.py", "--data", data, "--out", str(out), "--partition", "train", *small]
        run_command(create_images.main)
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(ended.code if isinstance(ended.code, int) else 1)
    finally:
        os._exit(99)


def end(pid):
    status = os.waitpid(pid, 0)[1]
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def counted(last, torn=False):
    # kills itself at the last-th step; a torn one has written half of its bytes
    def before():
        done, one_at_a_time = [0], threading.RLock()

        def wrap(owner, name):
            real = getattr(owner, name)

            def step(*arguments):
                with one_at_a_time:
                    done[0] += 1
                    (folder / "steps").write_text(str(done[0]))
                    if done[0] == last:
                        if torn and name == "pwrite":
                            real(arguments[0], arguments[1][: len(arguments[1]) // 2], arguments[2])
                        os.kill(os.getpid(), signal.SIGKILL)
                    return real(*arguments)

            setattr(owner, name, step)

        for owner, name in steps:
            wrap(owner, name)

    return before


def n_steps():
    return int((folder / "steps").read_text())
"""


def drive(script: str, synthetic_folder: Path, folder: Path) -> dict:
    """Runs a script that kills children of one process, in which everything is imported already."""
    words = [sys.executable, "-c", DRIVER + script, str(synthetic_folder), str(folder), json.dumps(SMALL)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_killed_at_any_step_it_goes_on_to_the_same_bytes(reference, synthetic_folder, tmp_path):
    script = """
assert end(child(folder / "whole", counted(0))) == 0
total, report = n_steps(), []
for last in [*range(1, 8), *range(8, total - 5, 3), *range(total - 5, total + 1)]:
    out = folder / str(last)
    killed = end(child(out, counted(last, torn=True)))
    left = sorted(path.name for path in out.iterdir())
    ended = end(child(out, counted(0)))
    report.append([last, killed, left, ended, n_steps()])
print(json.dumps([total, report]))
"""
    total, report = drive(script, synthetic_folder, tmp_path)
    assert total > 20
    expected = store_path(reference, "train").read_bytes()
    assert store_path(tmp_path / "whole", "train").read_bytes() == expected
    for last, killed, left, ended, steps in report:
        assert (killed, ended) == (-9, 0), last
        assert store_path(tmp_path / str(last), "train").read_bytes() == expected, last
        assert not part_path(store_path(tmp_path / str(last), "train")).exists()
        # a finished store only ever appears whole, and what was done is not done again
        assert "train.h5" not in left or last == total
        assert steps < total - last + 12, last


def test_killed_from_outside_at_random_moments(reference, synthetic_folder, tmp_path):
    script = """
started = time.monotonic()
assert end(child(folder / "whole")) == 0
seconds, kills = time.monotonic() - started, 0
random.seed(0)
while kills < 8:
    pid = child(folder / "killed")
    time.sleep(random.uniform(0.1, 0.9) * seconds)
    os.kill(pid, signal.SIGKILL)
    code = end(pid)
    if code == 0:
        shutil.rmtree(folder / "killed")
    kills += code == -9
assert end(child(folder / "killed")) == 0
print(json.dumps({}))
"""
    drive(script, synthetic_folder, tmp_path)
    assert same_content(tmp_path / "whole", tmp_path / "killed")
    assert store_path(tmp_path / "killed", "train").read_bytes() == store_path(reference, "train").read_bytes()


def test_a_limit_on_the_file_size_is_one_sentence_and_the_next_run_goes_on(reference, synthetic_folder, tmp_path):
    script = """
def limited(size):
    def before():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return before

report = []
for size in (1000, 30_000, 200_000, 800_000):
    code = end(child(folder / "out", limited(size)))
    report.append([code, (folder / "errors").read_text()])
assert end(child(folder / "out")) == 0
print(json.dumps(report))
"""
    for code, errors in drive(script, synthetic_folder, tmp_path):
        assert code == 1
        assert errors.splitlines()[-1].startswith("create_images.py: the disk is full")
        assert "Traceback" not in errors
    assert store_path(tmp_path / "out", "train").read_bytes() == store_path(reference, "train").read_bytes()


def test_what_a_part_was_made_with_is_kept_from_the_start(synthetic_folder, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline.create, "_store_images", stop)
    with pytest.raises(KeyboardInterrupt):
        make(synthetic_folder, tmp_path, "--partition", "dev")
    part = part_path(store_path(tmp_path, "dev"))
    assert recorded_attributes(part)["partition"] == "dev"
    with pytest.raises(EcgFusionError, match="is not finished: give the command that began it again"):
        open_store(store_path(tmp_path, "dev"))
