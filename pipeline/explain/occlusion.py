"""What a score loses when a part of the trace is replaced by a straight line: for every run, whatever it sees."""

from collections.abc import Iterator
from itertools import islice

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.explain.path import SURE
from pipeline.explain.subject import Subject
from pipeline.listening import progress_bar
from pipeline.machine.devices import choose_device
from pipeline.scoring.asking import ask
from pipeline.scoring.needs import Needs

_AT_ONCE = 64  # recordings
_MOST = 20_000  # windows of all leads: ten minutes for a network that answers 30 recordings a second
_LEAST = 3  # samples, of which a line through the ends changes one


def occlude(
    needs: Needs, subject: Subject, number: int, width: int, progress: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Of each sample the mean fall of the log-odds over its windows, each replaced by the line through its ends.

    The run, of whatever kind, is asked again of each: signals are cut and images are drawn anew. A part that several
    leads show may matter although none does alone: for these, windows are replaced in all leads together, too.

    Args:
        needs: of the run.
        subject: the recording.
        number: of the class.
        width: samples of a window.
        progress: the name of a bar, None for no bar.

    Shape:
        (leads, time) by lead, and (time,) in all together.

    Raises:
        EcgFusionError: no window is that long, or there are too many to ask of.

    Reference:
        Zeiler and Fergus, Visualizing and understanding convolutional networks, ECCV 2014, on images.
    """
    signal, rate = subject.prepared.signal, needs.recipe.sampling_rate
    if not _LEAST <= width <= signal.shape[1]:
        raise EcgFusionError(f"a window of {width / rate:g} s is none of {signal.shape[1] / rate:g} s at {rate:g} Hz")
    n_windows = (len(signal) + 1) * len(windows_of(signal.shape[1], width))
    if n_windows > _MOST:
        raise EcgFusionError(
            f"{subject.name} has {n_windows:,} windows of {width / rate:g} s to ask of, more than {_MOST:,}: give a "
            f"shorter recording or a longer window"
        )
    (first,) = probabilities_of(needs, subject, iter([signal]))
    return _changes(needs, subject, width, number, log_odds(first[number]), progress)


def log_odds(probability: float | np.ndarray) -> np.ndarray:
    """The logarithm of p / (1 - p), of single precision's probabilities; finite."""
    p = np.clip(np.asarray(probability, np.float64), SURE, 1 - SURE)
    return np.log(p) - np.log1p(-p)


def straight(signal: np.ndarray, leads: slice, first: int, last: int) -> np.ndarray:
    """A copy in which samples from ``first`` up to ``last`` lie on the line through the first and last of them.

    Shape:
        signal (leads, time) to the same.
    """
    changed, part = signal.copy(), np.linspace(0.0, 1.0, last - first)
    begin, end = signal[leads, first, None], signal[leads, last - 1, None]
    changed[leads, first:last] = begin + (end - begin) * part
    return changed


def windows_of(n_samples: int, width: int) -> list[tuple[int, int]]:
    """First sample and last + 1 of windows that overlap by a half and reach both ends."""
    step = max(1, width // 2)
    starts = [*range(0, n_samples - width, step), n_samples - width]
    return [(start, start + width) for start in starts]


def _changes(
    needs: Needs, subject: Subject, width: int, number: int, before: np.ndarray, progress: str | None
) -> tuple[np.ndarray, np.ndarray]:
    """Of each sample the mean fall of the log-odds over its windows: (leads, time) by lead, (time,) in all together."""
    signal = subject.prepared.signal
    n_leads, n_samples = signal.shape
    windows = windows_of(n_samples, width)
    rows = [slice(lead, lead + 1) for lead in range(n_leads)] + [slice(None)]
    todo = [(row, leads, *window) for row, leads in enumerate(rows) for window in windows]
    changed = (straight(signal, leads, first, last) for _, leads, first, last in todo)
    total, n_windows = np.zeros((n_leads + 1, n_samples)), np.zeros(n_samples)
    for first, last in windows:
        n_windows[first:last] += 1
    said = probabilities_of(needs, subject, changed)
    with progress_bar(total=len(todo), name=progress, unit="windows", disable=progress is None) as bar:
        for (row, _, first, last), found in zip(todo, said, strict=True):
            total[row, first:last] += before - log_odds(found[number])
            bar.update()
    mean = total / n_windows
    return mean[:n_leads], mean[n_leads]


def probabilities_of(needs: Needs, subject: Subject, signals: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """What the run says of each of some signals, (classes,)."""
    device = choose_device(None)
    while some := list(islice(signals, _AT_ONCE)):
        for reply in ask(needs, [subject.with_signal(signal) for signal in some], device):
            yield reply.record
