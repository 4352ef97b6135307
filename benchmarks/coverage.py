"""How often the intervals of evaluate.py hold the truth, where classes are rare and patients have several records.

Data sets are drawn whose truth is known. A patient has 1 to 5 records (1.9 in the mean) and either none with a class
or mostly such with it; scores are normal, and six tenths of their variance are the patient's own, the same in all
records. AUROC is 0.6, 0.8, 0.9 or 0.97, the size of a class anything up to two fifths of the patients, all equally
likely on the scale of logarithms, and the threshold lies where it has been chosen on other records, not quite at the
best. Half of the data sets have 2,000 patients and half 150. Each is evaluated as evaluate.py does it, and each
interval is counted, by the number of patients of the sample who have the class.

    python -m benchmarks.coverage
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.ratio import Share
from pipeline.commands.parser import CommandParser, natural_number, positive_int, run_command
from pipeline.evaluation.figures import Evaluation, evaluate
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.resampling import CELLS
from pipeline.evaluation.scores import Scores

AREAS = (0.6, 0.8, 0.9, 0.97)
SIZES = (5, 10, 25, 50, 100, 200)
"""Of a class, in patients of the sample: where each row of the table begins."""

PATIENTS = (2000, 150)
RECORDS = (0.55, 0.2, 0.12, 0.08, 0.05)
"""How many patients in 1 have 1, 2, … records."""

FIGURES = (*CELLS, "sensitivity", "specificity", "precision", "f1", "g_mean", "auroc", "average_precision")
_LASTING = 0.85  # the chance that a further record of a patient with the class has it too
_OWN = 0.6  # of the variance of a score, what is the patient's
_COPIES = 5  # classes of each AUROC in one data set, which share its resamples
_AIM = (0.93, 0.97)


@dataclass(eq=False)
class Tally:
    """How many intervals of a cell there were, and how many held the truth."""

    held: int = 0
    printed: int = 0
    rows: int = 0

    def add(self, span: tuple[float, float] | None, truth: float) -> None:
        """Counts a row, and its interval if it has one."""
        self.rows += 1
        self.printed += span is not None
        self.held += span is not None and span[0] <= truth <= span[1]


@dataclass(eq=False)
class Tallies:
    """Row of the table, AUROC and figure to its tally."""

    cells: dict[tuple[str, float, str], Tally] = field(default_factory=dict)

    def add(self, row: str, area: float, figure: str, span: tuple[float, float] | None, truth: float) -> None:
        self.cells.setdefault((row, area, figure), Tally()).add(span, truth)


def main(words: Sequence[str] | None = None) -> None:
    """Prints the share of intervals that hold the truth, for each size of a class, AUROC and figure."""
    parser = CommandParser(prog="python -m benchmarks.coverage", description=__doc__)
    parser.option("sets", type=positive_int, default=800, help="data sets of each number of patients")
    parser.option("resamples", type=positive_int, default=200, help="of each data set (default %(default)s)")
    parser.option("seed", type=natural_number, default=0, help="default %(default)s")
    options = parser.parse_args(words)
    print(table(simulate(options.sets, options.resamples, options.seed)))


def measure(sets: int = 150, resamples: int = 200, seed: int = 0) -> list[Share]:
    """The claim, measured: of each figure, how many intervals of classes hold the truth."""
    tallies = simulate(sets, resamples, seed)
    found = []
    for figure in FIGURES[len(CELLS) :]:
        cells = [tally for (_, area, name), tally in tallies.cells.items() if name == figure and area]
        held, printed = sum(cell.held for cell in cells), sum(cell.printed for cell in cells)
        if printed:
            found.append(Share(f"95 % intervals of {figure} that hold the truth", held / printed, _AIM))
    return found


def simulate(sets: int, resamples: int, seed: int) -> Tallies:
    """The tallies of so many data sets of each number of patients."""
    tallies = Tallies()
    for n_patients in PATIENTS:
        for i in range(sets):
            draw = np.random.default_rng((seed, n_patients, i))
            scores, truths = data_set(draw, n_patients)
            _count(tallies, evaluate(scores, None, 0.5, resampling=Resampling(resamples, i)), scores, truths)
    return tallies


def data_set(draw: np.random.Generator, n_patients: int) -> tuple[Scores, dict[str, np.ndarray]]:
    """Scores whose threshold is 0.5, and the truth of each figure."""
    from scipy.special import expit

    areas = np.tile(AREAS, _COPIES)
    n_records = draw.choice(len(RECORDS), size=n_patients, p=RECORDS) + 1
    patient = np.repeat(np.arange(n_patients), n_records)
    shape = (len(patient), len(areas))
    size = np.exp(draw.uniform(np.log(3), np.log(0.4 * n_patients), len(areas))) / n_patients  # share of patients
    is_first = np.append(True, patient[1:] != patient[:-1])[:, None]
    bearer = draw.random((n_patients, len(areas))) < size
    labels = bearer[patient] & (is_first | (draw.random(shape) < _LASTING))
    own = draw.normal(size=(n_patients, len(areas)))[patient]
    shift = np.sqrt(2) * _quantile(areas)
    values = shift * labels + np.sqrt(_OWN) * own + np.sqrt(1 - _OWN) * draw.normal(size=shape)
    thresholds = shift / 2 + draw.uniform(-0.5, 0.5, len(areas))
    mean_records = float(np.dot(RECORDS, np.arange(1, len(RECORDS) + 1)))
    prevalence = size * (1 + _LASTING * (mean_records - 1)) / mean_records
    classes = tuple(f"{area} {i}" for i, area in enumerate(areas))
    items = np.array([f"r{i}" for i in range(len(patient))])
    scores = Scores(
        expit(values - thresholds),
        labels,
        items,
        classes,
        "multilabel",
        patient_id=np.char.add("p", patient.astype(str)),
    )
    return scores, truth(areas, thresholds, prevalence, len(patient))


def truth(areas: np.ndarray, thresholds: np.ndarray, prevalence: np.ndarray, n_items: int) -> dict[str, np.ndarray]:
    """What each figure is in the population; the counts are those expected of ``n_items``."""
    from scipy.special import ndtr

    shift = np.sqrt(2) * _quantile(areas)
    sensitivity, specificity = ndtr(shift - thresholds), ndtr(thresholds)
    tp, fn = prevalence * sensitivity, prevalence * (1 - sensitivity)
    fp, tn = (1 - prevalence) * (1 - specificity), (1 - prevalence) * specificity
    cuts = np.linspace(-6, 10, 4001)[:, None]
    found, mistaken = prevalence * ndtr(shift - cuts), (1 - prevalence) * ndtr(-cuts)
    precision = found / (found + mistaken)
    area_below = ((precision[1:] + precision[:-1]) / 2 * -np.diff(ndtr(shift - cuts), axis=0)).sum(0)
    counts = dict(zip(CELLS, (n_items * cell for cell in (tp, fn, fp, tn)), strict=True))
    return counts | {
        "sensitivity": sensitivity,
        "specificity": specificity,
        "precision": tp / (tp + fp),
        "f1": 2 * tp / (2 * tp + fp + fn),
        "g_mean": np.sqrt(sensitivity * specificity),
        "auroc": areas,
        "average_precision": area_below,
    }


def _count(tallies: Tallies, evaluation: Evaluation, scores: Scores, truths: dict[str, np.ndarray]) -> None:
    intervals, patients = evaluation.intervals, scores.patient_id
    assert intervals is not None
    assert patients is not None
    kept = [name in intervals.classes for name in scores.classes]
    for i, name in enumerate(scores.classes):
        n = len(np.unique(patients[scores.labels[:, i] == 1]))
        if kept[i]:
            for figure in FIGURES:
                row, area = _row(n), float(truths["auroc"][i])
                tallies.add(row, area, figure, intervals.classes[name].get(figure), truths[figure][i])
    for figure in FIGURES[len(CELLS) :]:
        tallies.add("macro", 0.0, figure, intervals.macro.get(figure), float(truths[figure][kept].mean()))


def _row(n: int) -> str:
    ends = dict(zip(SIZES, [*(size - 1 for size in SIZES[1:]), None], strict=True))
    start = max(size for size in SIZES if size <= n)
    return f"{start}–{ends[start]}" if ends[start] else f"{start} and more"


def _quantile(shares: np.ndarray) -> np.ndarray:
    from scipy.special import ndtri

    values: np.ndarray = ndtri(shares)
    return values


def table(tallies: Tallies) -> str:
    """The shares in percent as Markdown, a dash where no interval was printed."""
    lines = ["| patients | AUROC | intervals | " + " | ".join(FIGURES) + " |"]
    lines.append("| --- | --- | ---: | " + " | ".join("---:" for _ in FIGURES) + " |")
    lines += [f"| {' | '.join(cells)} |" for cells in _lines(tallies)]
    return "\n".join(lines)


def _lines(tallies: Tallies) -> Iterator[list[str]]:
    rows = [(_row(size), area) for size in SIZES for area in AREAS] + [("macro", 0.0)]
    for row, area in rows:
        cells = [tallies.cells.get((row, area, figure), Tally()) for figure in FIGURES]
        shares = [f"{100 * cell.held / cell.printed:.1f}" if cell.printed else "–" for cell in cells]
        yield [row, f"{area:g}" if area else "", str(cells[-1].rows), *shares]


if __name__ == "__main__":
    run_command(main)
