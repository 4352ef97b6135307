"""From PTB-XL's official folder to a macro-AUC on dev: wall time of making stores and training, nothing kept between.

Each variant makes its stores anew (folds 1-7 to train, 8 for dev, 9 for test), trains once with a fixed seed and a
schedule of its own, and counts if the run that is left, its best epoch on dev, reaches the aim. Its time is that of
both commands from their starts to their ends, the import of torch and the dev table included. Each differs from the one
before in one thing, so that the ratios say what bought which seconds. The system may have the recordings in its cache.

    python -m benchmarks.speedrun -data ~/.cache/ecg-data/ptbxl
    python -m benchmarks.speedrun -data ~/.cache/ecg-data/ptbxl -only signal-3 signal-bf16 -turns 3
"""

import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.commands.parser import CommandParser, positive_float, positive_int, run_command
from pipeline.errors import EcgFusionError

ROOT = Path(__file__).resolve().parent.parent
STORES = "--source ptbxl --representations none --folds train=1-7 dev=8 test=9"
_SIGNAL = "-model resnet1d_wang -crop 2.5"
_BEAT = "-model resnet -nb_filters 8 -leads all -beat -representation lead_map -size 80"
VARIANTS = {
    "signal": f"{_SIGNAL} -epochs 12 -threads 1 -precision fp32",
    "signal-3": f"{_SIGNAL} -epochs 3 -threads 1 -precision fp32",
    "signal-bf16": f"{_SIGNAL} -epochs 3 -threads 1 -precision bf16",
    "signal-threads": f"{_SIGNAL} -epochs 3 -threads 2 -precision bf16",
    "signal-stride": f"{_SIGNAL} -epochs 3 -threads 2 -precision bf16 -stride 2.5",
    "beat": f"{_BEAT} -epochs 8 -threads 1 -precision fp32",
    "beat-3": f"{_BEAT} -epochs 3 -threads 1 -precision fp32",
    "beat-bf16": f"{_BEAT} -epochs 3 -threads 1 -precision bf16",
    "beat-threads": f"{_BEAT} -epochs 3 -threads 2 -precision bf16",
}
"""Words of train.py; each, but for the first of its network, is the one before with one thing changed."""


@dataclass(frozen=True)
class Lap:
    """What one turn of a variant took, in seconds, and what it reached on dev."""

    stores: float
    training: float
    dev: float

    @property
    def total(self) -> float:
        return self.stores + self.training


def main(words: Sequence[str] | None = None) -> None:
    """Runs the variants, in turn, and prints a line for each."""
    parser = CommandParser(prog="python -m benchmarks.speedrun", description=__doc__)
    parser.option("data", type=Path, default=Path("data/ptbxl"), help="the official folder (default %(default)s)")
    parser.option("only", nargs="+", choices=list(VARIANTS), default=list(VARIANTS), help="which (default all)")
    parser.option("aim", type=positive_float, default=0.930, help="macro-AUC on dev (default %(default)s)")
    parser.option("turns", type=positive_int, default=1, help="(default %(default)s)")
    parser.option("seed", type=int, default=0, help="of the training (default %(default)s)")
    options = parser.parse_args(words)
    laps: dict[str, list[Lap]] = {name: [] for name in options.only}
    for _ in range(options.turns):
        for name in options.only:
            laps[name].append(lap(name, options.data.expanduser(), options.seed))
            print(f"{name}: {laps[name][-1].total:.0f} s, dev {laps[name][-1].dev:.4f}", flush=True)
    print("\n".join(table(laps, options.aim)))


def lap(name: str, data: Path, seed: int) -> Lap:
    """One turn of a variant, in a folder that is gone afterwards."""
    from pipeline.runs.card_file import read_card

    with tempfile.TemporaryDirectory() as folder:
        stores, run = Path(folder, "stores"), Path(folder, "run")
        made = _seconds("create_images.py", [*shlex.split(STORES), "--data", str(data), "--out", str(stores)])
        how = [*shlex.split(VARIANTS[name]), "-task", "superdiagnostic", "-seed", str(seed)]
        trained = _seconds("train.py", [*how, "-data", str(stores), "-path_save_model", str(run)])
        return Lap(made, trained, read_card(run).dev_macro_auroc)


def _seconds(command: str, words: Sequence[str]) -> float:
    started = time.monotonic()
    done = subprocess.run([sys.executable, str(ROOT / command), *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise EcgFusionError(f"{command} {shlex.join(words)}: {done.stderr.strip().splitlines()[-1]}")
    return time.monotonic() - started


def table(laps: Mapping[str, Sequence[Lap]], aim: float) -> list[str]:
    """Lines of Markdown: medians over the turns, and how many times as fast as the variant above, of one network."""
    lines = ["", f"| variant | stores | training | together | dev | {aim:.3f} | beside the one above |"]
    lines.append("| --- | ---: | ---: | ---: | ---: | --- | ---: |")
    above: tuple[str, float] | None = None
    for name, turns in laps.items():
        stores, training, total, dev = (
            statistics.median(getattr(turn, what) for turn in turns) for what in ("stores", "training", "total", "dev")
        )
        of_network = name.partition("-")[0]
        ratio = f"{above[1] / total:.2f}" if above and above[0] == of_network else ""
        times = [f"{seconds:.0f} s" for seconds in (stores, training, total)]
        cells = [f"`{VARIANTS[name]}`", *times, f"{dev:.4f}", "reached" if dev >= aim else "missed", ratio]
        lines.append(f"| {' | '.join(cells)} |")
        above = of_network, total
    return lines


if __name__ == "__main__":
    run_command(main)
