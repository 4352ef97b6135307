"""Figures of groups of items, such as ages, at the thresholds of the whole, and how far the groups are apart."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.evaluation.differences import Sampled
from pipeline.evaluation.group_measuring import MeasuredGroup, measured_groups
from pipeline.evaluation.grouping import Grouping
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.paired import paired_interval
from pipeline.evaluation.proportions import Span
from pipeline.evaluation.resampling import CELLS, columns
from pipeline.evaluation.scores import Scores
from pipeline.evaluation.thresholds import Thresholds

FIGURES = ("sensitivity", "specificity", "auroc")
"""What is told of every group and class, beside counts and prevalence."""

MACRO = ""
"""Stands for the mean over the classes that every large enough group has patients of; no class can be called so."""


@dataclass(frozen=True)
class GroupRow:
    """A class of a group, or the mean over classes.

    Attributes:
        figures: ``FIGURES`` to value, NaN where it is 0/0.
        counts: ``TP``, ``FN``, ``FP`` and ``TN``; None for a mean.
        spans: Figure to its interval; none of a class with few patients.
    """

    figures: dict[str, float]
    counts: dict[str, int] | None = None
    spans: dict[str, Span] = field(default_factory=dict)

    @property
    def prevalence(self) -> float:
        """The share of the group's items that bear the class; NaN for a mean."""
        if self.counts is None:
            return math.nan
        return (self.counts["TP"] + self.counts["FN"]) / max(1, sum(self.counts.values()))

    def as_json(self) -> dict[str, Any]:
        """All of it, unrounded; None for NaN."""
        figures = {name: None if math.isnan(value) else value for name, value in self.figures.items()}
        prevalence = {} if self.counts is None else {"prevalence": self.prevalence}
        return (self.counts or {}) | prevalence | figures | {"intervals": {k: list(v) for k, v in self.spans.items()}}


@dataclass(frozen=True)
class Group:
    """One group.

    Attributes:
        name: As the column has it.
        n_items: How many items are in it.
        n_patients: Of how many patients.
        rows: Class, or ``MACRO``, to figures.
    """

    name: str
    n_items: int
    n_patients: int
    rows: dict[str, GroupRow]


@dataclass(frozen=True)
class Gap:
    """The two groups that are furthest apart in a figure.

    Attributes:
        highest: The group that has most.
        lowest: The group that has least.
        value: How far they are apart, 0 or more.
        span: Its interval over resamples of patients, widened for all pairs of groups that it was picked from; NaN
            where nothing was resampled.
    """

    highest: str
    lowest: str
    value: float
    span: Span

    @property
    def is_within_noise(self) -> bool:
        """Whether other patients might well have turned it round."""
        return not self.span[0] > 0


@dataclass(frozen=True)
class Subgroups:
    """The groups of one column.

    Attributes:
        column: What the groups are of.
        source: Where it comes from.
        how: ``bands``, ``quartiles`` or ``values``.
        groups: In order.
        gaps: Class, or ``MACRO``, to figure to the largest gap, where two groups or more have it.
        n_unknown: Items whose group is not known, in none of the groups.
        small: Group to classes of which it has fewer than ``FEWEST_PATIENTS`` patients on either side.
        n_resamples: Of patients; 0 for none.
    """

    column: str
    source: str
    how: str
    groups: tuple[Group, ...]
    gaps: dict[str, dict[str, Gap]]
    n_unknown: int
    small: dict[str, tuple[str, ...]]
    n_resamples: int

    def as_json(self) -> dict[str, Any]:
        """All of it, unrounded; the mean over classes apart from the classes."""
        return {
            "column": self.column,
            "source": self.source,
            "how": self.how,
            "n_items_unknown": self.n_unknown,
            "groups": [
                {
                    "name": each.name,
                    "n_items": each.n_items,
                    "n_patients": each.n_patients,
                    "classes": {name: row.as_json() for name, row in each.rows.items() if name != MACRO},
                    **({"macro": each.rows[MACRO].as_json()} if MACRO in each.rows else {}),
                    "classes_of_few_patients": list(self.small.get(each.name, ())),
                }
                for each in self.groups
            ],
            "largest_gaps": {
                "correction": "bonferroni, over the pairs of groups that each was picked from",
                "classes": {name: _gaps_as_json(gaps) for name, gaps in self.gaps.items() if name != MACRO},
                **({"macro": _gaps_as_json(self.gaps[MACRO])} if MACRO in self.gaps else {}),
            },
        }


def _gaps_as_json(gaps: Mapping[str, Gap]) -> dict[str, Any]:
    return {
        name: {
            "highest": gap.highest,
            "lowest": gap.lowest,
            "gap": gap.value,
            "interval": None if math.isnan(gap.span[0]) else list(gap.span),
        }
        for name, gap in gaps.items()
    }


def subgroups(
    scores: Scores, thresholds: Thresholds | None, grouping: Grouping, resampling: Resampling | None = None
) -> Subgroups:
    """The figures of every group, at thresholds that no group has chosen, and the largest gaps.

    All groups stand on the same resamples of patients, so that a patient who is in two of them is drawn for both.

    Args:
        scores: What is judged.
        thresholds: Those of the whole; None where the highest score wins.
        grouping: Which group each item is in.
        resampling: How to draw intervals, or None for none.
    """
    measured = measured_groups(scores, thresholds, grouping, resampling)
    names = (*scores.classes, MACRO)
    gaps = {name: found for i, name in enumerate(names) if (found := _gaps(grouping.groups, measured, i))}
    small = {
        name: tuple(np.array(scores.classes)[~each.kept[:-1]].tolist())
        for name, each in zip(grouping.groups, measured, strict=True)
        if not each.kept[:-1].all()
    }
    groups = tuple(
        Group(name, each.n_items, each.n_patients, _rows(names, each))
        for name, each in zip(grouping.groups, measured, strict=True)
    )
    return Subgroups(
        grouping.column,
        grouping.source,
        grouping.how,
        groups,
        gaps,
        int((grouping.of_item < 0).sum()),
        small,
        resampling.n if resampling else 0,
    )


def _rows(names: tuple[str, ...], group: MeasuredGroup) -> dict[str, GroupRow]:
    """Every class, and the mean where the group has one."""
    rows = {}
    for i, name in enumerate(names):
        if name == MACRO and not group.kept[i]:
            continue
        plain = dict(zip(columns(), group.values[i].tolist(), strict=True))
        counts = None if name == MACRO else {cell: int(plain[cell]) for cell in CELLS}
        spans = {figure: group.spans[i][figure] for figure in FIGURES if figure in group.spans[i]}
        rows[name] = GroupRow({figure: plain[figure] for figure in FIGURES}, counts, spans)
    return rows


def _gaps(names: tuple[str, ...], groups: list[MeasuredGroup], row: int) -> dict[str, Gap]:
    """The largest gap of each figure of a row, among the groups with enough patients."""
    found = {}
    for figure in FIGURES:
        column = columns().index(figure)
        there = {
            name: each.sampled(row, column)
            for name, each in zip(names, groups, strict=True)
            if each.kept[row] and not np.isnan(each.values[row, column])
        }
        if len(there) > 1:
            found[figure] = _gap(there)
    return found


def _gap(groups: Mapping[str, Sampled]) -> Gap:
    highest = max(groups, key=lambda name: float(groups[name].values))
    lowest = min(groups, key=lambda name: float(groups[name].values))
    change = groups[highest].minus(groups[lowest])
    n_pairs = len(groups) * (len(groups) - 1) // 2
    span = (math.nan, math.nan)
    if len(change.draws):
        low, high = paired_interval(change.draws, n_pairs, 1.0, change.correction)
        span = (float(low), float(high))
    return Gap(highest, lowest, float(change.values), span)
