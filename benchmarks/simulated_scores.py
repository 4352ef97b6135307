"""Scores of simulated patients, and what every figure of them is in the population.

A patient has 1 to 5 records (1.9 in the mean) and either none with a class or mostly such with it; scores are normal,
and six tenths of their variance are the patient's own, the same in all records. The size of a class is anything up to
two fifths of the patients, all equally likely on the scale of logarithms. Classes are independent of each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.evaluation.resampling import CELLS
from pipeline.evaluation.scores import Scores

RECORDS = (0.55, 0.2, 0.12, 0.08, 0.05)
"""How many patients in 1 have 1, 2, … records."""

_LASTING = 0.85  # the chance that a further record of a patient with the class has it too
_OWN = 0.6  # of the variance of a score, what is the patient's
_ALIKE = 0.7  # of the variance of a score, what a second model has in common with the first
_FEWEST, _MOST = 3, 0.4  # patients with a class: as a number, and as a share of all

Truth = Mapping[str, np.ndarray]
"""Figure, or count, to what it is in the population, of each class or of a row."""


@dataclass(frozen=True, eq=False)
class Patients:
    """Who has which class in which record.

    Attributes:
        patient: Of each record, numbered from 0.
        labels: Whether a record has a class.
        size: The share of patients who have it.

    Shape:
        ``(records,)``, ``(records, classes)``, ``(classes,)``.
    """

    patient: np.ndarray
    labels: np.ndarray
    size: np.ndarray

    @property
    def prevalence(self) -> np.ndarray:
        """The share of records with each class, in the population; ``(classes,)``."""
        values: np.ndarray = np.sum([share * part for share, part in self.parts()], 0)
        return values

    def parts(self) -> list[tuple[float, np.ndarray]]:
        """First records and further ones: which share of all they are, and what share of them has each class."""
        first = 1 / float(np.dot(RECORDS, np.arange(1, len(RECORDS) + 1)))
        return [(first, self.size), (1 - first, _LASTING * self.size)]


@dataclass(frozen=True, eq=False)
class Model:
    """How well a model tells each class, and where its threshold lies on the scale of negatives' scores.

    Attributes:
        shift: How far positives score above negatives, whose scores are standard normal.
        threshold: Above which a class is found.

    Shape:
        ``(classes,)`` both.
    """

    shift: np.ndarray
    threshold: np.ndarray

    @property
    def sensitivity(self) -> np.ndarray:
        """Of each class, in the population."""
        return _normal(self.shift - self.threshold)

    @property
    def specificity(self) -> np.ndarray:
        """Of each class, in the population."""
        return _normal(self.threshold)


def draw_patients(draw: np.random.Generator, n_patients: int, n_classes: int) -> Patients:
    """Patients with their records and classes."""
    n_records = draw.choice(len(RECORDS), size=n_patients, p=RECORDS) + 1
    patient = np.repeat(np.arange(n_patients), n_records)
    size = np.exp(draw.uniform(np.log(_FEWEST), np.log(_MOST * n_patients), n_classes)) / n_patients
    is_first = np.append(True, patient[1:] != patient[:-1])[:, None]
    bearer = draw.random((n_patients, n_classes)) < size
    lasts = draw.random((len(patient), n_classes)) < _LASTING
    return Patients(patient, bearer[patient] & (is_first | lasts), size)


def draw_model(draw: np.random.Generator, areas: np.ndarray) -> Model:
    """A model of these AUROCs, whose thresholds were chosen on other records, not quite at the best."""
    shift = shift_of(areas)
    return Model(shift, shift / 2 + draw.uniform(-0.5, 0.5, len(areas)))


def draw_scores(
    draw: np.random.Generator, patients: Patients, models: list[Model], classes: tuple[str, ...], none_name: str
) -> list[Scores]:
    """The scores of each model, whose thresholds are at 0.5; models err together, as those of one data set do."""
    from scipy.special import expit

    shape = patients.labels.shape
    n_patients = int(patients.patient.max()) + 1

    def noise() -> np.ndarray:
        own = draw.normal(size=(n_patients, shape[1]))[patients.patient]
        values: np.ndarray = np.sqrt(_OWN) * own + np.sqrt(1 - _OWN) * draw.normal(size=shape)
        return values

    common = noise() if len(models) > 1 else np.zeros(shape)
    alike = _ALIKE if len(models) > 1 else 0.0
    items = np.array([f"r{i}" for i in range(shape[0])])
    names = np.char.add("p", patients.patient.astype(str))
    found = []
    for model in models:
        values = model.shift * patients.labels + np.sqrt(alike) * common + np.sqrt(1 - alike) * noise()
        scores = expit(values - model.threshold)
        found.append(
            Scores(scores, patients.labels, items, classes, "multilabel", patient_id=names, none_name=none_name)
        )
    return found


def truth_of_classes(patients: Patients, model: Model) -> Truth:
    """Every figure of every class; the counts are those expected of as many records."""
    from scipy.special import ndtr

    prevalence = patients.prevalence
    found = figures_of(_cells(prevalence, model), len(patients.labels))
    cuts = np.linspace(-8, 10, 4001)[:, None]
    above = prevalence * ndtr(model.shift - cuts), (1 - prevalence) * ndtr(-cuts)
    return found | _rankings(*above)


def truth_of_pooled(patients: Patients, model: Model) -> Truth:
    """Every figure of the micro row: of counts added up, and of all pairs of an item and a class."""
    from scipy.special import ndtr

    prevalence, n_classes = patients.prevalence, len(patients.size)
    found = figures_of(np.mean(_cells(prevalence, model), 1), len(patients.labels) * n_classes)
    cuts = np.linspace(-10, 12, 4001)[:, None]  # on the scale of scores, where every threshold is 0
    above = prevalence * ndtr(model.shift - model.threshold - cuts), (1 - prevalence) * ndtr(-model.threshold - cuts)
    return found | _rankings(*(side.sum(1) for side in above))


def truth_of_none(patients: Patients, model: Model) -> Truth:
    """Every figure of "no class found", which is the items without a class and those in which none is found."""
    none = both = called = 0.0
    for share, has in patients.parts():
        none += share * np.prod(1 - has)
        both += share * np.prod((1 - has) * model.specificity)
        called += share * np.prod((1 - has) * model.specificity + has * (1 - model.sensitivity))
    cells = np.array([both, none - both, called - both, 1 - none - called + both])
    return figures_of(cells, len(patients.labels))


def figures_of(cells: np.ndarray, n_items: int) -> dict[str, np.ndarray]:
    """Every figure of counts, from the shares of TP, FN, FP and TN among so many items.

    Shape:
        ``(4, ...)`` to ``(...)`` each.
    """
    tp, fn, fp, tn = cells
    sensitivity, specificity = tp / (tp + fn), tn / (tn + fp)
    return dict(zip(CELLS, n_items * cells, strict=True)) | {
        "sensitivity": sensitivity,
        "specificity": specificity,
        "precision": tp / (tp + fp),
        "npv": tn / (tn + fn),
        "accuracy": tp + tn,
        "f1": 2 * tp / (2 * tp + fp + fn),
        "g_mean": np.sqrt(sensitivity * specificity),
    }


def shift_of(areas: np.ndarray) -> np.ndarray:
    """How far positives score above negatives, in standard deviations, where the AUROC is this."""
    from scipy.special import ndtri

    values: np.ndarray = np.sqrt(2) * ndtri(areas)
    return values


def _cells(prevalence: np.ndarray, model: Model) -> np.ndarray:
    sensitivity, specificity = model.sensitivity, model.specificity
    with_it = prevalence * sensitivity, prevalence * (1 - sensitivity)
    return np.stack([*with_it, (1 - prevalence) * (1 - specificity), (1 - prevalence) * specificity])


def _rankings(found: np.ndarray, mistaken: np.ndarray) -> dict[str, np.ndarray]:
    """AUROC and average precision, from the share of all that is found and mistaken at rising cuts."""
    hits, errors = -np.diff(found, axis=0), -np.diff(mistaken, axis=0)
    errors_below = mistaken[0] - (mistaken[1:] + mistaken[:-1]) / 2
    precision = found / (found + mistaken)
    between = (precision[1:] + precision[:-1]) / 2
    area = (hits * errors_below).sum(0) / (hits.sum(0) * errors.sum(0))
    return {"auroc": area, "average_precision": (hits * between).sum(0) / hits.sum(0)}


def _normal(values: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr

    shares: np.ndarray = ndtr(values)
    return shares
