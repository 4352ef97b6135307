"""Whether what an explanation says matters: how far a score falls where the most attributed tenth is deleted.

Of records of a run's test partition in which a class is found and true, the tenth of all samples that the map says is
worth most is replaced by the line between what is left beside it, and the run is asked again. Beside it the tenth that
chance chooses, in pieces as long, and the tenth of the largest amplitudes. The fall of the log-odds, its mean and 95 %
interval over records; and how alike the maps of two methods are, and of the run and one with fresh weights.

    python -m benchmarks.deleting -run runs/resnet1d_wang -data data/signals -records 200
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.commands.parser import CommandParser, positive_int, run_command

PART = 0.1
RESAMPLES = 2000


def main(words: Sequence[str] | None = None) -> None:
    """Prints a line a method."""
    parser = CommandParser(prog="python -m benchmarks.deleting", description=__doc__)
    parser.option("run", type=Path, required=True, metavar="FOLDER", help="a finished run")
    parser.option("data", type=Path, metavar="FOLDER", help="its stores (default: those of the training)")
    parser.option("class", metavar="NAME", help="whose score (default: the most probable true one)")
    parser.option("records", type=positive_int, default=200, help="how many (default %(default)s)")
    parser.option(
        "methods", nargs="+", default=["gradients", "gradcam"], metavar="NAME", help="default: the quick ones"
    )
    options = parser.parse_args(words)
    for line in measure(options.run, options.data, getattr(options, "class"), options.records, options.methods):
        print(line, flush=True)


def measure(
    folder: Path, data: Path | None, class_name: str | None, n_records: int, methods: Sequence[str]
) -> list[str]:
    """The table, line by line."""
    from pipeline.explain.agreement import agreement
    from pipeline.explain.methods import METHODS, WINDOW_S, Asked
    from pipeline.explain.occlusion import log_odds, probabilities_of
    from pipeline.explain.subject import of_record
    from pipeline.machine.devices import set_up_cpu
    from pipeline.runs.load import load_run
    from pipeline.scoring.needs import Needs

    set_up_cpu(1)
    needs = Needs.of(load_run(folder))
    width = round(WINDOW_S * needs.recipe.sampling_rate)
    falls: dict[str, list[float]] = {name: [] for name in (*methods, "chance", "amplitude")}
    alike: list[float | None] = []
    draw = np.random.default_rng(0)
    for item_id, number in found_and_true(folder, data, class_name, n_records):
        subject = of_record(needs, item_id, "test", data)
        signal = subject.prepared.signal
        asked = Asked(needs, subject, number, "flat", width)
        maps = {name: METHODS[name](asked).values for name in methods}
        if len(methods) > 1:
            alike.append(agreement(maps[methods[0]], maps[methods[1]], width // 2))
        ranked = maps | {"chance": in_pieces(draw, signal.shape, width), "amplitude": np.abs(signal)}
        changed = [without(signal, values) for values in ranked.values()]
        before, *after = (
            float(log_odds(p[number])) for p in probabilities_of(needs, subject, iter([signal, *changed]))
        )
        for name, score in zip(ranked, after, strict=True):
            falls[name].append(before - score)
    lines = [f"{len(falls['chance'])} records of {folder}", "| deleted by | fall of the log-odds | over chance |"]
    lines += ["| --- | ---: | ---: |"]
    for name, values in falls.items():
        against = np.subtract(values, falls["chance"])
        lines.append(f"| {name} | {told(np.array(values))} | {told(against)} |")
    known = [value for value in alike if value is not None]
    if known:
        lines.append(f"rank correlation of {methods[0]} and {methods[1]}: median {np.median(known):.2f}")
    return lines


def found_and_true(folder: Path, data: Path | None, class_name: str | None, n_records: int) -> list[tuple[str, int]]:
    """Ids of items and numbers of classes that the run finds in them and that are there, the first of the partition."""
    from pipeline.scoring.judge import score_runs

    (scores,) = score_runs([folder], "test", data, None, 1, None)
    right = scores.scores * scores.labels
    if class_name is not None:
        right[:, [name != class_name for name in scores.classes]] = 0
    number = right.argmax(1)
    rows = np.flatnonzero(right.max(1) > 0.5)[:n_records]
    return [(str(scores.item_id[row]), int(number[row])) for row in rows]


def without(signal: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The signal whose tenth of highest value is a line between what is left at both sides of each piece."""
    changed, n = signal.copy(), round(PART * signal.size)
    gone = np.zeros(signal.size, bool)
    gone[np.argsort(-values.ravel(), kind="stable")[:n]] = True
    time = np.arange(signal.shape[1])
    for lead, out in zip(changed, gone.reshape(signal.shape), strict=True):
        if out.all():
            lead[:] = 0
        elif out.any():
            lead[out] = np.interp(time[out], time[~out], lead[~out])
    return changed


def in_pieces(draw: np.random.Generator, shape: tuple[int, ...], width: int) -> np.ndarray:
    """Values of chance, the same over each piece of ``width`` samples of a lead."""
    pieces = draw.random((shape[0], -(-shape[1] // width)))
    return np.repeat(pieces, width, axis=1)[:, : shape[1]]


def told(values: np.ndarray) -> str:
    """The mean and its 95 % interval over records."""
    draw = np.random.default_rng(0)
    means = values[draw.integers(0, len(values), (RESAMPLES, len(values)))].mean(1)
    low, high = np.quantile(means, (0.025, 0.975))
    return f"{values.mean():.2f} ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    run_command(main)
