"""How often the intervals of evaluate.py hold the truth, where classes are rare and patients have several records.

Data sets are drawn whose truth is known (`simulated_scores.py`), of 2,000, 600 or 150 patients and of 20 or 4 classes,
whose AUROC is 0.6, 0.8, 0.9 or 0.97. Each is evaluated as evaluate.py does it. The intervals of classes, and those of
"no class found", are counted by the number of patients of the sample on the rarer side; those of the macro and the
micro row by the data set. A second model of the same patients, better, worse or as good, gives the differences.

    python -m benchmarks.coverage
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from unittest.mock import patch

import numpy as np

from benchmarks.ratio import Share
from benchmarks.simulated_scores import (
    Model,
    Patients,
    Truth,
    draw_model,
    draw_patients,
    draw_scores,
    shift_of,
    truth_of_classes,
    truth_of_none,
    truth_of_pooled,
)
from pipeline.commands.parser import CommandParser, natural_number, positive_int, run_command
from pipeline.evaluation import metrics
from pipeline.evaluation.comparison import compare
from pipeline.evaluation.figures import Evaluation, evaluate
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.ranking import Ranking
from pipeline.evaluation.resampling import CELLS
from pipeline.evaluation.scores import Scores
from pipeline.listening import progress_bar

AREAS = (0.6, 0.8, 0.9, 0.97)
SIZES = (5, 10, 25, 50, 100, 200)
"""Of a class, in patients of the sample: where each row of the table begins."""

DESIGNS = {(2000, 5): 1, (2000, 1): 4, (600, 5): 1, (600, 1): 4, (150, 5): 2, (150, 1): 6}
"""Patients, and classes of each AUROC, to how many such data sets there are in a round."""

FIGURES = (*CELLS, *metrics.FIGURES, *metrics.RANKINGS)
MEANS = ("macro", "micro")
_WITH_SECOND = 4  # one of so many data sets of many classes has a second model, all of few
_NONE, _ALL = "no class found", "all"
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

    @property
    def share(self) -> float:
        """How many of the intervals held the truth, in percent."""
        return 100 * self.held / self.printed


@dataclass(eq=False)
class Tallies:
    """Row of the table, what kind of these, and figure to its tally."""

    cells: dict[tuple[str, str, str], Tally] = field(default_factory=dict)

    def add(self, row: str, of: str, figure: str, span: tuple[float, float] | None, truth: float) -> None:
        self.cells.setdefault((row, of, figure), Tally()).add(span, truth)


def main(words: Sequence[str] | None = None) -> None:
    """Prints the share of intervals that hold the truth, for each kind of row and figure."""
    parser = CommandParser(prog="python -m benchmarks.coverage", description=__doc__)
    parser.option("rounds", type=positive_int, default=200, help="of 18 data sets each (default %(default)s)")
    parser.option("resamples", type=positive_int, default=200, help="of each data set (default %(default)s)")
    parser.option("seed", type=natural_number, default=0, help="default %(default)s")
    options = parser.parse_args(words)
    tallies = simulate(options.rounds, options.resamples, options.seed)
    print(table(tallies))
    print()
    print(outside(tallies))


def measure(sets: int = 20, resamples: int = 200, seed: int = 0) -> list[Share]:
    """The claim, measured: of each figure, how many intervals of classes hold the truth."""
    tallies = simulate(sets, resamples, seed)
    found = []
    for figure in FIGURES[len(CELLS) :]:
        cells = [tally for (row, of, name), tally in tallies.cells.items() if name == figure and of in _names()]
        held, printed = sum(cell.held for cell in cells), sum(cell.printed for cell in cells)
        if printed:
            found.append(Share(f"95 % intervals of {figure} that hold the truth", held / printed, _AIM))
    return found


def simulate(rounds: int, resamples: int, seed: int) -> Tallies:
    """The tallies of data sets of every design."""
    tallies = Tallies()
    designs = [(design, i) for design, times in DESIGNS.items() for i in range(rounds * times)]
    with patch.dict(metrics.RANKINGS, _quick_rankings()):
        for (n_patients, copies), i in progress_bar(designs, "simulating", unit="data sets"):
            draw = np.random.default_rng((seed, n_patients, copies, i))
            has_second = copies == 1 or i % _WITH_SECOND == 0
            _evaluate(tallies, data_set(draw, n_patients, copies, 1 + has_second), Resampling(resamples, i))
    return tallies


def _quick_rankings() -> dict[str, metrics.RankingFigure]:
    """AUROC and AP as resamples have them; scikit-learn's, which no interval is made of, take half of the time."""

    def quick(figure: metrics.RankingFigure) -> metrics.RankingFigure:
        def of(labels: np.ndarray, scores: np.ndarray) -> float:
            return float(figure.of_curves(Ranking(labels, scores).curve(np.ones((len(scores), 1))))[0])

        return replace(figure, of=of)

    return {name: quick(figure) for name, figure in metrics.RANKINGS.items()}


@dataclass(frozen=True, eq=False)
class DataSet:
    """Patients, models of them and the scores of each model."""

    patients: Patients
    models: list[Model]
    scores: list[Scores]


def data_set(draw: np.random.Generator, n_patients: int, copies: int, n_models: int = 1) -> DataSet:
    """A data set; half of second models are as good as the first one, the others somewhat better or worse."""
    areas = np.tile(AREAS, copies)
    patients = draw_patients(draw, n_patients, len(areas))
    models = [draw_model(draw, areas)]
    if n_models > 1:
        second = draw_model(draw, areas)
        factor = draw.uniform(0.8, 1.2) if draw.random() < 0.5 else 1.0
        models.append(Model(factor * shift_of(areas), second.threshold))
    classes = tuple(f"{area} {i}" for i, area in enumerate(areas))
    return DataSet(patients, models, draw_scores(draw, patients, models, classes, _NONE))


def _evaluate(tallies: Tallies, data: DataSet, resampling: Resampling) -> None:
    found = [evaluate(scores, None, 0.5, resampling=resampling) for scores in data.scores]
    truths = [truth_of_classes(data.patients, model) for model in data.models]
    pooled = [truth_of_pooled(data.patients, model) for model in data.models]
    _count_classes(tallies, found[0], data, truths[0])
    intervals, n = found[0].intervals, len(np.unique(data.patients.patient))
    assert intervals is not None
    kept = [name in intervals.classes for name in data.scores[0].classes]
    of = f"{n:,} patients"
    means = [_means(truth, kept) for truth in truths]
    for name in metrics.FIGURES | metrics.RANKINGS:
        tallies.add("macro", of, name, intervals.macro.get(name), float(means[0][name]))
    for name in FIGURES:
        tallies.add("micro", of, name, intervals.micro.get(name), float(pooled[0][name]))
    tallies.add("macro G-mean of means", of, "g_mean", intervals.macro.get("g_mean_of_means"), _of_means(means[0]))
    if len(found) > 1:
        _count_differences(tallies, of, found, {"macro": means, "micro": pooled})


def _count_classes(tallies: Tallies, evaluation: Evaluation, data: DataSet, truth: Truth) -> None:
    intervals, patient, labels = evaluation.intervals, data.patients.patient, data.patients.labels
    assert intervals is not None
    for i, name in enumerate(data.scores[0].classes):
        if name in intervals.classes:
            row = row_of(len(np.unique(patient[labels[:, i]])))
            for figure in FIGURES:
                tallies.add(row, name.split()[0], figure, intervals.classes[name].get(figure), truth[figure][i])
    if intervals.norm:
        none, truth = ~labels.any(1), truth_of_none(data.patients, data.models[0])
        row = row_of(min(len(np.unique(patient[none])), len(np.unique(patient[~none]))))
        for figure in (*CELLS, *metrics.FIGURES):
            tallies.add(row, _NONE, figure, intervals.norm.get(figure), float(truth[figure]))


def _count_differences(
    tallies: Tallies, of: str, found: list[Evaluation], truths: Mapping[str, list[dict[str, float]] | list[Truth]]
) -> None:
    pair = compare({"0": found[0], "1": found[1]}).pairs[0]
    first, second = int(pair.first), int(pair.second)
    for row, models in truths.items():
        for figure in FIGURES[len(CELLS) :]:
            difference = pair.rows[row].get(figure)
            truth = float(models[first][figure] - models[second][figure])
            tallies.add(f"difference, {row}", of, figure, difference.span if difference else None, truth)


def _means(truth: Truth, kept: Sequence[bool]) -> dict[str, float]:
    return {name: float(values[kept].mean()) if any(kept) else np.nan for name, values in truth.items()}


def _of_means(means: dict[str, float]) -> float:
    return float(np.sqrt(means["sensitivity"] * means["specificity"]))


def row_of(n: int) -> str:
    """The row of so many patients."""
    ends = dict(zip(SIZES, [*(size - 1 for size in SIZES[1:]), None], strict=True))
    start = max(size for size in SIZES if size <= n)
    return f"{start}–{ends[start]}" if ends[start] else f"{start} and more"


def _names() -> list[str]:
    return [f"{area:g}" for area in AREAS]


def table(tallies: Tallies) -> str:
    """The shares in percent as Markdown, a dash where no interval was printed."""
    lines = ["| patients | AUROC | intervals | " + " | ".join(FIGURES) + " |"]
    lines.append("| --- | --- | ---: | " + " | ".join("---:" for _ in FIGURES) + " |")
    lines += [f"| {' | '.join(cells)} |" for cells in _lines(tallies)]
    return "\n".join(lines)


def _lines(tallies: Tallies) -> Iterator[list[str]]:
    rows = [(row_of(size), of) for size in SIZES for of in (*_names(), _ALL)]
    rows += [(row_of(size), _NONE) for size in SIZES]
    rows += sorted({(row, of) for row, of, _ in tallies.cells if "patients" in of}, key=_place)
    for row, of in rows:
        cells = [_cell(tallies, row, of, figure) for figure in FIGURES]
        shares = [f"{cell.share:.1f}" if cell.printed else "–" for cell in cells]
        yield [row, of, str(max(cell.rows for cell in cells)), *shares]


def _cell(tallies: Tallies, row: str, of: str, figure: str) -> Tally:
    kinds = _names() if of == _ALL else [of]
    cells = [tallies.cells.get((row, kind, figure), Tally()) for kind in kinds]
    return Tally(*(sum(getattr(cell, name) for cell in cells) for name in ("held", "printed", "rows")))


def _place(row: tuple[str, str]) -> tuple[str, int]:
    return row[0], int(row[1].split()[0].replace(",", ""))


def outside(tallies: Tallies) -> str:
    """How many cells lie outside what is aimed at, and how far beyond their own standard errors."""
    lines = []
    shown = {key: cell for key, cell in tallies.cells.items() if cell.printed}
    low, high = (100 * end for end in _AIM)
    for key, cell in shown.items():
        if not low <= cell.share <= high:
            edge = low if cell.share < low else high
            error = 100 * np.sqrt(edge / 100 * (1 - edge / 100) / cell.printed)
            beyond = abs(cell.share - edge) / error
            lines.append(f"{' | '.join(key)}: {cell.share:.1f} of {cell.printed}, {beyond:.1f} standard errors beyond")
    return "\n".join([f"{len(lines)} of {len(shown)} cells are outside {low:g} to {high:g}:", *lines])


if __name__ == "__main__":
    run_command(main)
