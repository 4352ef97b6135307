"""How long a command takes to print its help, to refuse a wrong option name, and to make a table of a scores file.

Each is a process of its own, as a user starts it, from its start to its end; how it ends is looked at, too. The aims
are times. The rival shows what they mean on this machine: a process that imports torch and does nothing, which is the
least that a script with its imports at the top would take before its first word.

    python -m benchmarks.startup
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.bootstrap import simulated
from benchmarks.ratio import Row, medians
from pipeline.commands.parser import CommandParser, positive_int, run_command
from pipeline.errors import EcgFusionError

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = (
    "create_images.py",
    "train.py",
    "evaluate.py",
    "predict.py",
    "-m pipeline.demo",
    "-m pipeline.explain",
    "-m pipeline.export",
    "-m pipeline.export.support",
    "-m pipeline.report",
    "-m pipeline.report.gallery",
    "-m pipeline.server",
    "-m pipeline.sources.mitdb",
    "-m pipeline.sources.ptbxl",
    "-m pipeline.sources.synthetic",
    "-m pipeline.training.derive",
    "-m pipeline.training.pretraining",
    "-m pipeline.training.search",
)
REFUSED = 2


def main(words: Sequence[str] | None = None) -> None:
    """Times all in turn and prints a line for each command."""
    parser = CommandParser(prog="python -m benchmarks.startup", description=__doc__)
    parser.option("turns", type=positive_int, default=5, help="default %(default)s")
    for row in measure(parser.parse_args(words).turns):
        print(row)


def measure(turns: int = 5, commands: Sequence[str] = COMMANDS, n_records: int = 2158, n_classes: int = 5) -> list[Row]:
    """The claim of each command, and of a table of as many records as fold 10 of PTB-XL has."""
    with tempfile.TemporaryDirectory() as folder:
        scores = save_simulated_scores(Path(folder, "scores.npz"), n_records, n_classes)
        runs = {
            "torch": partial(run, ["-c", "import torch"]),
            "table": partial(run, ["evaluate.py", "-scores", str(scores), "-resamples", "0"]),
        }
        for command in commands:
            runs[f"{command} helps"] = partial(run, [*command.split(), "--help"])
            runs[f"{command} refuses"] = partial(run, [*command.split(), "-no_such_option"], REFUSED)
        found = medians(runs, turns)
    slower = {command: max(found[f"{command} helps"], found[f"{command} refuses"]) for command in commands}
    rival, table = "against importing torch", f"-scores of {n_records} records and {n_classes} classes -resamples 0"
    return [
        *(
            Row(f"python {command} --help, or a wrong option name, {rival}", slower[command], found["torch"], limit=1)
            for command in commands
        ),
        Row(f"python evaluate.py {table}, {rival}", found["table"], found["torch"], limit=3),
    ]


def run(words: Sequence[str], code: int = 0) -> None:
    """Has a Python of its own do what is typed, from the repository's root.

    Raises:
        EcgFusionError: it ended with another code, so that its time says nothing.
    """
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != code:
        said = done.stderr.strip().splitlines()[-1:]
        raise EcgFusionError(f"python {' '.join(words)} ended with {done.returncode}, not {code}: {''.join(said)}")


def save_simulated_scores(path: Path, n_records: int, n_classes: int) -> Path:
    """A scores file as another program would have written it."""
    from pipeline.evaluation.scores import Scores, save_scores

    labels, scores = simulated(n_records, n_classes, seed=0)
    classes = tuple(f"class {number}" for number in range(n_classes))
    save_scores(path, Scores(scores, labels.astype(np.uint8), np.arange(n_records), classes, "multilabel"))
    return path


if __name__ == "__main__":
    run_command(main)
