"""A share of items and its interval, in which a patient with several items counts as little more than one."""

import numpy as np

from pipeline.evaluation.proportions import Span, effective_number, wilson


def share_span(hits: np.ndarray, patients: np.ndarray | None = None) -> Span:
    """Wilson's interval of a share, for as many cases as the items of these patients are worth.

    The variance is that of a ratio over patients, as resamples of them would have it, without drawing any.

    Args:
        hits: 1 where it holds, else 0; at least one.
        patients: Of each item; None where each is its own.

    Shape:
        ``(items,)`` both.

    Reference:
        Cochran, Sampling Techniques, 1977, section 2.11 (the variance of a ratio).
    """
    share, n = float(np.mean(hits)), len(hits)
    if patients is None:
        return wilson(share, n)
    _, of_patient = np.unique(patients, return_inverse=True)
    residuals = np.bincount(of_patient, hits - share)
    if len(residuals) == n:
        return wilson(share, n)
    worth = effective_number(share, float((residuals**2).sum()) / n**2, len(residuals))
    return wilson(share, min(worth, n))  # nothing makes more of items than they are
