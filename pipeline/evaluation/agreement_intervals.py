"""The intervals of the figures of a confusion matrix, from resamples of patients."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.evaluation.agreement import AgreementFigure, agreement_figures
from pipeline.evaluation.confusion import cells
from pipeline.evaluation.proportions import Span, mean_of_several
from pipeline.evaluation.resampled_intervals import by_resamples
from pipeline.evaluation.row_intervals import RowIntervals, stretched_wilson

_MATRICES_BYTES = 2**24  # of the confusion matrices at one time


@dataclass(frozen=True, eq=False)
class AgreementIntervals:
    """What is known of them.

    Attributes:
        found: the intervals, and why a figure has none.
        draws: the figures of every resample, in the order of ``agreement_figures``.
        values: the figures themselves, in that order.

    Shape:
        ``draws`` is ``(resamples, figures)``.
    """

    found: RowIntervals
    draws: np.ndarray
    values: dict[str, float]


class AgreementResamples:
    """Gathers confusion matrices of resamples, and makes intervals of them.

    Args:
        labels: one 1 an item.
        taken: the column of the class that was found.
        classes: names of the columns.
        patients: the patient of each item, numbered from 0.

    Shape:
        ``labels`` is ``(items, classes)``, ``taken`` and ``patients`` are ``(items,)``.
    """

    def __init__(self, labels: np.ndarray, taken: np.ndarray, classes: Sequence[str], patients: np.ndarray) -> None:
        from scipy.sparse import csr_matrix  # here, because a plain table needs none

        n_items, n_classes = labels.shape
        where = (cells(labels, taken), np.arange(n_items))
        self._weights_of = csr_matrix((np.ones(n_items), where), shape=(n_classes**2, n_items))
        self._classes = tuple(classes)
        self._n_patients = int(patients.max()) + 1
        self._patients_of = np.array([len(np.unique(patients[column == 1])) for column in labels.T])
        self._of_another = self._n_patients - int(self._patients_of.max())
        (self._plain,) = self._matrices(np.ones((n_items, 1)))
        self._figures = agreement_figures(self._classes)
        self._columns = {name: each.columns(self._plain, self._classes) for name, each in self._figures.items()}
        self._drawn: dict[str, list[np.ndarray]] = {name: [] for name in self._figures}

    def add(self, weights: np.ndarray) -> None:
        """Takes a block of resamples; ``weights`` are ``(items, resamples)``."""
        at_once = max(1, _MATRICES_BYTES // (8 * len(self._classes) ** 2))
        for first in range(0, weights.shape[1], at_once):
            matrices = self._matrices(weights[:, first : first + at_once])
            for name, figure in self._figures.items():
                self._drawn[name].append(figure.parts(matrices, self._columns[name]))

    def intervals(self) -> AgreementIntervals:
        """The interval of every figure, or why it has none."""
        found, draws, values = RowIntervals(), [], {}
        for name, figure in self._figures.items():
            columns, drawn = self._columns[name], np.concatenate(self._drawn[name])
            parts = figure.parts(self._plain, columns)
            draws.append(drawn.mean(-1))
            values[name] = float(parts.mean())
            reason = self._reason(figure, parts, drawn, columns)
            if reason:
                found.withheld[name] = reason
            else:
                found.spans[name] = self._span(figure, parts, drawn, columns)
        return AgreementIntervals(found, np.stack(draws, -1), values)

    def _matrices(self, weights: np.ndarray) -> np.ndarray:
        """The confusion matrix of each weighting; ``(weightings, classes, classes)``."""
        n = len(self._classes)
        values: np.ndarray = (self._weights_of @ weights).T.reshape(-1, n, n)
        return values

    def _behind(self, figure: AgreementFigure, columns: Sequence[int]) -> int:
        return int(self._patients_of[list(columns)].min()) if figure.is_mean else self._of_another

    def _reason(
        self, figure: AgreementFigure, parts: np.ndarray, drawn: np.ndarray, columns: Sequence[int]
    ) -> str | None:
        """Why a figure has no interval, None if it has one."""
        n = self._behind(figure, columns)
        if n < figure.fewest:
            which = "in one of its classes" if figure.is_mean else "without the commonest class"
            return f"{n} patients {which}, fewer than {figure.fewest}"
        if np.isnan(drawn).any() or not (figure.lowest <= parts).all() or not (parts <= 1).all():
            return f"it is not from {figure.lowest:g} to 1 in every resample"
        return None

    def _span(self, figure: AgreementFigure, parts: np.ndarray, drawn: np.ndarray, columns: Sequence[int]) -> Span:
        behind = self._patients_of[list(columns)].tolist() if figure.is_mean else [self._n_patients]
        spans = [
            stretched_wilson(float(value), float(sampled.var(ddof=1)), figure.lowest, n)
            for value, sampled, n in zip(parts, drawn.T, behind, strict=True)
        ]
        return spans[0] if len(spans) == 1 else mean_of_several(parts, np.array(spans), drawn)


def agreement_by_resamples(agreed: AgreementIntervals, left_out: np.ndarray | None) -> AgreementIntervals:
    """The same figures with intervals that are percentiles of their resamples.

    Args:
        agreed: the figures.
        left_out: these of each replicate of a jackknife, for BCa; None for plain percentiles.

    Shape:
        ``(replicates, figures)``.
    """
    values = np.array(list(agreed.values.values()))
    found = by_resamples(agreed.found, list(agreed.values), values, agreed.draws, left_out)
    return AgreementIntervals(found, agreed.draws, agreed.values)
