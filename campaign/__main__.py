"""Damages, kills and deceives the program some hundred times, and writes what it answered into a page.

python -m campaign                    1,000 cases -> docs/reliability.md
python -m campaign -only kills -v     some of them, each told
"""

import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaign.faults import disturb
from campaign.hostile import HOSTILE, try_hostile
from campaign.judging import WRONG, Verdict
from campaign.kills import WORKS, kill, undisturbed
from campaign.mutations import mutate, undamaged
from campaign.page import page
from campaign.place import import_everything, make_place
from campaign.targets import TARGETS
from pipeline.commands.parser import CommandParser, natural_number, positive_int, run_command
from pipeline.errors import EcgFusionError

KINDS = ("mutations", "hostile", "kills", "faults")
_SHARES = {"mutations": 0.62, "kills": 0.17, "faults": 0.21}  # of the cases that are not the hostile files


@dataclass(frozen=True)
class Case:
    """What is tried: ``of`` is a target, a hostile file or a work; the seed says what is done to it."""

    number: int
    kind: str
    of: str
    seed: int


def cases(n: int, seed: int, kinds: Sequence[str] = KINDS) -> list[Case]:
    """So many cases, the same for the same seed; every hostile file once, where they are not too many."""
    chance = random.Random(seed)
    names = [("hostile", hostile.name) for hostile in HOSTILE] if "hostile" in kinds else []
    if len(names) > n // 2 and len(kinds) > 1:
        names = chance.sample(names, n // 4)
    names = names[:n]
    shares = {kind: share for kind, share in _SHARES.items() if kind in kinds}
    of = {"mutations": list(TARGETS), "kills": [work.name for work in WORKS], "faults": [work.name for work in WORKS]}
    left = n - len(names) if shares else 0
    for _ in range(left):
        # as many of each as its share asks for, and each target in its turn
        kind = min(shares, key=lambda kind: (sum(1 for k, _ in names if k == kind) + 0.5) / shares[kind])
        names.append((kind, of[kind][sum(1 for k, _ in names if k == kind) % len(of[kind])]))
    return [Case(number, kind, name, chance.randrange(2**32)) for number, (kind, name) in enumerate(names, 1)]


_place: Path
_expected: dict[tuple[str, str], Any]


def try_case(case: Case) -> tuple[Case, str, Verdict, float]:
    """One case in a folder of its own, which is deleted."""
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix=f"case-{case.number}-", dir=_place.parents[1]))
    folder.chmod(0o755)
    try:
        if case.kind == "mutations":
            said, verdict = mutate(_place, case.of, case.seed, _expected[case.kind, case.of], folder)
        elif case.kind == "hostile":
            said, verdict = try_hostile(_place, next(each for each in HOSTILE if each.name == case.of), folder)
        else:
            work = next(each for each in WORKS if each.name == case.of)
            said, verdict = (kill if case.kind == "kills" else disturb)(
                _place, work, case.seed, _expected[case.kind, case.of], folder
            )
    except Exception as problem:  # one case that the campaign cannot make or judge does not end it
        said, verdict = "cannot be tried", Verdict(WRONG, f"the campaign itself fails: {problem!r}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return case, said, verdict, time.monotonic() - began


def prepare(folder: Path, chosen: Sequence[Case]) -> None:
    """Makes the place, and what each command leaves there when nothing is wrong."""
    global _place, _expected
    whole = folder / "whole" / "place"
    _place, _expected = whole if whole.exists() else make_place(folder / "whole"), {}
    for kind, of in sorted({(case.kind, case.of) for case in chosen if case.kind != "hostile"}):
        own = folder / f"whole-{len(_expected)}"
        own.mkdir()
        if kind == "mutations":
            _expected[kind, of] = undamaged(_place, TARGETS[of], own)
        else:
            _expected[kind, of] = undisturbed(_place, next(work for work in WORKS if work.name == of), own)
        shutil.rmtree(own)


def main(words: Sequence[str] | None = None) -> None:
    """Runs the campaign; exits with 1 where an answer was wrong."""
    from tqdm import tqdm

    parser = CommandParser(prog="python -m campaign", description=__doc__)
    parser.option("cases", type=positive_int, default=1000, help="how many (default %(default)s)")
    parser.option("seed", type=natural_number, default=0, help="the same cases for the same one (default %(default)s)")
    parser.option("only", nargs="+", choices=KINDS, default=KINDS, help="of what kind (default: all)")
    parser.option("of", nargs="+", help="of these targets, works or hostile files alone")
    parser.option("case", type=positive_int, nargs="+", help="these numbers alone, each told")
    parser.option("workers", type=positive_int, default=os.cpu_count() or 1, help="cases at once (default: the cores)")
    kept = "make the undamaged place there and keep it, or take it from there"
    parser.option("place", type=Path, metavar="FOLDER", help=kept)
    parser.option("out", type=Path, default=Path("docs/reliability.md"), help="the page (default %(default)s)")
    parser.option("v", action="store_true", help="tell every case")
    options = parser.parse_args(words)
    chosen = cases(options.cases, options.seed, options.only)
    chosen = [case for case in chosen if not options.of or case.of in options.of]
    chosen = [case for case in chosen if not options.case or case.number in options.case]
    if not chosen:
        raise EcgFusionError("no case is left: choose others with -only, -of or -case")
    began = time.monotonic()
    folder = options.place.resolve() if options.place else Path(tempfile.mkdtemp(prefix="campaign-"))
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    print("making the place: recordings, stores, runs of every kind", flush=True)
    os.environ |= {"CUDA_VISIBLE_DEVICES": "", "TORCH_HOME": "torch-home"}
    try:
        import_everything()
        prepare(folder, chosen)
        results = []
        with ProcessPoolExecutor(options.workers, multiprocessing.get_context("fork")) as pool:
            tried = as_completed([pool.submit(try_case, case) for case in chosen])
            for done in tqdm(tried, total=len(chosen), unit="case", mininterval=1.0):
                case, said, verdict, seconds = result = done.result()
                results.append(result)
                if options.v or options.case or verdict.word == WRONG:
                    tqdm.write(
                        f"{case.number} {case.kind}, {case.of}: {said}\n    -> {verdict.word} {verdict.why} "
                        f"({seconds:.1f} s)",
                        file=sys.stdout,
                    )
    finally:
        if not options.place:
            shutil.rmtree(folder, ignore_errors=True)
    counted = Counter(verdict.word for _, _, verdict, _ in results)
    print(", ".join(f"{n} {word}" for word, n in counted.most_common()), f"in {time.monotonic() - began:.0f} s")
    if len(chosen) == options.cases:
        options.out.write_text(page(results, options, time.monotonic() - began), encoding="utf-8")
        print(f"the table is in {options.out}")
    if counted[WRONG]:
        raise EcgFusionError(f"{counted[WRONG]} of {len(results)} answers were wrong: each is told above")


if __name__ == "__main__":
    run_command(main)
