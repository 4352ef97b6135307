"""Files that are written whole or not at all, and the sentences on what a disk refuses."""

import errno
import os
import pickle
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import EcgFusionError
from pipeline.machine.files import (
    FileError,
    all_or_none,
    check_writable,
    file_error,
    make_folder,
    read_file,
    remove_file,
    replace_atomically,
    require_file,
    write_text,
)

ROOT = Path(__file__).resolve().parents[2]


def test_the_new_file_takes_the_place_of_the_old(tmp_path):
    path = tmp_path / "x.json"
    path.write_text("old")
    seen = []

    def write(temporary):
        temporary.write_text("new")
        seen.append(path.read_text())

    replace_atomically(path, write)
    assert seen == ["old"]
    assert path.read_text() == "new"
    assert [each.name for each in tmp_path.iterdir()] == ["x.json"]


def test_a_failure_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.json"
    path.write_text("old")

    def write(temporary):
        temporary.write_text("ha")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        replace_atomically(path, write)
    assert path.read_text() == "old"


NUMBERS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk is full",
    errno.EFBIG: "the disk is full",
    errno.EROFS: "can only be read",
    errno.EACCES: "no permission to write",
    errno.EPERM: "no permission to write",
    errno.EIO: "the disk fails at",
    errno.EMFILE: "too many files are open",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EISDIR: "is a folder",
    errno.ENOTDIR: "Not a directory",
    errno.ELOOP: "links lead in a circle",
    errno.ESTALE: "network disk",
    errno.EBUSY: "check that this path can be read and written",
}


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("where", ["write", "fsync", "replace"])
def test_what_a_disk_refuses_is_a_sentence_and_the_old_file_stays(tmp_path, monkeypatch, number, where):
    path = tmp_path / "x.json"
    path.write_text("old")

    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(
        *{"write": (Path, "write_text"), "fsync": (os, "fsync"), "replace": (Path, "replace")}[where], fail
    )
    with pytest.raises(FileError, match=NUMBERS[number]) as told:
        replace_atomically(path, lambda temporary: temporary.write_text("new"))
    assert str(path) in str(told.value)
    assert isinstance(told.value, EcgFusionError)
    assert told.value.errno == number
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["x.json"]


def test_without_a_name_the_sentence_speaks_of_none():
    said = str(file_error(OSError(errno.EMFILE, "Too many open files")))
    assert said == "too many files are open: raise the limit (ulimit -n 1024) and give the same command again"
    assert str(file_error(OSError(errno.EMFILE, "", "x"), do="read")).startswith("too many files are open to read x: ")


def test_a_sentence_survives_its_way_between_processes():
    told = file_error(OSError(errno.ENOSPC, "No space left on device"), "x", "write")
    assert str(pickle.loads(pickle.dumps(told))) == str(told)
    assert str(told.followed_by("rest")) == "the disk is full x: free some space and rest"


def test_only_what_is_there_is_to_be_removed(tmp_path):
    told = file_error(OSError(errno.ENOSPC, "No space left on device"), "x", "write")
    assert told.where_only_new(tmp_path / "none") is told
    remedy = f"free some space and remove {tmp_path} before you give the same command again"
    assert str(told.where_only_new(tmp_path)) == f"the disk is full x: {remedy}"


def test_hdf5_says_the_number_in_its_text():
    problem = OSError("Can't write (file write failed: errno = 28, error message = 'No space left on device')")
    assert str(file_error(problem, "x.h5", "write")).startswith("the disk is full x.h5")


def test_what_torch_could_not_write_is_the_disks_fault(tmp_path):
    """``torch.save`` says only that its stream failed."""
    code = f"""
import resource, sys
from pathlib import Path
import torch
from safetensors.torch import save_file
from pipeline.machine.files import replace_atomically
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
tensors = {{"a": torch.zeros(200, 200)}}
path = Path({str(tmp_path / "x.pt")!r})
for write in (torch.save, save_file):
    try:
        replace_atomically(path, lambda temporary: write(tensors, temporary))
    except Exception as problem:
        print(type(problem).__name__, problem)
print(list(path.parent.iterdir()))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    *sentences, left = done.stdout.splitlines()
    assert left == "[]"
    assert len(sentences) == 2
    for sentence in sentences:
        assert sentence.startswith("FileError the disk is full")


def test_a_mistake_of_ours_is_not_told_as_the_disks(tmp_path):
    def write(temporary):
        raise RuntimeError("sizes differ")

    with pytest.raises(RuntimeError, match="sizes differ"):
        replace_atomically(tmp_path / "x", write)
    assert os.listdir(tmp_path) == []


def test_all_files_are_new_or_none(tmp_path):
    files = [tmp_path / name for name in "abc"]
    for file in files:
        file.write_text("old")

    def write(n, text="new"):
        with all_or_none():
            for i, file in enumerate(files):
                if i == n:
                    raise OSError(errno.ENOSPC, "full")
                before = file.read_text() if file.is_file() else None
                replace_atomically(file, lambda temporary: temporary.write_text(text))
                assert before is None or file.read_text() == before

    with pytest.raises(OSError, match="full"):
        write(2)
    assert {file.read_text() for file in files} == {"old"}
    with all_or_none():
        write(3)
    assert {file.read_text() for file in files} == {"new"}
    (tmp_path / "c").unlink()
    (tmp_path / "c").mkdir()
    with pytest.raises(FileError, match="c is a folder"):
        write(3, "newer")
    assert {file.read_text() for file in files[:2]} == {"new"}
    assert sorted(os.listdir(tmp_path)) == ["a", "b", "c"]


def test_what_is_no_file_is_refused_at_once(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "fifo")
    server = socket.socket(socket.AF_UNIX)
    monkeypatch.chdir(tmp_path)  # since the path of a socket is short
    server.bind("socket")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for path, sentence in {
        tmp_path / "fifo": "is a fifo, not a file: name a file",
        tmp_path / "socket": "is no file",
        tmp_path / "circle": "links lead in a circle",
        tmp_path / ("x" * 300): "the name is too long",
        tmp_path: "is a folder",
        Path("/dev/zero"): "is a device, not a file",
        Path("/dev/tty"): "is",
    }.items():
        with pytest.raises(FileError, match=sentence):
            read_file(path, 10)
    server.close()
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "absent", 10)
    (tmp_path / "large").write_bytes(bytes(11))
    with pytest.raises(FileError, match="is larger than"):
        read_file(tmp_path / "large", 10)
    assert read_file(tmp_path / "large", 11) == bytes(11)


def test_permissions_are_told_as_what_they_are(tmp_path, monkeypatch):
    (tmp_path / "x").write_text("x")

    def denied(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(FileError, match=r"no permission to read .*x: change its permissions"):
        require_file(tmp_path / "x")


def test_a_folder_that_cannot_be_written_into_is_told_before_the_work(tmp_path, monkeypatch):
    check_writable(tmp_path / "new" / "newer")
    assert os.listdir(tmp_path) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="file is a file"):
        check_writable(tmp_path / "file")
    with pytest.raises(FileError, match="Not a directory"):
        check_writable(tmp_path / "file" / "inside")
    with pytest.raises(FileError, match=r"can only be read|no permission to write|Not a directory"):
        check_writable(Path("/proc/1/x"))
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(FileError, match=r"no permission to write .*new"):
        check_writable(tmp_path / "new")


def test_a_folder_that_no_disk_makes_is_told_as_one_to_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make_folder(tmp_path / "new" / "newer")
    assert (tmp_path / "new" / "newer").is_dir()

    def nowhere(*_: object, **__: object) -> None:  # as below /proc
        raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    monkeypatch.setattr(Path, "mkdir", nowhere)
    with pytest.raises(FileError, match=r"other cannot be made: change its permissions or name another"):
        make_folder(tmp_path / "other")


def test_what_is_removed_goes_with_what_takes_its_place(tmp_path: Path):
    for name in ("old.txt", "other.txt"):
        (tmp_path / name).write_text(name)
    with all_or_none():
        write_text(tmp_path / "new.txt", "new")
        remove_file(tmp_path / "old.txt")
        assert (tmp_path / "old.txt").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.txt", "other.txt"]
    remove_file(tmp_path / "other.txt")
    remove_file(tmp_path / "other.txt")

    def stop() -> None:
        with all_or_none():
            remove_file(tmp_path / "new.txt")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert [path.name for path in tmp_path.iterdir()] == ["new.txt"]
