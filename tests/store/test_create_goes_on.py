"""After a full disk or a kill at any moment the next run goes on, and ends in the bytes of a run in one go."""

import errno
import os
import shutil

import pytest
from killed_children import drive
from small_stores import make, same_content

import pipeline.store.filling
from pipeline.errors import EcgFusionError
from pipeline.store.reading import open_store, store_path
from pipeline.store.writing import part_path, recorded_attributes


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
def test_after_a_full_disk_the_next_run_goes_on(
    reference_stores, synthetic_folder, tmp_path, monkeypatch, writes_before
):
    written: list[tuple] = []
    real = os.pwrite

    def pwrite(*arguments):
        if len(written) >= writes_before:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(os, "pwrite", pwrite)
    with pytest.raises(OSError, match=r"the disk is full .*train\.h5\.part: free some space and give the same"):
        make(synthetic_folder, tmp_path)
    monkeypatch.undo()
    assert not list(tmp_path.glob("*.h5"))
    make(synthetic_folder, tmp_path)
    assert same_content(reference_stores, tmp_path)


def test_killed_at_any_step_it_goes_on_to_the_same_bytes(reference_stores, synthetic_folder, tmp_path):
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
    expected = store_path(reference_stores, "train").read_bytes()
    assert store_path(tmp_path / "whole", "train").read_bytes() == expected
    for last, killed, left, ended, steps in report:
        assert (killed, ended) == (-9, 0), last
        assert store_path(tmp_path / str(last), "train").read_bytes() == expected, last
        assert not part_path(store_path(tmp_path / str(last), "train")).exists()
        # a finished store only ever appears whole, and what was done is not done again
        assert "train.h5" not in left or last == total
        assert steps < total - last + 25, last  # it opens what was begun to look at it, and syncs when it has waited


def test_killed_from_outside_at_random_moments(reference_stores, synthetic_folder, tmp_path):
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
    assert store_path(tmp_path / "killed", "train").read_bytes() == store_path(reference_stores, "train").read_bytes()


def test_a_limit_on_the_file_size_is_one_sentence_and_the_next_run_goes_on(
    reference_stores, synthetic_folder, tmp_path
):
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
    assert store_path(tmp_path / "out", "train").read_bytes() == store_path(reference_stores, "train").read_bytes()


def test_what_a_part_was_made_with_is_kept_from_the_start(synthetic_folder, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline.store.filling, "store_images", stop)
    with pytest.raises(KeyboardInterrupt):
        make(synthetic_folder, tmp_path, "--partition", "dev")
    part = part_path(store_path(tmp_path, "dev"))
    assert recorded_attributes(part)["partition"] == "dev"
    with pytest.raises(EcgFusionError, match="is not finished: give the command that began it again"):
        open_store(store_path(tmp_path, "dev"))
