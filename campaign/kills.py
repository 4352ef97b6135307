"""Cases of power failure: a command dies at a moment, is given again, and must end as if nothing had happened."""

import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaign.children import watched
from campaign.judging import EQUAL, WRONG, Verdict, fault_of, sentence_of
from campaign.mutations import copy_place
from campaign.place import COMMANDS, run


@dataclass(frozen=True)
class Work:
    """A command that takes a while.

    Attributes:
        name: what the page calls it.
        line: as it is typed.
        again: as it is typed after a kill, once the run folder has a card; None for the same line.
        needs: parts of the place that it needs.
        left: the files that it must leave, byte for byte.
    """

    name: str
    line: str
    again: str | None
    needs: tuple[str, ...]
    left: tuple[str, ...]


_WEIGHTS = ("out/weights.safetensors", "out/dev_scores.npz")
_MEMBERS = ("out/dev_scores.npz", "out/members/2/weights.safetensors")
_RESUME = "train -resume -data data/stores -path_save_model out"


def _into_out(name: str) -> str:
    return COMMANDS[name].replace(f"runs/{name}", "out")


WORKS = (
    Work("create", COMMANDS["go on"].replace("data/stores", "out"), None, ("data/ptbxl",), ("out/train.h5",)),
    Work("train", _into_out("net"), _RESUME, ("data/stores",), _WEIGHTS),
    Work("k-fold", _into_out("members"), _RESUME, ("data/stores",), _MEMBERS),
    Work("late fusion", _into_out("late"), _RESUME, ("data/stores", "runs/net", "runs/images"), _WEIGHTS),
    Work("intermediate fusion", _into_out("concat"), _RESUME, ("data/stores", "runs/net", "runs/images"), _WEIGHTS),
    Work(
        "resume",
        *(COMMANDS["finish"].replace("runs/unfinished", "out"), _RESUME, ("data/stores", "runs/unfinished"), _WEIGHTS),
    ),
)


@dataclass(frozen=True)
class Undisturbed:
    """What a work leaves and takes when nobody disturbs it.

    Attributes:
        files: name to contents.
        seconds: by the clock.
        steps: how often it writes, syncs or renames.
    """

    files: Mapping[str, bytes]
    seconds: float
    steps: int


def undisturbed(place: Path, work: Work, folder: Path) -> Undisturbed:
    """Does a work once, to its end.

    Raises:
        AssertionError: it fails.
    """
    copy = _place_for(work, place, folder)
    count, began = folder / "steps", time.monotonic()
    outcome = watched(_dying(work.line, 0, count), copy)
    if outcome.code:
        raise AssertionError(f"{work.name}, undisturbed: {outcome.err[-2000:]}")
    return Undisturbed(_left(work, copy), time.monotonic() - began, int(count.read_text()))


def kill(place: Path, work: Work, seed: int, expected: Undisturbed, folder: Path) -> tuple[str, Verdict]:
    """One case: the work dies once or twice, at a step or at a time, and goes on to its end."""
    chance, copy = random.Random(seed), _place_for(work, place, folder)
    deaths = []
    for _ in range(1 + (chance.random() < 0.3)):
        line = _next_line(work, copy)
        if chance.random() < 0.7:
            step = chance.randrange(1, expected.steps + 1)
            watched(_dying(line, step, folder / "steps"), copy)
            deaths.append(f"at step {step} of {expected.steps}")
        else:
            seconds = chance.uniform(0, 1.1 * expected.seconds)
            watched(lambda line=line: run(line), copy, kill_after=seconds)  # type: ignore[misc]
            deaths.append(f"after {seconds:.2f} s of {expected.seconds:.2f}")
    said = f"{work.name} killed {' and '.join(deaths)}"
    if not _done(work, copy):
        outcome = watched(lambda: run(_next_line(work, copy)), copy)
        fault = fault_of(outcome)
        if fault or outcome.code:
            return said, Verdict(WRONG, fault or f"does not go on: {sentence_of(outcome.err)}")
    found = _left(work, copy)
    differ = [name for name, contents in expected.files.items() if found[name] != contents]
    return said, Verdict(WRONG, f"{differ[0]} is not as without a kill") if differ else Verdict(EQUAL)


def _place_for(work: Work, place: Path, folder: Path) -> Path:
    copy = copy_place(place, work.needs, folder)
    if work.name == "resume":
        shutil.move(copy / "runs" / "unfinished", copy / "out")
    return copy


def _next_line(work: Work, copy: Path) -> str:
    begun = work.again is not None and (copy / "out" / "run.json").exists()
    return work.again if begun and work.again else work.line


def _done(work: Work, copy: Path) -> bool:
    """Whether the run's card says that it is complete, which a kill that comes late finds."""
    card = copy / "out" / "run.json"
    return card.exists() and '"complete": true' in card.read_text(encoding="utf-8") and work.again is not None


def _left(work: Work, copy: Path) -> dict[str, bytes]:
    return {name: (copy / name).read_bytes() for name in work.left if (copy / name).exists()} | {
        name: b"missing" for name in work.left if not (copy / name).exists()
    }


def _dying(line: str, last: int, count: Path) -> Callable[[], None]:
    """The command, killed at the last-th time that it writes, syncs or renames; 0 for never."""

    def act() -> None:
        done, one_at_a_time = [0], threading.RLock()

        def wrap(owner: Any, name: str) -> None:
            real = getattr(owner, name)

            def step(*arguments: Any, **keywords: Any) -> Any:
                with one_at_a_time:
                    done[0] += 1
                    if done[0] == last:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return real(*arguments, **keywords)

            setattr(owner, name, step)

        for owner, name in (
            *((os, step) for step in ("pwrite", "fdatasync", "fsync", "open", "close", "mkdir", "unlink", "replace")),
            *((Path, step) for step in ("replace", "open", "mkdir", "unlink", "write_text", "write_bytes")),
        ):
            wrap(owner, name)
        try:
            run(line)
        finally:
            count.write_text(str(done[0]))

    return act
