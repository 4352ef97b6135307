"""Cases of a machine that fails: a full disk, files that may not be opened, closed streams, too few descriptors."""

import builtins
import errno
import io
import os
import random
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

from campaign.children import watched
from campaign.judging import EQUAL, REFUSED, WRONG, Verdict, changed, fault_of, sentence_of, snapshot
from campaign.kills import Undisturbed, Work, _done, _left, _next_line, _place_for
from campaign.place import run

Fault = Callable[[random.Random], tuple[str, Callable[[], None]]]
"""Draws a fault: what it is called, and what brings it about in a child."""

_ERRNOS = (errno.ENOSPC, errno.EACCES, errno.EIO, errno.EMFILE, errno.EROFS, errno.EDQUOT)


def _largest_file(chance: random.Random) -> tuple[str, Callable[[], None]]:
    n_bytes = chance.choice((0, 1, 100, 1000, 5000, 20_000, 100_000, 300_000))

    def bring() -> None:
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        for stream in (1, 2):  # what it says goes elsewhere, as to a terminal
            os.dup2(_pipe_to_nowhere(stream), stream)
        resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))

    return f"no file above {n_bytes} bytes", bring


def _pipe_to_nowhere(stream: int) -> int:
    """A pipe whose other end a grandchild copies into the file that the stream was."""
    reading, writing = os.pipe()
    if not os.fork():
        os.close(writing)
        while data := os.read(reading, 65536):
            os.write(stream, data)
        os._exit(0)
    os.close(reading)
    return writing


def _opening_fails(chance: random.Random) -> tuple[str, Callable[[], None]]:
    number, times = chance.choice(_ERRNOS), chance.randrange(1, 25)

    def bring() -> None:
        here, opened, real, real_os = os.getcwd(), [0], io.open, os.open

        def fail(path: Any) -> None:
            if isinstance(path, (str, os.PathLike)) and os.path.abspath(path).startswith(here):
                opened[0] += 1
                if opened[0] == times:
                    raise OSError(number, os.strerror(number), os.fspath(path))

        def open_or_fail(path: Any, *arguments: Any, **keywords: Any) -> Any:
            fail(path)
            return real(path, *arguments, **keywords)

        def os_open_or_fail(path: Any, *arguments: Any, **keywords: Any) -> Any:
            fail(path)
            return real_os(path, *arguments, **keywords)

        io.open = builtins.open = open_or_fail  # type: ignore[assignment]
        os.open = os_open_or_fail

    return f"opening number {times} fails: {os.strerror(number)}", bring


def _writing_fails(chance: random.Random) -> tuple[str, Callable[[], None]]:
    number, times = chance.choice((errno.ENOSPC, errno.EIO, errno.EDQUOT)), chance.randrange(1, 8)
    name = chance.choice(("fsync", "replace", "mkdir", "pwrite"))

    def bring() -> None:
        done = [0]

        def wrap(owner: Any) -> None:
            real = getattr(owner, name, None)
            if real is None:
                return

            def step(*arguments: Any, **keywords: Any) -> Any:
                done[0] += 1
                if done[0] == times:
                    raise OSError(number, os.strerror(number), str(arguments[0]))
                return real(*arguments, **keywords)

            setattr(owner, name, step)

        wrap(os)
        if name in ("replace", "mkdir"):
            wrap(Path)

    return f"{name} number {times} fails: {os.strerror(number)}", bring


def _few_descriptors(chance: random.Random) -> tuple[str, Callable[[], None]]:
    n = chance.choice((5, 8, 12, 20, 40))
    return f"{n} open files", lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n))


def _closed_stream(chance: random.Random) -> tuple[str, Callable[[], None]]:
    stream = chance.choice((1, 2))

    def bring() -> None:
        os.close(stream)

    return f"stream {stream} closed", bring


def _reader_gone(chance: random.Random) -> tuple[str, Callable[[], None]]:
    stream = chance.choice((1, 2))

    def bring() -> None:
        import signal

        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        reading, writing = os.pipe()
        os.close(reading)
        os.dup2(writing, stream)

    return f"the reader of stream {stream} is gone", bring


def _full_stream(chance: random.Random) -> tuple[str, Callable[[], None]]:
    stream = chance.choice((1, 2))

    def bring() -> None:
        os.dup2(os.open("/dev/full", os.O_WRONLY), stream)

    return f"stream {stream} is /dev/full", bring


def _nobody(chance: random.Random) -> tuple[str, Callable[[], None]]:
    how = chance.choice(("the folder may not be written", "a file may not be read"))

    def bring() -> None:
        if how.startswith("the folder"):
            os.chmod(".", 0o555)
        else:
            files = sorted(path for path in Path().rglob("*") if path.is_file())
            for path in chance.sample(files, min(3, len(files))):
                path.chmod(0)
        if not os.geteuid():
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)

    return how, bring


FAULTS: tuple[Fault, ...] = (
    *(_largest_file, _largest_file, _opening_fails, _opening_fails, _writing_fails, _writing_fails),
    *(_few_descriptors, _closed_stream, _reader_gone, _full_stream, _nobody),
)


def disturb(place: Path, work: Work, seed: int, expected: Undisturbed, folder: Path) -> tuple[str, Verdict]:
    """One case: the work meets a fault, the fault goes, and the work is given again."""
    chance, copy = random.Random(seed), _place_for(work, place, folder)
    fault = chance.choice(FAULTS)
    name, bring = fault(chance)
    if fault is _nobody:
        _let_anybody_in(folder)
    before, line = snapshot(folder), _next_line(work, copy)

    outcome = watched(lambda: run(line), copy, first=bring)
    copy.chmod(0o777)
    for path in copy.rglob("*"):
        path.chmod(0o777 if path.is_dir() else 0o666)
    said = f"{work.name}: {name}"
    silent = fault in (_closed_stream, _reader_gone, _full_stream, _nobody) or "stream" in name
    wrong = fault_of(outcome)
    if wrong and not (silent and wrong == "ended without a word"):
        return said, Verdict(WRONG, wrong)
    touched = [
        each for each in changed(before, snapshot(folder), ("place/out", "stdout", "stderr")) if ".lock" not in each
    ]
    if touched:
        return said, Verdict(WRONG, f"changed {', '.join(touched[:3])}")
    if outcome.code or not _done(work, copy):
        again = watched(lambda: run(_next_line(work, copy)), copy)
        fault_again = fault_of(again)
        if fault_again or again.code:
            why = fault_again or f"does not go on: {sentence_of(again.err)} (before: {sentence_of(outcome.err)})"
            return said, Verdict(WRONG, why)
    found = _left(work, copy)
    differ = [each for each, contents in expected.files.items() if found[each] != contents]
    if differ:
        return said, Verdict(WRONG, f"{differ[0]} is not as on a sound machine")
    return said, Verdict(REFUSED, sentence_of(outcome.err)) if outcome.code else Verdict(EQUAL)


def _let_anybody_in(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o777 if path.is_dir() else 0o666)
