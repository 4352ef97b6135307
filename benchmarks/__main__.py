"""Every claim of speed, measured on this machine: one Markdown table.

python -m benchmarks -out benchmarks.md
"""

import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks import bootstrap, creating, loading, reading, representations
from benchmarks.ratio import Row
from pipeline.command_line import CommandParser, run_command

PACKAGES = ("torch", "numba", "numpy", "scipy", "scikit-learn", "pyts", "wfdb")


def main(words: Sequence[str] | None = None) -> None:
    """Measures all, printing each row when it is known, and writes the table."""
    parser = CommandParser(prog="python -m benchmarks", description=__doc__)
    parser.option("out", type=Path, default=Path("benchmarks.md"), help="the table (default %(default)s)")
    options = parser.parse_args(words)
    rows: list[Row] = []
    for part in (reading, representations, creating, loading, bootstrap):
        for row in part.measure():
            print(row, flush=True)
            rows.append(row)
    options.out.write_text(table(rows))
    print(f"the table is in {options.out}")


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown, below the machine and the versions."""
    lines = [
        f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "",
        "| what | ours | rival | ratio | aim |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    lines += ["| " + " | ".join((row.what, *row.cells())) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def processor() -> str:
    """What the processor calls itself."""
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    run_command(main)
