"""Standard input, output and error, which may be closed, full, or have a reader that goes away."""

import io
import os
import sys

from pipeline.machine.files import FileError


def open_closed_streams() -> None:
    """Has what the shell closed (``>&-``) lead nowhere, before a store is opened under its number and printed into."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            descriptor = os.open(os.devnull, os.O_RDWR)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            os.set_inheritable(number, True)  # for the programs that this one starts
            if getattr(sys, name) is None:
                setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a dash that the console lacks is no reason to stop


def take_names_as_utf8() -> None:
    """Starts the program anew with UTF-8 names of files, where the locale says that they are ASCII.

    Python takes other bytes in for half surrogate pairs then, which TensorBoard and others cannot write out again.
    """
    if sys.getfilesystemencoding() == "ascii" and sys.orig_argv:
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def say(text: str) -> None:
    """Prints to standard output, at once.

    Raises:
        BrokenPipeError: nobody reads any more.
        FileError: it cannot be written for another reason.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise
    except OSError as problem:
        raise FileError(
            f"standard output cannot be written ({problem.strerror})", "free some space, or print elsewhere,"
        ) from None


def settle_streams() -> None:
    """Flushes what is still to be printed; where that fails, it is dropped, so that Python does not fail at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            try:
                number = stream.fileno()
            except (OSError, ValueError):
                continue
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, number)
            os.close(nowhere)
