"""Cases of damage: one file of one target, changed in one way, then read."""

import random
import shutil
from pathlib import Path

from campaign.children import watched
from campaign.damage import ANY_FILE
from campaign.formats import OF_FORMAT
from campaign.judging import AS_WRITTEN, EQUAL, REFUSED, WRONG, Verdict, changed, fault_of, sentence_of, snapshot
from campaign.targets import TARGETS, Result, Target, same


def copy_place(place: Path, needs: tuple[str, ...], folder: Path) -> Path:
    """A copy of those parts of the place, with what lies outside of it, for one case alone."""
    copy = folder / "place"
    shutil.copytree(place.parent / "outside", folder / "outside")
    copy.mkdir()
    (copy / ".place").touch()
    for part in needs:
        there = copy / part
        there.parent.mkdir(parents=True, exist_ok=True)
        if (place / part).is_dir():
            shutil.copytree(place / part, there, ignore=shutil.ignore_patterns("tensorboard", ".*.lock"))
        else:
            shutil.copy(place / part, there)
    return copy


def undamaged(place: Path, target: Target, folder: Path) -> Result:
    """The result that a damaged file is compared with.

    Raises:
        AssertionError: the command does not work undamaged.
    """
    copy = copy_place(place, target.needs, folder)
    outcome = watched(target.act, copy)
    if outcome.code:
        raise AssertionError(f"{target.name}, undamaged: {outcome.err[-2000:]}")
    return target.result(copy)


def mutate(place: Path, name: str, seed: int, expected: Result, folder: Path) -> tuple[str, Verdict]:
    """One case: what was done, and what became of it.

    Args:
        place: the undamaged one.
        name: of the target.
        seed: of what is done.
        expected: what comes of the target undamaged.
        folder: an empty one for this case.
    """
    chance, target = random.Random(seed), TARGETS[name]
    copy = copy_place(place, target.needs, folder)
    files = sorted(path for pattern in target.files for path in copy.glob(pattern) if path.is_file())
    path = chance.choice(files)
    own = OF_FORMAT.get(path.suffix, ())
    mutation = chance.choice(own if own and chance.random() < 0.5 else ANY_FILE)
    where = path.relative_to(copy)
    try:
        said = mutation(chance, path)
    except Exception as problem:  # a mutation that does not apply to this file changes nothing worth a case
        said = f"nothing: {mutation.__name__} does not apply ({problem})"
    before = snapshot(folder)
    outcome = watched(target.act, copy)
    verdict = _judge(target, copy, folder, before, outcome, expected)
    return f"{where}: {said}", verdict


def _judge(target, copy, folder, before, outcome, expected) -> Verdict:  # type: ignore[no-untyped-def]
    fault = fault_of(outcome)
    if fault:
        return Verdict(WRONG, fault)
    written = tuple(f"place/{name}" for name in target.may_change)
    others = [name for name in changed(before, snapshot(folder), (*written, "stdout", "stderr")) if ".lock" not in name]
    if others:
        return Verdict(WRONG, f"changed {', '.join(others[:3])}")
    if outcome.code:
        after = snapshot(folder)
        lost = [name for name in before if name not in after]
        return Verdict(WRONG, f"lost {lost[0]}") if lost else Verdict(REFUSED, sentence_of(outcome.err))
    try:
        found = target.result(copy)
    except Exception as problem:  # whatever reading it meets, the result is not there
        return Verdict(WRONG, f"ended well without its result: {problem!r}")
    if same(found, expected):
        return Verdict(EQUAL)
    if target.as_written is None:
        return Verdict(WRONG, "another result without a word")
    try:
        differs = target.as_written(copy, found)
    except Exception as problem:  # the independent reader refuses what the program took
        differs = f"the independent reader cannot read it: {problem!r}"
    return Verdict(WRONG, f"another result: {differs}") if differs else Verdict(AS_WRITTEN)
