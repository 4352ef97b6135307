"""Every claim of speed, measured on this machine: one Markdown table.

python -m benchmarks -out benchmarks.md
"""

import os
import platform
import sys
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

from benchmarks import bootstrap, creating, loading, memory, older_way, reading, representations, training
from benchmarks.alone import measured_alone
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
