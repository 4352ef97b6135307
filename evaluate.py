"""Says for every class of a trained run, or of a scores file, who was found and who was missed; compares several."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.commands.escaping import file_names, markdown
from pipeline.commands.parser import CommandParser, natural_number, partition_name, positive_int, run_command
from pipeline.commands.terminal import say_loading, told_to
from pipeline.errors import EcgFusionError
from pipeline.evaluation.alignment import align
from pipeline.evaluation.asked import Asked, answer
from pipeline.evaluation.comparison import compare
from pipeline.evaluation.equivalence import check_margin
from pipeline.evaluation.figures import NOTES, Evaluation
from pipeline.evaluation.grouping import N_LABELS, groupings_of
from pipeline.evaluation.intervals import DEFAULT_RESAMPLES, RESAMPLES, Resampling
from pipeline.evaluation.item_table import ItemTable, read_item_table
from pipeline.evaluation.resampled_intervals import CI
from pipeline.evaluation.scores import Scores, load_scores
from pipeline.evaluation.seeds import group_seeds
from pipeline.evaluation.subject import Subject
from pipeline.evaluation.thresholds import DEFAULT_CRITERION, help_of_choice, threshold_choice
from pipeline.machine.files import all_or_none, check_writable
from pipeline.machine.places import place
from pipeline.machine.streams import say
from pipeline.page.command import EXPLANATIONS, NAME, PICTURES, known_runs, save_page
from pipeline.report.comparisons import comparison_text, save_comparison
from pipeline.report.console import Console
from pipeline.report.evaluations import save_evaluation
from pipeline.report.files import FORMATS
from pipeline.report.further import further_parts
from pipeline.report.seeds import group_text, save_group
from pipeline.report.tables import as_text
from pipeline.scoring.judge import names_of

if TYPE_CHECKING:
    from pipeline.page.known import Known

_RUN_ONLY = ("run", "data", "partition", "batch_size", "threads", "gpu_id")
_EXAMPLES = """examples:
  python evaluate.py                                        the newest run, on its test partition
  python evaluate.py -run runs/alexnet -threshold f1
  python evaluate.py -run runs/gru runs/alexnet runs/fused                 which differences are within noise?
  python evaluate.py -run runs/gru -format md csv latex                    the table for a paper, too
  python evaluate.py -calibrate -refer 0.1 -conformal 0.9   is it as sure as it should be, and where is it not?
  python evaluate.py -run runs/gru runs/stft -equivalence 0.005            is one as good as the other?
  python evaluate.py -run runs/gru-0 runs/gru-1 runs/gru-2 -group          seeds of one recipe: mean and spread
  python evaluate.py -subgroups age sex n_labels                           for whom does it work, and for whom not?
  python evaluate.py -report                                the same as a page to look at, with recordings: report.html
  python evaluate.py -scores test.npz -dev_scores dev.npz -out tables      without a model
"""


@told_to(Console)
def main(words: Sequence[str] | None = None) -> None:
    """Evaluates what the words name, prints the table and saves it."""
    options = parse(words)
    if options.out and options.out.exists() and not options.out.is_dir():
        raise EcgFusionError(f"-out {options.out} is a file: name a folder")
    if options.out:
        check_writable(options.out)
    if options.scores:
        _evaluate_files(options)
    elif options.dev_scores:
        raise EcgFusionError("-dev_scores goes with -scores, a run has its own: add -scores or leave it out")
    else:
        _evaluate_runs(options)


def parse(words: Sequence[str] | None = None) -> Namespace:
    """The command's options; see ``--help``. Those that are not given are None."""
    parser = CommandParser(prog="evaluate.py", description=__doc__, epilog=_EXAMPLES)
    default = f"{DEFAULT_CRITERION}; of multiclass, the highest score wins"
    several = {"type": Path, "nargs": "+", "action": "extend"}
    parser.option("threshold", type=threshold_choice, metavar="CHOICE", help=help_of_choice(default))
    resamples = f"of patients, for 95 %% intervals; 0 for none (default: {DEFAULT_RESAMPLES})"
    parser.option("resamples", type=natural_number, metavar="N", help=resamples)
    parser.option("seed", type=natural_number, metavar="N", help="of the resamples (default: 0)")
    made = "of intervals: wilson (and logits; of differences percentiles), percentile or bca (default: wilson)"
    parser.option("ci", choices=list(CI), metavar="NAME", help=made)
    sure = "fit a temperature a class on dev scores, and keep them with the run: predict.py is calibrated then, too"
    parser.option("calibrate", action="store_true", help=sure)
    referred = "which part of the records a person should see, those it is least sure of; the table of the rest"
    parser.option("refer", type=float, metavar="PART", help=referred)
    held = "sets of answers that hold the truth of so large a part of each class, by limits from dev, such as 0.9"
    parser.option("conformal", type=float, metavar="COVERAGE", help=held)
    good = "decision curves: is it worth acting on a probability, or on everybody, or nobody?"
    parser.option("decision", action="store_true", help=good)
    seeds = "take several as seeds of one recipe: mean, spread, and an interval over patients and seeds"
    parser.option("group", action="store_true", help=seeds)
    groups = f"figures of groups of records: age, sex, {N_LABELS}, or columns of -subgroups_csv"
    parser.option("subgroups", nargs="+", action="extend", metavar="COLUMN", help=groups)
    table = "where -subgroups finds columns: a CSV file; COLUMN names its records (default: record_id or item_id)"
    parser.option("subgroups_csv", type=str, metavar="FILE[:COLUMN]", help=table)
    margin = "of several: which are as good as each other, within so much of AUC, such as 0.005"
    parser.option("equivalence", type=float, metavar="MARGIN", help=margin)
    saved = "where to save (default: RUN/evaluation/PARTITION; a comparison goes to the first run's)"
    parser.option("out", type=Path, metavar="FOLDER", help=saved)
    kinds = f"of the table: {', '.join(FORMATS)} (default: md)"
    parser.option("format", nargs="+", action="extend", choices=list(FORMATS), metavar="NAME", help=kinds)
    page = f"write {NAME} beside the tables, too; python -m pipeline.report has options of its own"
    parser.option("report", action="store_true", help=page)
    run = parser.add_argument_group("a run, or several to compare")
    parser.option("run", run, metavar="FOLDER", help="trained runs (default: the newest in runs/)", **several)
    parser.option("data", run, type=place, metavar="FOLDER", help="its stores (default: those it was trained on)")
    parser.option("partition", run, type=partition_name, choices=list(NOTES), help="what to score (default: test)")
    parser.option(
        "batch_size", run, type=positive_int, metavar="N", help="items scored at once (default: as in training)"
    )
    parser.option("threads", run, type=positive_int, metavar="N", help="of the CPU (default: the cores that are free)")
    parser.option("gpu_id", run, type=int, metavar="N", help="which GPU (default: the first, if there is one)")
    files = parser.add_argument_group(
        "a scores file, or several to compare, without a model; saved only if -out is given"
    )
    parser.option("scores", files, metavar="FILE", help="scores.npz of what is judged", **several)
    chosen = (
        "what thresholds are chosen on, one for each of -scores (default: none, and thresholds of 0.5 if multilabel)"
    )
    parser.option("dev_scores", files, metavar="FILE", help=chosen, **several)
    parsed: Namespace = parser.parse_args(words)
    return parsed


def _resampling(options: Namespace) -> Resampling | None:
    n = DEFAULT_RESAMPLES if options.resamples is None else options.resamples
    if n and n not in RESAMPLES:
        limits = f"from {RESAMPLES.start} to {RESAMPLES.stop - 1} are needed for an interval"
        raise EcgFusionError(f"-resamples {n} will not do: {limits}, or 0 for none")
    if not n and options.seed is not None:
        raise EcgFusionError("-seed is for resamples and does not go with -resamples 0: leave one of them out")
    for name in ("ci", "equivalence"):
        if not n and getattr(options, name) is not None:
            raise EcgFusionError(f"-{name} needs resamples and does not go with -resamples 0: leave one of them out")
    return Resampling(n, options.seed or 0, options.ci or CI[0]) if n else None


def _check_margin(options: Namespace, n: int) -> None:
    """Refuses a margin, or a group, of what is not several models."""
    if options.group and n < 2:
        raise EcgFusionError("-group takes several seeds of one recipe: name two or more with -run or -scores")
    if options.group and options.equivalence is not None:
        raise EcgFusionError("-equivalence compares models, and -group takes them as one: leave one of them out")
    if options.equivalence is None:
        return
    if n < 2:
        raise EcgFusionError("-equivalence compares models: name two or more with -run or -scores, or leave it out")
    check_margin(options.equivalence)


def _asked(options: Namespace) -> Asked:
    return Asked(bool(options.calibrate), options.refer, options.conformal, bool(options.decision))


def _table(options: Namespace) -> list[ItemTable]:
    """The CSV file whose columns make groups, if there is one."""
    if options.subgroups_csv is None:
        return []
    if not options.subgroups:
        raise EcgFusionError("-subgroups_csv goes with -subgroups: name columns of it there, or leave it out")
    whole, (file, colon, column) = Path(options.subgroups_csv), options.subgroups_csv.rpartition(":")
    is_whole = whole.exists() or not colon or not file
    return [read_item_table(*((whole, options.subgroups) if is_whole else (Path(file), options.subgroups, column)))]


def _evaluate_files(options: Namespace) -> None:
    for name in _RUN_ONLY:
        if getattr(options, name) is not None:
            raise EcgFusionError(f"-{name} is for a run and does not go with -scores: leave one of them out")
    n, n_dev = len(options.scores), len(options.dev_scores or [])
    asked = _asked(options)
    if options.report and not options.out:
        raise EcgFusionError("-report writes a file, and of scores files none is saved without -out: name a folder")
    if n_dev == 0 and asked.of_dev:
        raise EcgFusionError(
            f"-{asked.of_dev[0]} is fitted on dev scores: name theirs with -dev_scores, or leave -{asked.of_dev[0]} out"
        )
    if n_dev == 0 and isinstance(options.threshold, str):
        raise EcgFusionError(
            f"-threshold {options.threshold} chooses on dev scores: name theirs with -dev_scores, or give a number"
        )
    if n_dev not in (0, n):
        raise EcgFusionError(f"-scores names {n} files and -dev_scores {n_dev}: give each its own, in the same order")
    _check_margin(options, n)
    resampling, tables = _resampling(options), _table(options)
    scores = align([load_scores(file) for file in options.scores])
    asked = replace(asked, groupings=groupings_of(options.subgroups or [], scores[0], tables))
    devs = [load_scores(file) for file in options.dev_scores] if n_dev else [None] * n
    found = [
        answer(asked, each, dev, options.threshold, resampling=resampling)
        for each, dev in zip(scores, devs, strict=True)
    ]
    today = date.today().isoformat()
    found = [
        replace(evaluation, subject=Subject(str(file), date=today))
        for file, evaluation in zip(options.scores, found, strict=True)
    ]
    formats = options.format or ["md"]
    names = names_of([file.with_suffix("") for file in options.scores])
    if n == 1:
        _show(found[0], options.out, scores[0], formats)
    else:
        _save_files(options, names, found, scores, formats)
    if options.report:
        from pipeline.page.known import Known

        known = [Known(*each) for each in zip(names, found, scores, devs, strict=True)]
        _save_page(options, known, options.out, resampling)


def _save_files(
    options: Namespace,
    names: Sequence[str],
    found: Sequence[Evaluation],
    scores: Sequence[Scores],
    formats: Sequence[str],
) -> None:
    with all_or_none():
        if options.out:
            for name, evaluation, each in zip(file_names(names), found, scores, strict=True):
                save_evaluation(options.out / name, evaluation, each, formats)
        named = dict(zip(names, found, strict=True))
        if options.group:
            _show_group(named, scores, options.out, formats)
        else:
            _show_comparison(named, scores, options.out, formats, options.equivalence)


def _evaluate_runs(options: Namespace) -> None:
    resampling, asked = _resampling(options), _asked(options)
    say_loading()
    from pipeline.runs.folder import newest_run
    from pipeline.scoring.judge import check_asked, judge, score_runs, tables_of
    from pipeline.scoring.subjects import subject_of

    runs, partition = options.run or [newest_run(Path("runs"))], options.partition or "test"
    _check_margin(options, len(runs))
    tables = _table(options)
    for run in [] if options.out else runs:
        if run.is_dir():  # that it is not is said by its card
            check_writable(run / "evaluation" / partition)
    check_asked(runs, partition, asked)
    if options.group:
        from pipeline.runs.seeds import check_seeds

        check_seeds(runs)
    columns = options.subgroups or []
    tables = tables_of(runs[0], partition, options.data, columns, tables)
    scores = score_runs(runs, partition, options.data, options.batch_size, options.threads, options.gpu_id)
    asked = replace(asked, groupings=groupings_of(columns, scores[0], tables))
    found = [
        judge(run, each, partition, options.threshold, resampling, asked)
        for run, each in zip(runs, scores, strict=True)
    ]
    found = [
        replace(evaluation, subject=subject_of(run, partition, options.data))
        for run, evaluation in zip(runs, found, strict=True)
    ]
    folder, formats = options.out or runs[0] / "evaluation" / partition, options.format or ["md"]
    names = names_of(runs)
    if len(runs) == 1:
        _show(found[0], folder, scores[0], formats, with_scores=True)
    else:
        _save_runs(options, runs, found, scores, folder)
    if options.report:
        _save_page(options, known_runs(names, runs, found, scores, partition), folder, resampling)


def _save_runs(
    options: Namespace, runs: Sequence[Path], found: Sequence[Evaluation], scores: Sequence[Scores], folder: Path
) -> None:
    names, formats, partition = names_of(runs), options.format or ["md"], options.partition or "test"
    with all_or_none():
        for name, run, evaluation, each in zip(file_names(names), runs, found, scores, strict=True):
            own = options.out / name if options.out else run / "evaluation" / partition
            save_evaluation(own, evaluation, each, formats, with_scores=True)
        named = dict(zip(names, found, strict=True))
        if options.group:
            _show_group(named, scores, folder, formats)
        else:
            _show_comparison(named, scores, folder, formats, options.equivalence)


def _save_page(options: Namespace, known: "Sequence[Known]", folder: Path, resampling: Resampling | None) -> None:
    from pipeline.page.known import Wanted

    wanted = Wanted(PICTURES, EXPLANATIONS, options.partition or "test", options.data, resampling)
    save_page(folder / NAME, known, wanted)


def _show(
    evaluation: Evaluation,
    folder: Path | None,
    scores: Scores,
    formats: Sequence[str],
    with_scores: bool = False,
) -> None:
    say(as_text(evaluation))
    if folder:
        _say_saved(folder, save_evaluation(folder, evaluation, scores, formats, with_scores))


def _show_comparison(
    evaluations: dict[str, Evaluation],
    scores: Sequence[Scores],
    folder: Path | None,
    formats: Sequence[str],
    margin: float | None,
) -> None:
    comparison = compare(evaluations, dict(zip(evaluations, scores, strict=True)), margin)
    say(comparison_text(comparison))
    for name, evaluation in evaluations.items():
        if parts := further_parts(evaluation):
            say("\n\n".join([f"**{markdown(name)}**", *parts]) + "\n")
    if folder:
        _say_saved(folder, save_comparison(folder, comparison, formats))


def _show_group(
    evaluations: dict[str, Evaluation], scores: Sequence[Scores], folder: Path | None, formats: Sequence[str]
) -> None:
    group = group_seeds(evaluations, dict(zip(evaluations, scores, strict=True)))
    say(group_text(group))
    if folder:
        _say_saved(folder, save_group(folder, group, formats))


def _say_saved(folder: Path, files: Sequence[Path]) -> None:
    say(f"saved in {folder}: {', '.join(file.name for file in files)}")


if __name__ == "__main__":
    run_command(main)
