"""Voltages of a median beat by which ventricles are called large, small or turned, as physicians add them up."""

from collections.abc import Sequence

import numpy as np

from pipeline.signals.leads import LEADS

VOLTAGES = (
    "Sokolow-Lyon",
    "Cornell",
    "R aVL",
    "Gubner",
    "Lewis",
    "Peguero",
    "R V1",
    "R V1 and S V5 or V6",
    "largest limb QRS",
    "largest chest QRS",
    "net QRS I",
    "net QRS aVF",
)
"""What ``voltages`` gives, in its order."""

_QRS_S = (0.07, 0.11)  # before and after the R peak, within which R and S are looked for
_LEVEL_S = (0.11, 0.07)  # before it, whose median is the level that they are measured from: the PQ segment


def voltages(beat: np.ndarray, leads: Sequence[str], sampling_rate: float, before_s: float) -> np.ndarray:
    """Voltages of a beat, mV; NaN where a lead that one needs is not there.

    R is how far a lead rises above its level before the QRS complex, within 70 ms before and 110 ms after the R peak,
    and S how far it falls below, wherever it does (so a QS or a deep Q counts as S); each is 0 at the least.

    - Sokolow–Lyon: S of V1 and the larger R of V5 and V6; Cornell: R of aVL and S of V3; R of aVL; Gubner–Ungerleider:
      R of I and S of III; Lewis: (R of I and S of III) less (S of I and R of III); Peguero–Lo Presti: the deepest S of
      any lead, and S of V4. These tell a large left ventricle.
    - R of V1, and the same with the larger S of V5 and V6: a large right ventricle.
    - The largest R and S together of a limb lead, and of a chest lead: low voltage, below 0.5 and 1 mV.
    - R less S of I and of aVF, whose signs are the quadrant of the axis.

    Args:
        beat: a median beat, mV.
        leads: canonical names of its leads.
        sampling_rate: Hz.
        before_s: where its R peak is, s after its first sample.

    Shape:
        beat (leads, time) to (12,), in the order of ``VOLTAGES``.

    Reference:
        Hancock et al., AHA/ACCF/HRS Recommendations for the Standardization and Interpretation of the
        Electrocardiogram, part V, Circulation 2009; Surawicz et al., part III, 2009; Peguero et al., JACC 2017.
    """
    peak = round(before_s * sampling_rate)
    first, end = (round(s * sampling_rate) for s in _QRS_S)
    earliest, latest = (max(0, peak - round(s * sampling_rate)) for s in _LEVEL_S)
    r, s = np.full((2, len(LEADS)), np.nan)
    places = [LEADS.index(lead) for lead in leads if lead in LEADS]
    seen = np.asarray(beat, np.float64)[[lead in LEADS for lead in leads]]
    if seen.size:
        level = np.median(seen[:, earliest : max(latest, earliest + 1)], axis=1, keepdims=True)
        qrs = seen[:, max(0, peak - first) : peak + end + 1] - level
        r[places], s[places] = qrs.max(1).clip(0), (-qrs.min(1)).clip(0)
    (r1, _, r3, _, r_avl, r_avf), (s1, _, s3, _, _, s_avf) = r[:6], s[:6]
    (r_v1, *_, r_v5, r_v6), (s_v1, _, s_v3, s_v4, s_v5, s_v6) = r[6:], s[6:]
    both = r + s
    return np.array(
        [
            s_v1 + np.maximum(r_v5, r_v6),
            r_avl + s_v3,
            r_avl,
            r1 + s3,
            (r1 + s3) - (s1 + r3),
            s.max() + s_v4,
            r_v1,
            r_v1 + np.maximum(s_v5, s_v6),
            both[:6].max(),
            both[6:].max(),
            r1 - s1,
            r_avf - s_avf,
        ]
    )
