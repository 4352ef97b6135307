"""Every claim of speed, measured on this machine: one Markdown table.

python -m benchmarks -out benchmarks.md
"""

import os
import platform
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr
from datetime import date
from importlib.metadata import version
from io import StringIO
from multiprocessing import get_context
from pathlib import Path

from benchmarks import bootstrap, creating, loading, memory, older_way, reading, representations, training
from benchmarks.ratio import Row, Waiting
from pipeline.command_line import CommandParser, run_command

PACKAGES = ("torch", "numba", "numpy", "scipy", "scikit-learn", "pyts", "wfdb")
PARTS = (reading, representations, creating, loading, training, older_way, memory, bootstrap)


def main(words: Sequence[str] | None = None) -> None:
    """Measures all, printing each row when it is known, and writes the table."""
    parser = CommandParser(prog="python -m benchmarks", description=__doc__)
    parser.option("out", type=Path, default=Path("benchmarks.md"), help="the table (default %(default)s)")
    options = parser.parse_args(words)
    rows: list[Row | Waiting] = []
    for part in PARTS:
        for row in measured_alone(part.measure):
            print(row, flush=True)
            rows.append(row)
    options.out.write_text(table(rows))
    print(f"the table is in {options.out}")


def measured_alone(measure: Callable[[], list[Row | Waiting]]) -> list[Row | Waiting]:
    """The rows of a part in a process of its own, since threads and memory are set for a process's whole life.

    What bars and warnings say there is not shown; a part that gives up ends this process, too.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_without_bars, measure).result()


def _without_bars(measure: Callable[[], list[Row | Waiting]]) -> list[Row | Waiting]:
    with redirect_stderr(StringIO()):
        return measure()


def table(rows: Sequence[Row | Waiting]) -> str:
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
