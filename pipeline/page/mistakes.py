"""The items that a model was surest of, and wrong: class by class, and the few whose recordings are shown."""

from collections.abc import Mapping
from itertools import chain, zip_longest

import numpy as np

from pipeline.evaluation.scores import Scores
from pipeline.evaluation.threshold_steps import log_odds
from pipeline.evaluation.thresholds import Thresholds, decisions
from pipeline.page.model import Mistake

MOST, MOST_OF_MANY, MANY = 5, 2, 25
"""Of each class and side; where there are very many classes, fewer."""


def mistakes_of(
    scores: Scores, thresholds: Thresholds | None, most: int | None = None
) -> dict[str, tuple[Mistake, ...]]:
    """Class name to what was missed of it, surest first, then to what was taken for it."""
    found = decisions(scores, thresholds)
    most = most or (MOST if len(scores.classes) <= MANY else MOST_OF_MANY)
    names = np.array(scores.classes, dtype=object)
    of_classes = {}
    for i, name in enumerate(scores.classes):
        threshold = thresholds.values[name] if thresholds else None
        rows: list[tuple[int, bool]] = []
        for is_missed in (True, False):
            wrong = np.flatnonzero((scores.labels[:, i] == is_missed) & (found[:, i] != is_missed))
            order = np.argsort(scores.scores[wrong, i] * (1 if is_missed else -1), kind="stable")
            rows += [(int(row), is_missed) for row in wrong[order[:most]]]
        of_classes[name] = tuple(
            Mistake(
                row,
                str(scores.item_id[row]),
                name,
                is_missed,
                float(scores.scores[row, i]),
                threshold,
                tuple(names[scores.labels[row] == 1]),
                tuple(names[found[row]]),
            )
            for row, is_missed in rows
        )
    return of_classes


def worst_of(mistakes: Mapping[str, tuple[Mistake, ...]], n: int) -> list[Mistake]:
    """So many of them, no item twice: the surest of each class and side in turn."""
    sides = [
        sorted((each for each in of_class if each.is_missed == is_missed), key=_sureness, reverse=True)
        for of_class in mistakes.values()
        for is_missed in (True, False)
    ]
    chosen: dict[int, Mistake] = {}
    for turn in zip_longest(*sides):
        for each in sorted(filter(None, chain(turn)), key=_sureness, reverse=True):
            if len(chosen) < n and each.row not in chosen:
                chosen[each.row] = each
    return list(chosen.values())


def _sureness(mistake: Mistake) -> float:
    """How far the score lies on the wrong side, in log-odds."""
    limit = 0.5 if mistake.threshold is None else mistake.threshold
    return float(abs(log_odds(mistake.score) - log_odds(limit)))
