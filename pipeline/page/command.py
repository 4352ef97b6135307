"""Writes report.html: what runs, or scores files, say, and where they err, in one file that works without a network.

Of one run: the counts with their intervals, a threshold to move for each class, its curves, calibration, how the
training went, and the recordings that it was surest of, and wrong. Of several: how much they differ, and where they
disagree. Not a medical device.

    python -m pipeline.report -run runs/alexnet
    python -m pipeline.report -run runs/gru runs/alexnet runs/fused -out comparison.html
    python -m pipeline.report -scores test.npz -dev_scores dev.npz -out report.html
"""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.commands.parser import CommandParser, natural_number, partition_name, positive_int
from pipeline.commands.terminal import say_loading, told_to
from pipeline.errors import EcgFusionError
from pipeline.machine.files import check_writable
from pipeline.machine.places import place
from pipeline.machine.streams import say
from pipeline.report.console import Console

if TYPE_CHECKING:
    from pipeline.evaluation.asked import Asked
    from pipeline.evaluation.figures import Evaluation
    from pipeline.evaluation.item_table import ItemTable
    from pipeline.evaluation.scores import Scores
    from pipeline.page.known import Known, Wanted

NAME = "report.html"
PICTURES, EXPLANATIONS = 6, 2
"""Recordings that are shown, and of how many of them is said what moved the score, where nobody says it."""


@told_to(Console)
def main(words: Sequence[str] | None = None) -> None:
    """Writes the page of what the words name."""
    options = parse(words)
    if options.scores and (options.run or options.data or options.partition):
        raise EcgFusionError("-run, -data and -partition are for runs and do not go with -scores: leave them out")
    if options.dev_scores and not options.scores:
        raise EcgFusionError("-dev_scores goes with -scores, a run has its own: add -scores or leave it out")
    if options.out and options.out.is_dir():
        raise EcgFusionError(f"-out {options.out} is a folder: name a file, such as {options.out / NAME}")
    if options.out:
        check_writable(options.out.parent)
    known, wanted = _of_files(options) if options.scores else _of_runs(options)
    out = options.out or _usual_place(options, known)
    save_page(out, known, wanted)


def parse(words: Sequence[str] | None = None) -> Namespace:
    """The command's options; see ``--help``. Those that are not given are None."""
    parser = CommandParser(prog="python -m pipeline.report", description=__doc__)
    several: dict[str, Any] = {"type": Path, "nargs": "+", "action": "extend"}
    parser.option("run", metavar="FOLDER", help="trained runs (default: the newest in runs/)", **several)
    parser.option("data", type=place, metavar="FOLDER", help="their stores (default: those of the training)")
    parser.option("partition", type=partition_name, metavar="NAME", help="train, dev or test (default: test)")
    parser.option("scores", metavar="FILE", help="scores.npz of what is judged, instead of runs", **several)
    parser.option("dev_scores", metavar="FILE", help="what thresholds are chosen on, one for each", **several)
    parser.option("out", type=Path, metavar="FILE", help=f"where (default: RUN/evaluation/PARTITION/{NAME})")
    shown = f"recordings of the surest mistakes; 0 for none (default: {PICTURES})"
    parser.option("pictures", type=natural_number, metavar="N", help=shown)
    explained = f"of which what moved the score is shown, which takes a while (default: {EXPLANATIONS})"
    parser.option("explanations", type=natural_number, metavar="N", help=explained)
    parser.option("resamples", type=natural_number, metavar="N", help="of patients, for intervals (default: 1000)")
    parser.option("threads", type=positive_int, metavar="N", help="of the CPU (default: the free cores)")
    parsed: Namespace = parser.parse_args(words)
    return parsed


def save_page(out: Path, known: "Sequence[Known]", wanted: "Wanted") -> Path:
    """Writes the page of some runs or scores files, and says so.

    Args:
        out: where; the folders above it are made.
        known: what is shown.
        wanted: how much of it.
    """
    from pipeline.machine.files import make_folder, write_text
    from pipeline.page.collecting import page_of
    from pipeline.page.document import document

    text = document(page_of(known, wanted))
    make_folder(out.parent)
    write_text(out, text)
    say(f"saved {out}: {len(text.encode()) / 2**20:.1f} MB, open it in a browser")
    return out


def _usual_place(options: Namespace, known: "Sequence[Known]") -> Path:
    folder = known[0].folder
    return Path(NAME) if folder is None else folder / "evaluation" / (options.partition or "test") / NAME


def _wanted(options: Namespace) -> "Wanted":
    from pipeline.evaluation.intervals import DEFAULT_RESAMPLES, RESAMPLES, Resampling
    from pipeline.page.known import Wanted

    n = DEFAULT_RESAMPLES if options.resamples is None else options.resamples
    if n and n not in RESAMPLES:
        limits = f"from {RESAMPLES.start} to {RESAMPLES.stop - 1} are needed for an interval"
        raise EcgFusionError(f"-resamples {n} will not do: {limits}, or 0 for none")
    pictures = PICTURES if options.pictures is None else options.pictures
    explanations = EXPLANATIONS if options.explanations is None else options.explanations
    drawn = Resampling(n) if n else None
    return Wanted(pictures, min(pictures, explanations), options.partition or "test", options.data, drawn)


def _of_runs(options: Namespace) -> "tuple[list[Known], Wanted]":
    say_loading()
    from pipeline.machine.devices import set_up_cpu
    from pipeline.runs.folder import newest_run
    from pipeline.scoring.item_columns import columns_of_run
    from pipeline.scoring.judge import judge, names_of, score_runs
    from pipeline.scoring.subjects import subject_of

    runs, wanted = options.run or [newest_run(Path("runs"))], _wanted(options)
    scores = score_runs(runs, wanted.partition, options.data, threads=options.threads)
    set_up_cpu(options.threads)
    asked = _asked_of(scores[0], columns_of_run(runs[0], wanted.partition, options.data))
    found = [
        judge(run, each, wanted.partition, None, wanted.resampling, asked)
        for run, each in zip(runs, scores, strict=True)
    ]
    found = [
        replace(each, subject=subject_of(run, wanted.partition, options.data))
        for run, each in zip(runs, found, strict=True)
    ]
    return known_runs(names_of(runs), runs, found, scores, wanted.partition), wanted


def _asked_of(scores: "Scores", *tables: "ItemTable") -> "Asked":
    """Decision curves, and groups by number of labels, sex and age, where these are known."""
    from pipeline.evaluation.asked import Asked
    from pipeline.evaluation.grouping import N_LABELS, groupings_of

    there = [name for name in ("age", "sex") for table in tables if any(table.columns[name].values())]
    names = [N_LABELS, *there] if scores.kind == "multilabel" else there
    return Asked(decision=scores.kind == "multilabel", groupings=groupings_of(names, scores, tables))


def known_runs(
    names: Sequence[str],
    runs: Sequence[Path],
    evaluations: "Sequence[Evaluation]",
    scores: "Sequence[Scores]",
    partition: str,
) -> "list[Known]":
    """Runs with their figures and scores, as the page takes them."""
    from pipeline.page.known import Known
    from pipeline.runs.card import DEV_SCORES
    from pipeline.runs.card_file import read_card
    from pipeline.runs.folder import scores_of_run

    return [
        Known(name, found, each, each if partition == "dev" else scores_of_run(read_card(run), run, DEV_SCORES), run)
        for name, run, found, each in zip(names, runs, evaluations, scores, strict=True)
    ]


def _of_files(options: Namespace) -> "tuple[list[Known], Wanted]":
    from pipeline.evaluation.alignment import align
    from pipeline.evaluation.asked import answer
    from pipeline.evaluation.scores import load_scores
    from pipeline.evaluation.subject import Subject
    from pipeline.page.known import Known
    from pipeline.scoring.judge import names_of

    n, n_dev, wanted = len(options.scores), len(options.dev_scores or []), _wanted(options)
    if n_dev not in (0, n):
        raise EcgFusionError(f"-scores names {n} files and -dev_scores {n_dev}: give each its own, in the same order")
    scores = align([load_scores(file) for file in options.scores])
    devs = [load_scores(file) for file in options.dev_scores] if n_dev else [None] * n
    names, known = names_of([file.with_suffix("") for file in options.scores]), []
    for name, file, each, dev in zip(names, options.scores, scores, devs, strict=True):
        found = answer(_asked_of(each), each, dev, None, resampling=wanted.resampling)
        found = replace(found, subject=Subject(str(file), date=date.today().isoformat()))
        known.append(Known(name, found, each, dev))
    return known, wanted
