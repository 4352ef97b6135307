"""Processes that read ahead: they outlive a pass, never their items, and change no batch."""

import gc
import importlib
import os
import pickle
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest
from batches_of_stores import ROWS, all_batches, assert_equal, image_spec, signal_spec

import train
from pipeline.errors import EcgFusionError
from pipeline.inputs import placement
from pipeline.inputs.batches import Items, load, scoring_picks, training_picks
from pipeline.inputs.placement import store_items
from pipeline.store.mapped import Mapped
from pipeline.store.reading import Store
from pipeline.training import loop


@pytest.fixture(params=["signals", "images"])
def items(request, store: Store, monkeypatch) -> Items:
    """Read from disk; no process is left from another test."""
    gc.collect()
    assert not active_children()
    monkeypatch.setattr(placement, "machine_memory", lambda: 0)
    spec = signal_spec(store, crop=2.0, stride=1.0) if request.param == "signals" else image_spec(store)
    return store_items(store, ROWS, spec)


def processes() -> set[int | None]:
    return {process.pid for process in active_children()}


def test_the_same_processes_read_every_pass(items: Items):
    passes = [training_picks(items, 3, 0, 0), scoring_picks(items, 2), training_picks(items, 3, 0, 1)]
    seen = []
    for picks in passes:
        assert_equal(all_batches(items, picks, workers=2), all_batches(items, picks))
        seen.append(processes())
    assert seen == 3 * [seen[0]]
    assert len(seen[0]) == 2


def test_as_many_processes_read_as_are_asked_for(items: Items):
    picks = scoring_picks(items, 2)
    for workers in (1, 2, 1):
        assert_equal(all_batches(items, picks, workers), all_batches(items, picks))
        assert len(processes()) == workers


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system binds no process to a core")
def test_a_machine_of_one_core_is_not_warned_of(items: Items):
    """As torch would: tests make an error of it."""
    cores, picks = os.sched_getaffinity(0), scoring_picks(items, 2)
    os.sched_setaffinity(0, {min(cores)})
    try:
        assert_equal(all_batches(items, picks, workers=2), all_batches(items, picks))
    finally:
        os.sched_setaffinity(0, cores)


@pytest.mark.parametrize("taken", [0, 2])
def test_a_pass_that_is_broken_off_leaves_nothing_to_the_next(items: Items, taken: int):
    broken_off, picks = load(items, scoring_picks(items, 1), workers=2), training_picks(items, 3, 0, 0)
    for _ in range(taken):
        next(broken_off)
    del broken_off
    assert not processes()
    assert_equal(all_batches(items, picks, workers=2), all_batches(items, picks))
    assert_equal(all_batches(items, picks, workers=2), all_batches(items, picks))


def test_two_passes_at_once_do_not_meet(items: Items):
    one, other = training_picks(items, 2, 0, 0), training_picks(items, 2, 0, 1)
    both = list(zip(load(items, one, workers=1), load(items, other, workers=1), strict=True))
    assert_equal([batch for batch, _ in both], all_batches(items, one))
    assert_equal([batch for _, batch in both], all_batches(items, other))
    assert len(processes()) == 1


def test_an_earlier_pass_goes_on_behind_a_later_one(items: Items):
    picks = scoring_picks(items, 1)
    early = load(items, picks, workers=1)
    first = next(early)
    all_batches(items, picks[:2], workers=1)
    assert_equal([first, *early], all_batches(items, picks))


def test_processes_end_with_their_items(items: Items, store: Store):
    """At once: nothing leads in a circle, which would wait for a garbage collection."""
    gc.disable()
    try:
        shown = store_items(store, ROWS, image_spec(store))
        all_batches(shown, scoring_picks(shown, 3), workers=2)
        assert len(processes()) == 2
        del shown
        assert not processes()
    finally:
        gc.enable()


@pytest.mark.usefixtures("workplace", "cpu_as_before")
def test_a_training_keeps_its_processes_to_its_end(monkeypatch):
    """One for what is trained on and one for dev."""
    words = "-model gru -hidden_size 4 -crop 0.5 -epochs 3 -threads 1 -workers 1"
    # the first step imports it otherwise, and torch 2.14 then keeps the frames of all its callers in a circle
    importlib.import_module("torch._dynamo")

    seen, tell = [], loop.tell
    monkeypatch.setattr(loop, "tell", lambda *row: seen.append(processes()) or tell(*row))
    monkeypatch.setattr(placement, "machine_memory", lambda: 0)
    gc.collect()
    gc.disable()
    try:
        train.main(words.split())
        assert not processes()
    finally:
        gc.enable()
    assert seen == 3 * [seen[0]]
    assert len(seen[0]) == 2


def test_a_pass_may_outlive_the_name_of_its_items(store: Store):
    items = store_items(store, ROWS, image_spec(store))
    picks = scoring_picks(items, 3)
    expected, read = all_batches(items, picks), load(items, picks, workers=1)
    del items
    assert_equal(list(read), expected)
    del read
    assert not processes()


def test_items_are_sent_without_their_readers(items: Items):
    picks = scoring_picks(items, 3)
    expected = all_batches(items, picks, workers=1)
    sent = pickle.dumps(items)
    assert len(sent) < 20_000
    assert_equal(all_batches(pickle.loads(sent), picks, workers=1), expected)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_program_ends_in_silence_while_processes_wait(small_store_folder: Path, method: str):
    """However they are started; a warning would be an error."""
    tests = Path(__file__).parent.parent
    program = f"""if True:
        import multiprocessing
        from pathlib import Path
        from batches_of_stores import ROWS, image_spec
        from pipeline.inputs.batches import load, scoring_picks
        from pipeline.inputs.placement import store_items
        from pipeline.store.reading import open_store
        if __name__ == "__main__":
            multiprocessing.set_start_method("{method}")
            store = open_store(Path({str(small_store_folder / "train.h5")!r}))
            items = store_items(store, ROWS, image_spec(store))
            for _ in range(2):
                assert len(list(load(items, scoring_picks(items, 3), workers=1))) == 3
            print(multiprocessing.active_children()[0].pid)
    """
    path = os.pathsep.join([str(tests), str(tests.parent)])
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", program],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)


def test_what_a_process_cannot_read_is_said_as_it_is(store: Store, tmp_path: Path):
    before = processes()  # an earlier test's may be ending
    copied = Path(shutil.copy(store.path, tmp_path))
    mapped: Any = store.images
    images = {name: replace(each, path=copied) for name, each in mapped.items()}
    items = store_items(replace(store, images=images), ROWS, image_spec(store))
    picks = scoring_picks(items, 3)
    copied.rename(tmp_path / "elsewhere.h5")
    with pytest.raises(FileNotFoundError) as problem:
        all_batches(items, picks, workers=1)
    assert problem.value.filename == str(copied)
    assert "\n" not in str(problem.value)
    del problem
    gc.collect()
    assert processes() <= before
    (tmp_path / "elsewhere.h5").rename(copied)
    assert_equal(all_batches(items, picks, workers=1), all_batches(items, picks))


def test_a_process_that_is_killed_is_named_in_a_sentence(store: Store, monkeypatch):
    items, here = store_items(store, ROWS, image_spec(store)), os.getpid()
    picks, read_ahead = scoring_picks(items, 3), Mapped.read_ahead

    def killed(mapped: Mapped, rows) -> None:
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        read_ahead(mapped, rows)

    monkeypatch.setattr(Mapped, "read_ahead", killed)
    with pytest.raises(EcgFusionError, match=r"has ended .*: see that .* -workers$"):
        all_batches(items, picks, workers=1)
    monkeypatch.undo()
    assert_equal(all_batches(items, picks, workers=1), all_batches(items, picks))
