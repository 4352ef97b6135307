"""How the time and the memory of create_images.py grow with records, picture size and leads.

Each point is a process of its own that makes one store, so that its peak memory is its own. Both figures are those that
create_images.py prints: the time is without the imports, but has the second that the kernels' machine code takes to
load. Records are simulated in PTB-XL's layout, or the first ones of a real folder.

    python -m benchmarks.growth -out growth.png                          some minutes, and 16 GB of disk at a time
    python -m benchmarks.growth -records 100 1000 -sizes 64 256 -leads 1 3
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.simulated_store import simulate
from pipeline.commands.parser import CommandParser, positive_int, run_command
from pipeline.errors import EcgFusionError

ALL_LEADS = ("I", "II", "V2", "III", "aVR", "aVL", "aVF", "V1", "V3", "V4", "V5", "V6")
CREATE_IMAGES = Path(__file__).parents[1] / "create_images.py"
AIM_MB = 1000


@dataclass(frozen=True)
class Point:
    """A store, and what it cost: s of one process, and the MB that it held at most."""

    records: int
    size: int
    leads: int
    seconds: float = 0.0
    peak_mb: float = 0.0


def main(words: Sequence[str] | None = None) -> None:
    """Measures every point, prints the table and draws it."""
    parser = CommandParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.option("data", type=Path, help="a PTB-XL folder (default: simulated recordings)")
    parser.option("records", type=positive_int, nargs="+", default=[1000, 5000, 19600], help="1000 5000 19600")
    parser.option("sizes", type=positive_int, nargs="+", default=[64, 128, 256, 512], help="in pixels, 64 128 256 512")
    parser.option("leads", type=positive_int, nargs="+", default=[1, 3, 12], help="how many, 1 3 12")
    parser.option("workers", type=positive_int, help="threads (default: the cores that are free)")
    parser.option("folder", type=Path, default=Path("."), help="a folder on the disk to write to (default %(default)s)")
    parser.option("out", type=Path, default=Path("growth.png"), help="the plot (default %(default)s)")
    options = parser.parse_args(words)
    if max(options.leads) > len(ALL_LEADS):
        raise EcgFusionError(f"-leads {max(options.leads)} is more than there are: give 1 to {len(ALL_LEADS)}")
    print("| records | size | leads | seconds | ms a record | peak memory, MB |\n" + "| ---: " * 6 + "|")
    grid = lines(sorted(options.records), sorted(options.sizes), sorted(options.leads))
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        data = options.data or simulate(Path(folder), max(options.records))
        costs: dict[Point, Point] = {}
        for point in dict.fromkeys(point for line in grid.values() for point in line):
            costs[point] = measure(point, data, Path(folder), options.workers)
            print(row(costs[point]), flush=True)
    draw({name: [costs[point] for point in line] for name, line in grid.items()}, options.out)
    print(f"the plot is in {options.out}")


def lines(records: Sequence[int], sizes: Sequence[int], leads: Sequence[int]) -> dict[str, list[Point]]:
    """What is measured along each axis: a middle number of records, 256 pixels and 3 leads, where it is another's."""
    usual = Point(records[len(records) // 2], _nearest(sizes, 256), _nearest(leads, 3))
    return {
        "records": [replace(usual, records=n) for n in records],
        "size": [replace(usual, size=n) for n in sizes],
        "leads": [replace(usual, leads=n) for n in leads],
    }


def measure(point: Point, data: Path, folder: Path, workers: int | None = None) -> Point:
    """Makes the store of a point by create_images.py, removes it, and says what it cost.

    Raises:
        EcgFusionError: create_images.py failed, or made fewer records than asked for.
    """
    with tempfile.TemporaryDirectory(dir=folder) as out:
        words = [sys.executable, CREATE_IMAGES, "-data", data, "-out", out, "-folds", "train=1-10", "-size", point.size]
        words += ["-limit", point.records, "-leads", *ALL_LEADS[: point.leads]]
        words += ["-workers", workers] if workers else []
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    said = re.search(r"h5: (\d+) records, .* ([\d.]+) s, peak memory (\d+) MB", done.stdout)
    if done.returncode or not said:
        raise EcgFusionError(f"create_images.py failed for {point}: {done.stderr.strip().splitlines()[-1]}")
    if int(said[1]) != point.records:
        raise EcgFusionError(f"{data} has {said[1]} records and -records asks for {point.records}: ask for fewer")
    return replace(point, seconds=float(said[2]), peak_mb=float(said[3]))


def row(point: Point) -> str:
    """A line of the table."""
    each = 1e3 * point.seconds / point.records
    cells = (point.records, point.size, point.leads, f"{point.seconds:.1f}", f"{each:.2f}", f"{point.peak_mb:.0f}")
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def draw(measured: dict[str, list[Point]], path: Path) -> None:
    """Saves the plot: a column an axis, time over memory."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, rows = plt.subplots(2, 3, figsize=(11, 6.5), sharey="row", sharex="col", layout="constrained")
    for (name, line), above, below in zip(measured.items(), *rows, strict=True):
        at = [getattr(point, name) for point in line]
        _draw_time(above, at, [point.seconds for point in line], power=2 if name == "size" else 1)
        above.set_title(_held(name, line[0]), fontsize="medium")
        _draw_memory(below, at, [point.peak_mb for point in line])
        below.set_xlabel("size (pixels)" if name == "size" else name)
        below.set_xticks(at, [f"{n:,}" for n in at])
        below.minorticks_off()
    rows[0, 0].set_ylabel("time (s)")
    rows[1, 0].set_ylabel("peak memory (MB)")
    figure.suptitle("What create_images.py takes, all image forms")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _draw_time(axes: Any, at: Sequence[int], seconds: Sequence[float], power: int) -> None:
    """On a log-log scale; a line through the last point would be straight if all time went with n to the power."""
    law = [seconds[-1] * (n / at[-1]) ** power for n in at]
    label = "∝ size²" if power == 2 else "proportional"
    axes.loglog(at, law, "--", color="0.7", zorder=1, label=label)
    axes.loglog(at, seconds, "o-", color="C0")
    for n, value in zip(at, seconds, strict=True):
        axes.annotate(f"{value:.3g}", (n, value), (0, 7), textcoords="offset points", ha="center", fontsize="small")
    axes.margins(0.12, 0.2)
    axes.legend(loc="lower right", frameon=False)


def _draw_memory(axes: Any, at: Sequence[int], megabytes: Sequence[float]) -> None:
    axes.axhline(AIM_MB, linestyle="--", color="0.7", zorder=1)
    axes.semilogx(at, megabytes, "o-", color="C1")
    for n, value in zip(at, megabytes, strict=True):
        axes.annotate(f"{value:.0f}", (n, value), (0, -13), textcoords="offset points", ha="center", fontsize="small")
    axes.set_ylim(0, 1.15 * max(AIM_MB, *megabytes))
    axes.margins(x=0.12)


def _held(name: str, point: Point) -> str:
    """What stays the same along an axis."""
    held = {"records": f"{point.records:,} records", "size": f"{point.size} pixels", "leads": _counted(point.leads)}
    return ", ".join(words for axis, words in held.items() if axis != name)


def _counted(leads: int) -> str:
    return "1 lead" if leads == 1 else f"{leads} leads"


def _nearest(values: Sequence[int], usual: int) -> int:
    return min(values, key=lambda value: abs(value - usual))


if __name__ == "__main__":
    run_command(main)
