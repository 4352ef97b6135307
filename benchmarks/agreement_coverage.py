"""How often the intervals of multiclass figures hold the truth, where classes are rare and patients have several items.

Data sets are drawn of 2 to 9 classes, from even ones to such as heartbeats are (85, 6, 6, 2 and 1 of 100). A patient
has 1 to 5 items (1.9 in the mean), mostly of one class; the scores of the classes are normal, six tenths of their
variance are the patient's own, and the class with the highest is found. What is true is what 200,000 patients show.
Resamples are drawn and intervals made as evaluate.py does it, and each interval is counted: by the patients of the
rarest class, of kappa and of accuracy by those who never have the commonest one.

    python -m benchmarks.agreement_coverage
"""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.coverage import SIZES, Tally
from benchmarks.ratio import Share
from benchmarks.simulated_scores import RECORDS
from pipeline.commands.parser import CommandParser, natural_number, positive_int, run_command
from pipeline.evaluation.agreement import AGREEMENT, agreement, agreement_figures
from pipeline.evaluation.agreement_intervals import AgreementResamples
from pipeline.evaluation.confusion import confusion_of, taken
from pipeline.evaluation.proportions import Span
from pipeline.evaluation.resampling import Judged, Resampler, rows_of
from pipeline.evaluation.scores import Scores

SHARES: dict[tuple[str, ...], tuple[float, ...]] = {
    ("N", "A", "O"): (0.62, 0.09, 0.29),
    ("N", "S", "V", "F", "Q"): (0.85, 0.06, 0.06, 0.02, 0.01),
    ("a", "b"): (0.93, 0.07),
    ("v", "w", "x", "y", "z"): (0.2, 0.2, 0.2, 0.2, 0.2),
    tuple("abcdefghi"): (0.2, 0.2, 0.15, 0.12, 0.1, 0.08, 0.06, 0.05, 0.04),
}
"""Classes to the patients of each in 1."""

SKILLS = (1.0, 2.0, 3.0, 4.0)
PATIENTS = (50, 100, 200, 400, 1000, 3000)
_LASTING = 0.85  # the chance that a further item of a patient has the class of the first
_OWN = 0.6  # of the variance of a score, what is the patient's
_MANY = 200_000
_AIM = (0.93, 0.97)

Tallies = dict[tuple[int, str], Tally]
"""Where the row of the table begins, in patients, and figure to its tally."""


def main(words: Sequence[str] | None = None) -> None:
    """Prints the share of intervals that hold the truth, for each number of patients and figure."""
    parser = CommandParser(prog="python -m benchmarks.agreement_coverage", description=__doc__)
    parser.option("sets", type=positive_int, default=30, help="data sets of each kind (default %(default)s)")
    parser.option("resamples", type=positive_int, default=200, help="of each data set (default %(default)s)")
    parser.option("seed", type=natural_number, default=0, help="default %(default)s")
    options = parser.parse_args(words)
    print(table(simulate(options.sets, options.resamples, options.seed)))


def measure(sets: int = 4, resamples: int = 200, seed: int = 0, many: int = _MANY) -> list[Share]:
    """The claim, measured: of each figure, how many intervals hold the truth."""
    tallies, found = simulate(sets, resamples, seed, many), []
    for figure in AGREEMENT:
        cells = [tally for (_, name), tally in tallies.items() if name == figure]
        held, printed = sum(cell.held for cell in cells), sum(cell.printed for cell in cells)
        if printed:
            found.append(Share(f"95 % intervals of {figure} that hold the truth", held / printed, _AIM))
    return found


def simulate(sets: int, resamples: int, seed: int, many: int = _MANY) -> Tallies:
    """The tallies of so many data sets of each number of patients, classes and skill."""
    tallies: Tallies = {}
    for (i, classes), skill in itertools.product(enumerate(SHARES), SKILLS):
        truths = truth(classes, skill, many)
        for n_patients, j in itertools.product(PATIENTS, range(sets)):
            draw = np.random.default_rng((seed, i, int(skill), n_patients, j))
            scores = data_set(draw, classes, skill, n_patients)
            spans = intervals(scores, resamples, j)
            of_class = _patients_of(scores)
            for name in agreement_figures(classes):
                n = of_class[of_class > 0].min() if AGREEMENT[name].is_mean else n_patients - of_class.max()
                row = max((size for size in SIZES if size <= n), default=0)
                tallies.setdefault((row, name), Tally()).add(spans.get(name), truths[name])
    return tallies


def intervals(scores: Scores, resamples: int, seed: int) -> dict[str, Span]:
    """Figure to interval, without those of the table, which take their time."""
    found = taken(scores.scores)
    assert scores.patient_id is not None
    patients = np.unique(scores.patient_id, return_inverse=True)[1]
    rows = rows_of(Judged(scores.labels, scores.scores, found[:, None] == np.arange(len(scores.classes))), patients)
    gathered = AgreementResamples(scores.labels, found, scores.classes, patients)
    for weights in Resampler(patients, rows, seed).blocks(resamples):
        gathered.add(weights)
    return gathered.intervals().found.spans


def truth(classes: tuple[str, ...], skill: float, many: int = _MANY) -> dict[str, float]:
    """What each figure is in the population, as so many patients show it."""
    counts = confusion_of(data_set(np.random.default_rng(7), classes, skill, many)).counts
    return agreement(counts, classes)


def data_set(draw: np.random.Generator, classes: tuple[str, ...], skill: float, n_patients: int) -> Scores:
    """Scores of so many patients; ``skill`` is how many standard deviations the score of the true class is higher."""
    shares = np.array(SHARES[classes])
    n_items = draw.choice(len(RECORDS), size=n_patients, p=RECORDS) + 1
    patient = np.repeat(np.arange(n_patients), n_items)
    is_first = np.append(True, patient[1:] != patient[:-1])
    lasts = is_first | (draw.random(len(patient)) < _LASTING)
    first = draw.choice(len(classes), size=n_patients, p=shares)[patient]
    labels = np.eye(len(classes))[np.where(lasts, first, draw.choice(len(classes), size=len(patient), p=shares))]
    own = draw.normal(size=(n_patients, len(classes)))[patient]
    values = skill * labels + np.sqrt(_OWN) * own + np.sqrt(1 - _OWN) * draw.normal(size=labels.shape)
    values += 0.5 * np.log(shares)  # networks know what is common
    shown = np.exp(values - values.max(1, keepdims=True))
    names = np.array([f"i{i}" for i in range(len(patient))])
    chances = shown / shown.sum(1, keepdims=True)
    return Scores(chances, labels, names, classes, "multiclass", patient_id=np.char.add("p", patient.astype(str)))


def _patients_of(scores: Scores) -> np.ndarray:
    """How many patients have each class; ``(classes,)``."""
    assert scores.patient_id is not None
    return np.array([len(np.unique(scores.patient_id[column == 1])) for column in scores.labels.T])


def table(tallies: Tallies) -> str:
    """The shares in percent, and behind each of how many intervals, as Markdown; a dash where none was printed."""
    lines = ["| patients | " + " | ".join(figure.heading for figure in AGREEMENT.values()) + " |"]
    lines.append("| --- | " + " | ".join("---:" for _ in AGREEMENT) + " |")
    return "\n".join(lines + [f"| {' | '.join(cells)} |" for cells in _lines(tallies)])


def _lines(tallies: Tallies) -> Iterator[list[str]]:
    sizes = (0, *SIZES)
    for size, following in zip(sizes, [*sizes[1:], None], strict=True):
        cells = [tallies.get((size, name), Tally()) for name in AGREEMENT]
        shares = [f"{100 * cell.held / cell.printed:.1f} ({cell.printed})" if cell.printed else "–" for cell in cells]
        yield [f"{size}–{following - 1}" if following else f"{size} and more", *shares]


if __name__ == "__main__":
    run_command(main)
