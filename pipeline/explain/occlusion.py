"""What a score loses when a part of the trace is replaced by a straight line: for every run, whatever it sees."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.explain.explanation import Explanation
from pipeline.explain.subject import Subject, of_file, of_record
from pipeline.listening import progress_bar
from pipeline.machine.devices import choose_device
from pipeline.runs.build import Run
from pipeline.runs.load import load_run
from pipeline.scoring.asking import ask
from pipeline.scoring.needs import Needs
from pipeline.sources.formats.opened import Said

WINDOW_S = 0.12  # about a QRS complex; windows overlap by a half
_AT_ONCE = 64  # recordings
_MOST = 20_000  # windows of all leads: ten minutes for a network that answers 30 recordings a second
_LEAST = 3  # samples, of which a line through the ends changes one
_SURE = 1e-7  # probabilities are no nearer to 0 and 1, where log-odds have no number


def explain(
    run: Run | Path | str,
    recording: Path | str,
    class_name: str | None = None,
    *,
    partition: str | None = None,
    data: Path | None = None,
    window_s: float = WINDOW_S,
    said: Said | None = None,
    progress: str | None = None,
) -> Explanation:
    """Which samples of which lead moved the score of a class.

    Each window of each lead is replaced by the line through its first and last sample, and the run, of whatever kind,
    is asked again: signals are cut and images are drawn anew. A part that several leads show may matter although none
    does alone: for these ``moments`` have it replaced in all leads together.

    Args:
        run: a finished run, or its folder.
        recording: a file of any format; with ``partition`` the id of a record or item of the run's stores.
        class_name: one of the run's; None for the most probable.
        partition: ``train``, ``dev`` or ``test``; None where ``recording`` is a file.
        data: folder of the stores; None for those of the training.
        window_s: what is replaced at once.
        said: what the file does not say itself.
        progress: the name of a bar, None for no bar.

    Raises:
        EcgFusionError: the run or recording is missing or damaged, or the class or window is none of it.

    Reference:
        Zeiler and Fergus, Visualizing and understanding convolutional networks, ECCV 2014, on images.
    """
    loaded = load_run(run) if isinstance(run, str | Path) else run
    needs = Needs.of(loaded)
    if class_name is not None and class_name not in loaded.card.classes:
        raise EcgFusionError(
            f"{loaded.folder} has no class {class_name}: choose one of {', '.join(loaded.card.classes)}"
        )
    if partition is None:
        subject = of_file(needs, str(recording), said or Said(zero_is_no_checksum=True, rate_option="-sampling_rate"))
    else:
        subject = of_record(needs, str(recording), partition, data)
    signal, rate = subject.prepared.signal, needs.recipe.sampling_rate
    width = round(window_s * rate)
    if not _LEAST <= width <= signal.shape[1]:
        raise EcgFusionError(f"a window of {window_s:g} s is none of {signal.shape[1] / rate:g} s at {rate:g} Hz")
    n_windows = (len(signal) + 1) * len(windows_of(signal.shape[1], width))
    if n_windows > _MOST:
        raise EcgFusionError(
            f"{subject.name} has {n_windows:,} windows of {window_s:g} s to ask of, more than {_MOST:,}: give a "
            f"shorter recording or a longer window"
        )
    (first,) = _probabilities(needs, subject, iter([signal]))
    number = int(first.argmax()) if class_name is None else loaded.card.classes.index(class_name)
    values, moments = _changes(needs, subject, width, number, log_odds(first[number]), progress)
    return Explanation(
        file=subject.name,
        record_id=subject.record_id,
        run=str(loaded.folder),
        class_name=loaded.card.classes[number],
        probability=float(first[number]),
        window_s=width / rate,
        signal=signal,
        leads=subject.prepared.leads,
        sampling_rate=rate,
        values=values,
        moments=moments,
        remarks=subject.prepared.remarks,
    )


def log_odds(probability: float | np.ndarray) -> np.ndarray:
    """The logarithm of p / (1 - p), of single precision's probabilities; finite."""
    p = np.clip(np.asarray(probability, np.float64), _SURE, 1 - _SURE)
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
    said = _probabilities(needs, subject, changed)
    with progress_bar(total=len(todo), name=progress, unit="windows", disable=progress is None) as bar:
        for (row, _, first, last), found in zip(todo, said, strict=True):
            total[row, first:last] += before - log_odds(found[number])
            bar.update()
    mean = total / n_windows
    return mean[:n_leads], mean[n_leads]


def _probabilities(needs: Needs, subject: Subject, signals: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """What the run says of each of some signals, (classes,)."""
    device = choose_device(None)
    while some := list(islice(signals, _AT_ONCE)):
        for reply in ask(needs, [subject.with_signal(signal) for signal in some], device):
            yield reply.record
