"""Limb leads out of two others: all six are views of one vector in the frontal plane.

Reference: Einthoven, Fahr and de Waart, Pflügers Archiv 150 (1913), II = I + III; Goldberger, Am Heart J 23 (1942),
aVR = -(I + II) / 2, aVL = I - II / 2, aVF = II - I / 2.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from pipeline.signals.leads import LEADS

LIMB_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF")
_HALF = Fraction(1, 2)
_OF_I_AND_II = {
    "I": (Fraction(1), Fraction(0)),
    "II": (Fraction(0), Fraction(1)),
    "III": (Fraction(-1), Fraction(1)),
    "aVR": (-_HALF, -_HALF),
    "aVL": (Fraction(1), -_HALF),
    "aVF": (-_HALF, Fraction(1)),
}


def derivable(leads: Sequence[str]) -> tuple[str, ...]:
    """The limb leads that are not there and that two others of them give; none where fewer than two are there.

    >>> derivable(["II", "aVL", "V1"])
    ('I', 'III', 'aVR', 'aVF')
    """
    if len(_basis(leads)) < 2:
        return ()
    return tuple(lead for lead in LIMB_LEADS if lead not in leads)


def with_limb_leads(
    signal: np.ndarray, leads: Sequence[str], wanted: Sequence[str]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The signal with the wanted limb leads that it lacks, where two others give them.

    They stand behind the leads that are there, in the order of ``wanted``; a wanted lead that cannot be computed is
    not added. They are computed of the first two limb leads that are there, in the order I, II, III, aVR, aVL, aVF.

    Args:
        signal: in any unit of voltage.
        leads: canonical names of its leads.
        wanted: canonical names, limb leads or not, there or not.

    Returns:
        The signal, the same array where nothing is added, and the names of its leads.

    Shape:
        (..., leads, time) → (..., leads + added, time).
    """
    possible = derivable(leads)
    added = tuple(dict.fromkeys(lead for lead in wanted if lead in possible))
    if not added:
        return signal, tuple(leads)
    basis = _basis(leads)
    first, second = (signal[..., list(leads).index(lead), :] for lead in basis)
    rows = [_mixed(first, second, *_weights(lead, *basis)) for lead in added]
    return np.concatenate([signal, np.stack(rows, axis=-2)], axis=-2), (*leads, *added)


def all_twelve(signal: np.ndarray, leads: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """The twelve leads in their usual order, as far as they are there or two limb leads give them; others behind them.

    Shape:
        (leads, time) → (leads + added, time).
    """
    signal, named = with_limb_leads(signal, leads, LEADS)
    order = sorted(range(len(named)), key=lambda place: LEADS.index(named[place]) if named[place] in LEADS else 12)
    return signal[order], tuple(named[place] for place in order)


def _basis(leads: Sequence[str]) -> tuple[str, ...]:
    """The first two limb leads that are there; any two are independent, as no two of the six look the same way."""
    return tuple(lead for lead in LIMB_LEADS if lead in leads)[:2]


def _weights(lead: str, first: str, second: str) -> tuple[float, float]:
    """What a limb lead is in two others, by Cramer's rule; exact, for halves stay halves."""
    (a, c), (b, d), (x, y) = (_OF_I_AND_II[name] for name in (first, second, lead))
    determinant = a * d - b * c
    return float((x * d - b * y) / determinant), float((a * y - x * c) / determinant)


def _mixed(first: np.ndarray, second: np.ndarray, of_first: float, of_second: float) -> np.ndarray:
    mixed: np.ndarray = first * of_first + second * of_second
    return mixed
