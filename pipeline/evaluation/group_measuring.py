"""The tables of groups of items, all on the same resamples of patients."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pipeline.evaluation.bca import left_out_weights
from pipeline.evaluation.differences import Sampled
from pipeline.evaluation.grouping import Grouping
from pipeline.evaluation.intervals import Resampling, numbered
from pipeline.evaluation.proportions import Span
from pipeline.evaluation.resampled_intervals import CI, by_resamples
from pipeline.evaluation.resampling import Judged, Resampler, Rows, TableMeasurer, columns
from pipeline.evaluation.row_intervals import RowIntervals, mean_intervals, mean_of_one, row_intervals, support_of
from pipeline.evaluation.scores import Scores
from pipeline.evaluation.thresholds import Thresholds, decisions

FEWEST_PATIENTS = 10
"""A class of a group needs as many patients with it, and without it, to have intervals and a part in gaps."""


@dataclass(frozen=True, eq=False)
class MeasuredGroup:
    """The table of a group: a row a class, then the mean over the classes that all large enough groups share.

    Attributes:
        n_items: How many items are in it.
        n_patients: Of how many patients.
        values: The table.
        kept: Whether enough patients stand behind a row.
        draws: The table of each resample; no resample where nothing was drawn.
        left_out: That of each replicate of a jackknife, for BCa; None for no such.
        spans: The intervals of each row, none where it is not kept.

    Shape:
        ``values`` is ``(rows, columns)``, ``kept`` ``(rows,)`` and ``draws`` ``(resamples, rows, columns)``.
    """

    n_items: int
    n_patients: int
    values: np.ndarray
    kept: np.ndarray
    draws: np.ndarray
    left_out: np.ndarray | None
    spans: list[dict[str, Span]]

    def sampled(self, row: int, column: int) -> Sampled:
        """One figure and its resamples."""
        left_out = None if self.left_out is None else self.left_out[:, row, column]
        return Sampled(self.values[row, column], self.draws[:, row, column], left_out)


def measured_groups(
    scores: Scores, thresholds: Thresholds | None, grouping: Grouping, resampling: Resampling | None
) -> list[MeasuredGroup]:
    """The table of every group, and its resamples.

    Args:
        scores: What is judged.
        thresholds: Those of the whole; None where the highest score wins.
        grouping: Which group each item is in; none is empty.
        resampling: How to draw, or None for nothing.
    """
    patients, _ = numbered(scores.item_id, scores.patient_id)
    items = [np.flatnonzero(grouping.of_item == i) for i in range(len(grouping.groups))]
    found = decisions(scores, thresholds)
    judged = [Judged(scores.labels[rows], scores.scores[rows], found[rows]) for rows in items]
    of_groups = [_kept(each, patients[rows]) for each, rows in zip(judged, items, strict=True)]
    kept: np.ndarray = np.array(of_groups)  # (groups, classes)
    is_large = np.array([each.any() for each in kept])
    common = np.array([bool(is_large.any() and each[is_large].all()) for each in kept.T])
    measurers = [TableMeasurer(each, common) for each in judged]
    plain = _measured(measurers, items, [np.ones((len(patients), 1))])
    draws, left_out = _sampled(measurers, items, scores.labels, kept, patients, resampling)
    groups = []
    for i, (each, rows) in enumerate(zip(judged, items, strict=True)):
        of_macro = bool(common.any() and is_large[i])
        own = MeasuredGroup(
            len(rows),
            len(np.unique(patients[rows])),
            plain[i][0],
            np.append(kept[i], of_macro),
            draws[i],
            left_out[i] if left_out else None,
            [{} for _ in range(len(scores.classes) + 1)],
        )
        if resampling:
            _add_spans(own, each, patients[rows], common, resampling.ci)
        groups.append(own)
    return groups


def _kept(judged: Judged, patients: np.ndarray) -> list[bool]:
    """The classes with enough patients on both sides."""
    true = np.asarray(judged.labels, bool)
    numbers = [[len(np.unique(patients[side])) for side in (column, ~column)] for column in true.T]
    return [min(both) >= FEWEST_PATIENTS for both in numbers]


def _measured(
    measurers: list[TableMeasurer], items: list[np.ndarray], blocks: Iterable[np.ndarray]
) -> list[np.ndarray]:
    """Of each group the tables under all weightings of all items: the classes, then the mean."""
    found: list[list[np.ndarray]] = [[] for _ in items]
    for weights in blocks:
        for own, rows, measurer in zip(found, items, measurers, strict=True):
            tables = measurer.measure(weights[rows])
            own.append(np.delete(tables, -2, axis=1))  # the pooled row has no part here
    return [np.concatenate(own) for own in found]


def _sampled(
    measurers: list[TableMeasurer],
    items: list[np.ndarray],
    labels: np.ndarray,
    kept: np.ndarray,
    patients: np.ndarray,
    resampling: Resampling | None,
) -> tuple[list[np.ndarray], list[np.ndarray] | None]:
    """The tables of resamples, in each of which every kept class of every group has both sides; and of a jackknife."""
    if resampling is None:
        return [np.empty((0, kept.shape[1] + 1, len(columns())))] * len(items), None
    sides = np.zeros((2, len(patients), int(kept.sum())))
    for place, (i, j) in enumerate(np.argwhere(kept)):
        own = np.asarray(labels[items[i], j], bool)
        sides[0, items[i], place], sides[1, items[i], place] = own, ~own
    none = np.zeros(sides.shape[2], bool)
    resampler = Resampler(patients, Rows(sides, none, none), resampling.seed)
    draws = _measured(measurers, items, resampler.blocks(resampling.n))
    left_out = left_out_weights(patients, resampling.seed) if resampling.ci == "bca" else None
    return draws, _measured(measurers, items, left_out) if left_out else None


def _add_spans(group: MeasuredGroup, judged: Judged, patients: np.ndarray, common: np.ndarray, ci: str) -> None:
    """The intervals of the rows that are kept."""
    _, numbers = np.unique(patients, return_inverse=True)
    true, found = np.asarray(judged.labels, bool), judged.found
    behind = [support_of(true[:, [j]], found[:, [j]], numbers) for j in range(true.shape[1])]
    rows = [
        row_intervals(group.values[j], group.draws[:, j], each) if group.kept[j] else RowIntervals()
        for j, each in enumerate(behind)
    ]
    of_macro = [j for j in np.flatnonzero(common) if group.kept[-1]]
    if len(of_macro) == 1:
        rows.append(mean_of_one(rows[of_macro[0]]))
    elif of_macro:
        rows.append(mean_intervals(group.values[-1], group.draws[:, -1], [behind[j] for j in of_macro]))
    for j, row in enumerate(rows):
        left_out = None if group.left_out is None else group.left_out[:, j]
        shown = row if ci == CI[0] else by_resamples(row, columns(), group.values[j], group.draws[:, j], left_out)
        group.spans[j].update(shown.spans)
