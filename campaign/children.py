"""A child of this process does one thing and is watched: how it ends, what it says, what it takes."""

import contextlib
import io
import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

CPU_SECONDS = 10.0
PEAK_BYTES = 2**30
_HANGS_AFTER = 20.0  # seconds by the clock in which it does nothing; others may be at work on the machine
_MOST_CPU_SECONDS = 20  # then it is killed
_HIGHEST_ADDRESS = 6 * 2**30  # what a child may ask for on top of what it has, so that the machine outlives it
_DIED_OF_AN_EXCEPTION = 70


@dataclass(frozen=True)
class Outcome:
    """How a child ended.

    Attributes:
        code: its exit code; minus the signal that ended it.
        out: what it printed.
        err: what it said on stderr.
        cpu_seconds: processor time that it took.
        peak_bytes: memory on top of what it was born with, at most.
        hung: whether it had to be killed because it did not end.
    """

    code: int
    out: str
    err: str
    cpu_seconds: float
    peak_bytes: int
    hung: bool = False


def watched(
    act: Callable[[], object], place: Path, kill_after: float | None = None, first: Callable[[], object] = lambda: None
) -> Outcome:
    """Does something in a child whose current folder is ``place``; everything must have been imported before.

    Args:
        act: what a command's ``main`` is called in; it may end by ``SystemExit``.
        place: where it is done; what it prints is kept beside it.
        kill_after: seconds after which it is killed, as a power failure would; None for never.
        first: what happens to it before its streams are opened.
    """
    said, complained = place.with_name("stdout"), place.with_name("stderr")
    before = _resident_bytes()
    child = os.fork()
    if not child:
        _be(act, first, place, said, complained)
    began, hung = time.monotonic(), False
    active, worked = began, 0
    while True:
        ended, status, used = os.wait4(child, os.WNOHANG)
        if ended:
            break
        now, ticks = time.monotonic(), _ticks(child)
        if ticks > worked:
            active, worked = now, ticks
        hung = kill_after is None and now - active > _HANGS_AFTER
        if hung or (kill_after is not None and now - began > kill_after):
            os.kill(child, signal.SIGKILL)
            _, status, used = os.wait4(child, 0)
            break
        time.sleep(0.002)
    code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    peak = max(0, used.ru_maxrss * 1024 - before)
    return Outcome(code, _text(said), _text(complained), used.ru_utime + used.ru_stime, peak, hung)


def _be(act: Callable[[], object], first: Callable[[], object], place: Path, said: Path, complained: Path) -> None:
    """The child's whole life; never returns."""
    code = _DIED_OF_AN_EXCEPTION
    try:
        os.setpgid(0, 0)
        tqdm.set_lock(threading.RLock())  # its own is shared with every child, one of which may be killed with it
        os.chdir(place)
        for descriptor, path in ((1, said), (2, complained)):
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o666)
            os.dup2(file, descriptor)
            os.close(file)
        resource.setrlimit(resource.RLIMIT_AS, (_addresses() + _HIGHEST_ADDRESS,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (_MOST_CPU_SECONDS, _MOST_CPU_SECONDS))
        first()
        # the parent's may hold what it had not written
        sys.stdout, sys.stderr = _stream(1), _stream(2)
        act()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if isinstance(ended.code, str):
            _complain(ended.code + "\n")
    except BaseException:
        _complain(traceback.format_exc())
    finally:
        os._exit(code)


def _stream(descriptor: int) -> io.TextIOWrapper | None:
    """As the interpreter opens it at its start: None where it is closed."""
    try:
        os.fstat(descriptor)
    except OSError:
        return None
    raw = io.FileIO(descriptor, "wb", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", line_buffering=True)


def _complain(text: str) -> None:
    """Says something on stderr, as the interpreter does at its end; where it is closed, nothing."""
    with contextlib.suppress(OSError):
        os.write(2, text.encode(errors="backslashreplace"))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _ticks(child: int) -> int:
    """Processor time of a child so far, in ticks of the clock."""
    fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _addresses() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
