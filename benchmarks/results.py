"""The results of docs/results.md and docs/signal_systems.md, by one command that may be stopped and typed again.

Makes the stores that are missing, trains what is not trained yet (on a GPU first what a CPU cannot; then one seed after
the other, what joins others last), and prints the tables of what is there, which `tables.md` beside the runs keeps. A
training that is cut short goes on where it was. The epoch is chosen on dev, so that figures of dev, which stand beside,
are optimistic. What is trained and how stands in `benchmarks/results_rows`; each run's log begins with its command.

    python -m benchmarks.results -study mitdb -recordings ~/.cache/ecg-data
    python -m benchmarks.results -study cinc2017 -seeds 0 1 2 -minutes 25
    python -m benchmarks.results -table
"""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.network_size import size_of
from benchmarks.results_rows import ROWS, STORES, STUDIES
from benchmarks.results_rows.row import DERIVE, Row, Stores
from benchmarks.seed_differences import differences, macro_auroc
from pipeline.commands.parser import CommandParser, positive_float, positive_int, run_command
from pipeline.errors import EcgFusionError
from pipeline.machine.files import replace_atomically

ROOT = Path(__file__).resolve().parent.parent
RESAMPLES = 1000
HEAD = "| | judged on | seeds, 95 % intervals over patients | mean | dev | parameters | MACs | minutes | published |"
GRACE = 60.0  # seconds in which a training that is told to stop finishes its batch


class OutOfTimeError(Exception):
    """The minutes are over."""


@dataclass(frozen=True)
class Place:
    """Where things are and how they are made.

    Attributes:
        out: folder of the stores and runs.
        recordings: folder of the data sets, by name.
        threads: of a training.
        deadline: when to stop, in seconds of ``time.monotonic``; None for never.
    """

    out: Path
    recordings: Path
    threads: int
    deadline: float | None = None

    def store(self, name: str) -> Path:
        return self.out / "stores" / name

    def run(self, name: str, seed: int) -> Path:
        return self.out / "runs" / f"{name}-{seed}"


def main(words: Sequence[str] | None = None) -> None:
    """Trains what is missing and prints the table.

    Raises:
        EcgFusionError: something could not be made; all that could is, and is in the table.
    """
    parser = CommandParser(prog="python -m benchmarks.results", description=__doc__)
    parser.option("study", nargs="+", choices=list(STUDIES), default=list(STUDIES), help="which (default all)")
    parser.option("only", nargs="+", metavar="NAME", help="these rows alone, in this order")
    parser.option("seeds", type=int, nargs="+", default=[0, 1, 2], help="(default 0 1 2)")
    parser.option("recordings", type=Path, help="folder of the data sets (default $ECG_DATA, else data)")
    parser.option("out", type=Path, default=Path("runs/results"), help="stores and runs (default %(default)s)")
    parser.option("minutes", type=positive_float, help="stop then; the same command goes on (default: at the end)")
    parser.option("threads", type=positive_int, default=1)
    parser.option("table", action="store_true", help="train nothing: the table of what is there")
    options = parser.parse_args(words)
    deadline = time.monotonic() + 60 * options.minutes if options.minutes else None
    recordings = options.recordings or Path(os.environ.get("ECG_DATA", "data"))
    place = Place(options.out, recordings.expanduser(), options.threads, deadline)
    rows = chosen(options.study, options.only)
    rows = rows if options.table else trained_here(rows, _has_gpu())
    failed = [] if options.table else make(rows, STORES, options.seeds, place)
    print_tables(rows, options.seeds, place)
    if failed:
        raise EcgFusionError(f"{len(failed)} could not be made: see {', '.join(map(str, failed))}")


def chosen(studies: Sequence[str], only: Sequence[str] | None) -> list[Row]:
    """The rows of some studies, or those of them that are named, in the order of the names.

    Raises:
        EcgFusionError: a name is that of none of them.
    """
    rows = [row for row in ROWS if row.study in studies]
    if not only:
        return rows
    names = list(dict.fromkeys(row.name for row in rows))
    if unknown := [name for name in only if name not in names]:
        raise EcgFusionError(f"no row is named {' '.join(unknown)}: choose from {' '.join(names)}")
    return sorted((row for row in rows if row.name in only), key=lambda row: only.index(row.name))


def trained_here(rows: Sequence[Row], has_gpu: bool) -> list[Row]:
    """The rows that a machine trains: all on a GPU, and without one nothing that a CPU would take too long for."""
    left = [row.name for row in rows if row.is_for_gpu and not has_gpu]
    if left:
        print(f"for a GPU, and left out here: {' '.join(left)}", flush=True)
    return [row for row in rows if row.name not in left]


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def make(rows: Sequence[Row], stores: Mapping[str, Stores], seeds: Iterable[int], place: Place) -> list[Path]:
    """Makes what is missing, seed after seed, what is for a GPU first, what joins others last; gives failures' logs."""
    failed = []
    once = {row.name: row for row in reversed(rows)}  # a run may have several rows
    named = [once[name] for name in dict.fromkeys(row.name for row in rows)]
    todo = [(row, seed) for seed in seeds for row in named if not is_done(place.run(row.name, seed))]
    todo.sort(key=lambda each: ("@" in each[0].words, not each[0].is_for_gpu))
    for number, (row, seed) in enumerate(todo, 1):
        what, lacking = f"{number} of {len(todo)}: {row.name}, seed {seed}", _lacking(row, seed, place)
        print(f"{what} waits for {lacking}: name it behind -only, too" if lacking else what, flush=True)
        if lacking:
            continue
        try:
            if not make_store(row.store, stores[row.store], place) or not make_run(row, seed, place):
                failed.append(_log(place.run(row.name, seed)))
        except OutOfTimeError:
            print("the minutes are over; the same command goes on from here", flush=True)
            break
    return failed


def make_store(name: str, stores: Stores, place: Place) -> bool:
    """Makes the stores of a row where they are not yet; whether they are there."""
    folder = place.store(name)
    last = "test.h5" if "test=" in stores.words or "--folds" not in stores.words else "dev.h5"
    if (folder / last).exists():
        return True
    data = place.recordings / stores.recordings
    words = [*shlex.split(stores.words), "--data", str(data), "--out", str(folder)]
    return _run("create_images.py", words, folder, place)


def make_run(row: Row, seed: int, place: Place) -> bool:
    """Makes a row's run, or goes on with its training; whether it is there."""
    folder = place.run(row.name, seed)
    words = [*commanded(row, seed, place), "-path_save_model", str(folder)]
    if (folder / "run.json").exists():
        words = ["-resume", "-path_save_model", str(folder)]
    return _run(row.command, words, folder, place) and is_done(folder)


def commanded(row: Row, seed: int, place: Place) -> list[str]:
    """The words of a row's command; ``@NAME`` is that row's run of the same seed, ``@NAME:+1`` of the next one."""
    joined = _joined(row, seed, place)
    words = [str(joined.get(word, word)) for word in shlex.split(row.words)]
    threads = [] if "late" in words else ["-threads", str(place.threads)]
    drawn = ["-seed", str(seed)] if threads and row.command != DERIVE else []
    return [*words, *drawn, *threads, "-data", str(place.store(row.store))]


def _joined(row: Row, seed: int, place: Place) -> dict[str, Path]:
    """The runs that a row's run is made of, by the words that stand for them."""
    found = {}
    for word in shlex.split(row.words):
        if word.startswith("@"):
            name, _, further = word.removeprefix("@").partition(":")
            found[word] = place.run(name, seed + int(further or 0))
    return found


def _lacking(row: Row, seed: int, place: Place) -> str:
    """The first run that a row's run is made of and that is not trained, with its study; empty where all are there."""
    missing = [run.name for run in _joined(row, seed, place).values() if not is_done(run)]
    if not missing:
        return ""
    name, of = missing[0].rsplit("-", 1)
    studies = [each.study for each in ROWS if each.name == name]
    return f"{name} of seed {of}" + (f" (-study {studies[0]})" if studies and row.study not in studies else "")


def is_done(folder: Path) -> bool:
    """Whether a run is trained."""
    from pipeline.runs.card import CARD
    from pipeline.runs.card_file import read_card

    return (folder / CARD).exists() and read_card(folder).complete


def _log(folder: Path) -> Path:
    return folder.parent / f"{folder.name}.log"


def _run(command: str, words: Sequence[str], folder: Path, place: Place) -> bool:
    """Runs a command in a process of its own, with a log; whether it ended well. It is stopped when time is over."""
    if place.deadline is not None and time.monotonic() > place.deadline:
        raise OutOfTimeError
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(_log(folder), "a") as log:
        log.write(f"python {command} {shlex.join(words)}\n")
        log.flush()
        program = [str(ROOT / command)] if command.endswith(".py") else ["-m", command]
        process = subprocess.Popen(
            [sys.executable, *program, *words], stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            left = None if place.deadline is None else max(place.deadline - time.monotonic(), 0.0)
            return process.wait(left) == 0
        except subprocess.TimeoutExpired:
            raise OutOfTimeError from None
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(GRACE)
                except subprocess.TimeoutExpired:
                    process.kill()


def print_tables(rows: Sequence[Row], seeds: Iterable[int], place: Place) -> None:
    """Prints the tables line by line, as they are reckoned, and leaves them in ``tables.md`` beside the runs."""
    lines = []
    for line in _lines(rows, seeds, place):
        print(line, flush=True)
        lines.append(f"{line}\n")
    if lines:
        replace_atomically(place.out / "tables.md", partial(Path.write_text, data="".join(lines), encoding="utf-8"))


def _lines(rows: Sequence[Row], seeds: Iterable[int], place: Place) -> Iterator[str]:
    """A table a study, of the runs that are trained: the figure of each seed with its interval, and the mean."""
    for study, what in STUDIES.items():
        lines = [_line(row, seeds, place) for row in rows if row.study == study]
        if any(lines):
            yield f"\n**{what}**\n\n{HEAD}\n{'| --- ' * 3}{'| ---: ' * 5}| --- |"
            yield from filter(None, lines)
            yield from _differences([row for row in rows if row.study == study], seeds, place)


def _differences(rows: Sequence[Row], seeds: Iterable[int], place: Place) -> Iterator[str]:
    """What each row has over those beside it, in the mean of the seeds that both have; p by Holm over all of them."""
    from pipeline.evaluation.paired import resamples_for

    trained = {row.name: [seed for seed in seeds if is_done(place.run(row.name, seed))] for row in rows}
    pairs = [
        (row.name, other, common)
        for row in rows
        for other in row.over
        if (common := [seed for seed in trained[row.name] if seed in trained.get(other, ())])
    ]
    if not pairs:
        return
    n_resamples = max(RESAMPLES, resamples_for(len(pairs)))
    found = {
        (name, seed): macro_auroc(place.run(name, seed), n_resamples)
        for name, seed in {(name, seed) for *both, common in pairs for name in both for seed in common}
    }
    values, draws, against = {}, {}, {}
    for name, other, common in pairs:
        cells = f"| `{name}` | `{other}` | {' '.join(map(str, common))} |"
        against[cells] = f"{cells}0", f"{cells}1"
        for which, called in zip((name, other), against[cells], strict=True):
            each = [found[which, seed] for seed in common]
            values[called] = [value for value, _ in each]
            draws[called] = np.mean([drawn for _, drawn in each], 0)
    yield "\n| | over | seeds | macro-AUC, 95 % interval over patients, p by Holm |\n| --- | --- | --- | --- |"
    for cells, difference in differences(values, draws, against).items():
        yield f"{cells} {difference} |"


def _line(row: Row, seeds: Iterable[int], place: Place) -> str:
    from pipeline.evaluation.scores import load_scores

    if not row.judged:
        return ""
    trained = [folder for folder in (place.run(row.name, seed) for seed in seeds) if is_done(folder)]
    if not trained:
        return ""
    found = [figure(row.figure, _scores(row, folder)) for folder in trained]
    each = ", ".join(f"{value:.{row.digits}f}{_span(span, row.digits)}" for value, span in found)
    mean = sum(value for value, _ in found) / len(found)
    on_dev = [figure(row.figure, load_scores(folder / "dev_scores.npz"))[0] for folder in trained]
    judged = f"{row.judged.replace('_', ' ')}, {row.figure}"
    parameters, macs = size_of(trained[0])
    cells = [row.title, judged, each, f"{mean:.{row.digits}f}", f"{sum(on_dev) / len(on_dev):.{row.digits}f}"]
    cells += [f"{parameters:,}", f"{macs / 1e6:,.0f} M", _minutes(trained), row.published]
    return f"| {' | '.join(cells)} |"


def _minutes(folders: Sequence[Path]) -> str:
    """Of training, in the mean over the seeds; nothing where none was needed."""
    from pipeline.runs.card_file import read_card

    seconds = [result.seconds for folder in folders if (result := read_card(folder).result) and result.seconds]
    return f"{sum(seconds) / len(seconds) / 60:.0f}" if seconds else ""


def _span(span: Sequence[float] | None, digits: int) -> str:
    return "" if span is None else f" ({span[0]:.{digits}f}–{span[1]:.{digits}f})"


def figure(name: str, scores: Any) -> tuple[float, Sequence[float] | None]:
    """A figure of some scores, and its interval where it has one: that of a mean is of all its classes, or is none."""
    from pipeline.evaluation.figures import evaluate
    from pipeline.evaluation.intervals import Resampling

    found = evaluate(scores, resampling=Resampling(RESAMPLES, 0))
    spans = found.intervals
    if name in found.agreement:
        return found.agreement[name], spans.agreement.get(name) if spans else None
    name = name.removeprefix("macro ")
    value = found.macro.figures[name]
    is_whole = spans is not None and np.isclose(spans.macro_values.get(name, np.nan), value)
    return value, spans.macro.get(name) if spans is not None and is_whole else None


def _scores(row: Row, folder: Path) -> Any:
    """What a row is judged on; scores of test are made once and kept beside the run."""
    from pipeline.evaluation.scores import load_scores, save_scores
    from pipeline.scoring.partition import score_partition

    if row.judged != "test":
        return load_scores(folder / f"{row.judged}_scores.npz")
    file = folder / "evaluation" / "test" / "scores.npz"
    if not file.exists():
        save_scores(file, score_partition(folder, None, "test"))
    return load_scores(file)


if __name__ == "__main__":
    run_command(main, "type the same command again: it goes on")
