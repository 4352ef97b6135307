"""Every claim of speed, and of how often intervals hold the truth, measured on this machine: one Markdown table.

A part that fails is named in it, and all others are measured nevertheless.

python -m benchmarks -out benchmarks.md
"""

import os
import platform
import sys
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

from benchmarks import (
    agreement_coverage,
    bootstrap,
    coverage,
    creating,
    exporting,
    loading,
    memory,
    older_way,
    predicting,
    reading,
    reading_sets,
    representations,
    serving,
    startup,
    training,
)
from benchmarks.alone import measured_alone
from benchmarks.ratio import Failed, Row, Share, Waiting
from pipeline.commands.parser import CommandParser, run_command
from pipeline.errors import EcgFusionError

PACKAGES = ("torch", "numba", "numpy", "scipy", "scikit-learn", "pyts", "wfdb")
PARTS = (
    *(reading, reading_sets, representations, creating, loading, training),
    *(older_way, memory, bootstrap, coverage, agreement_coverage, startup, serving, exporting, predicting),
)


def main(words: Sequence[str] | None = None) -> None:
    """Measures all, printing each part's rows when they are known, and writes the table.

    Raises:
        EcgFusionError: a part has failed; the table is written by then.
    """
    parser = CommandParser(prog="python -m benchmarks", description=__doc__)
    parser.option("out", type=Path, default=Path("benchmarks.md"), help="the table (default %(default)s)")
    options = parser.parse_args(words)
    rows: list[Row | Share | Waiting | Failed] = []
    for part in PARTS:
        for row in _rows_of(part):
            print(row, flush=True)
            rows.append(row)
        options.out.write_text(table(rows))  # what is measured is kept, whatever becomes of the next part
    print(f"the table is in {options.out}")
    failed = [row.what for row in rows if isinstance(row, Failed)]
    if failed:
        remedy = " and ".join(f"python -m benchmarks.{name}" for name in failed)
        raise EcgFusionError(f"{len(failed)} of {len(PARTS)} parts failed: {remedy} will show where")


def _rows_of(part: ModuleType) -> Sequence[Row | Share | Waiting | Failed]:
    """What a part measures, or that it failed: with an error, by its own will, or killed."""
    try:
        return measured_alone(part.measure)
    except (Exception, SystemExit) as problem:
        said = str(problem) if isinstance(problem, (EcgFusionError, SystemExit)) else repr(problem)
        return [Failed(part.__name__.rpartition(".")[2], said)]


def table(rows: Sequence[Row | Share | Waiting | Failed]) -> str:
    """The rows as Markdown, below the date, the machine and the versions."""
    lines = [
        f"{date.today()}, {processor()}, {os.cpu_count()} cores, {gpu()}, Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "",
        "| what | ours | rival | ratio | aim |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    lines += ["| " + " | ".join(row.cells()) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def processor() -> str:
    """What the processor calls itself."""
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def gpu() -> str:
    """What the GPU calls itself, where there is one."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"


if __name__ == "__main__":
    run_command(main)
