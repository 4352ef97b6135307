"""Says for every class of a trained run, or of a scores file, who was found and who was missed."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from pipeline.command_line import CommandParser, positive_int, run_command
from pipeline.errors import EcgFusionError
from pipeline.evaluation import NOTES, Evaluation, evaluate, evaluate_dev
from pipeline.report.tables import as_text, save_tables
from pipeline.scores import Scores, load_scores, save_scores
from pipeline.thresholds import CRITERIA, DEFAULT_CRITERION, threshold_choice

_RUN_ONLY = ("run", "data", "partition", "batch_size", "threads", "gpu_id")
_EXAMPLES = """examples:
  python evaluate.py                                        the newest run, on its test partition
  python evaluate.py -run runs/alexnet -threshold f1
  python evaluate.py -scores test.npz -dev_scores dev.npz -out tables      without a model
"""


def main(arguments: Sequence[str]) -> None:
    """Evaluates what the arguments name, prints the table and saves it."""
    options = _parser().parse_args(arguments)
    if options.out and options.out.exists() and not options.out.is_dir():
        raise EcgFusionError(f"-out {options.out} is a file: name a folder")
    if options.scores:
        _evaluate_files(options)
    elif options.dev_scores:
        raise EcgFusionError("-dev_scores goes with -scores, a run has its own: add -scores or leave it out")
    else:
        _evaluate_run(options)


def _parser() -> CommandParser:
    parser = CommandParser(prog="evaluate.py", description=__doc__, epilog=_EXAMPLES)
    criteria = f"{', '.join(CRITERIA)}, maximised on dev, or a number from 0 to 1 (default: {DEFAULT_CRITERION})"
    parser.option("threshold", type=threshold_choice, metavar="CHOICE", help=criteria)
    parser.option("out", type=Path, metavar="FOLDER", help="where to save (default: RUN/evaluation/PARTITION)")
    run = parser.add_argument_group("a run")
    parser.option("run", run, type=Path, metavar="FOLDER", help="a trained run (default: the newest in runs/)")
    parser.option("data", run, type=Path, metavar="FOLDER", help="its stores (default: those it was trained on)")
    parser.option("partition", run, choices=list(NOTES), help="what to score (default: test)")
    parser.option("batch_size", run, type=positive_int, metavar="N", help="items scored at once")
    parser.option("threads", run, type=positive_int, metavar="N", help="CPU threads")
    parser.option("gpu_id", run, type=int, metavar="N", help="which GPU to use")
    files = parser.add_argument_group("a scores file, without a model; saved only if -out is given")
    parser.option("scores", files, type=Path, metavar="FILE", help="scores.npz of what is judged")
    parser.option("dev_scores", files, type=Path, metavar="FILE", help="what thresholds are chosen on")
    return parser


def _evaluate_files(options: Namespace) -> None:
    for name in _RUN_ONLY:
        if getattr(options, name) is not None:
            raise EcgFusionError(f"-{name} is for a run and does not go with -scores: leave one of them out")
    dev = load_scores(options.dev_scores) if options.dev_scores else None
    _show(evaluate(load_scores(options.scores), dev, options.threshold), options.out)


def _evaluate_run(options: Namespace) -> None:
    from pipeline.runs import newest_run  # here, because torch takes seconds to import
    from pipeline.scoring import score_partition

    run, partition = options.run or newest_run(Path("runs")), options.partition or "test"
    print(f"run {run}, partition {partition}\n", flush=True)
    scores = score_partition(run, options.data, partition, options.batch_size, options.threads, options.gpu_id)
    folder = options.out or run / "evaluation" / partition
    _show(_judge(run, scores, partition, options.threshold), folder, scores)


def _judge(run: Path, scores: Scores, partition: str, threshold: str | float | None) -> Evaluation:
    if partition == "dev":
        return evaluate_dev(scores, threshold)
    dev_file = run / "dev_scores.npz"
    dev = load_scores(dev_file) if dev_file.exists() else None
    return evaluate(scores, dev, threshold, NOTES[partition])


def _show(evaluation: Evaluation, folder: Path | None, scores: Scores | None = None) -> None:
    print(as_text(evaluation), flush=True)
    if folder:
        files = save_tables(folder, evaluation)
        if scores:
            save_scores(folder / "scores.npz", scores)
            files.append(folder / "scores.npz")
        print(f"saved in {folder}: {', '.join(file.name for file in files)}")


if __name__ == "__main__":
    run_command(main)
