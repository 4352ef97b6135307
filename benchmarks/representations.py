"""How much faster pictures are made here than by pyts, and the spectrogram than by scipy, on one thread.

Simulated records of three leads, ten seconds at 100 Hz, become pictures of 256 × 256 bytes: ours for all records in one
call into memory that is used again, as create_images.py draws them, the rivals' for all at once or record by record,
whichever is faster for them. All take turns, times are medians for a record, and pictures that are more than one grey
level apart end the benchmark. The copy is of as many bytes as the record's pictures have, from a source that no cache
holds.

    python -m benchmarks.representations
"""

import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from benchmarks.ratio import Row, medians
from pipeline.commands.parser import CommandParser, positive_int, run_command

SIZE, SAMPLING_RATE = 256, 100.0
THREE_FORMS = ("gaf", "mtf", "rp")
SOURCE_BYTES = 512 * 2**20
Draw = Callable[[np.ndarray], np.ndarray]


def main(words: Sequence[str] | None = None) -> None:
    """Times all in turn and prints a line for each claim."""
    parser = CommandParser(prog="python -m benchmarks.representations", description=__doc__)
    parser.option("records", type=positive_int, default=8, help="drawn in one call (default %(default)s)")
    parser.option("turns", type=positive_int, default=15, help="default %(default)s")
    options = parser.parse_args(words)
    for row in measure(options.records, options.turns):
        print(row, flush=True)


def measure(n_records: int = 8, turns: int = 15) -> list[Row]:
    """The claims of the image forms, measured."""
    import torch

    torch.set_num_threads(1)
    x = simulated_records(n_records)
    rivals: dict[str, Draw] = {**pyts_forms(), "stft": short_time_fft(x.shape[-1])}
    for form, rival in rivals.items():
        _require_agreement(form, ours((form,), len(x))(x)[:, :, 0], rival(x.reshape(-1, x.shape[-1])))
    n_bytes = len(THREE_FORMS) * x.shape[1] * SIZE**2
    three = ours(THREE_FORMS, n_records)
    runs: dict[str, Callable[[], object]] = {
        "three": partial(three, x),
        "one record": partial(three, x[:1]),
        "copy": copies(n_bytes, n_records),
    }
    for form, rival in rivals.items():
        runs[f"our {form}"] = partial(ours((form,), n_records), x)
        runs[f"their {form}, all"] = partial(rival, x.reshape(-1, x.shape[-1]))
        runs[f"their {form}, each"] = partial(_one_by_one, rival, x)
    found = medians(runs, turns, calls=3)
    each = {name: seconds if name == "one record" else seconds / n_records for name, seconds in found.items()}
    theirs = {form: min(each[f"their {form}, all"], each[f"their {form}, each"]) for form in rivals}
    pyts = sum(theirs[form] for form in THREE_FORMS)
    return [
        Row("GAF, MTF and RP against pyts", each["three"], pyts, 25),
        Row("GAF, MTF and RP of a record alone against pyts", each["one record"], pyts, 25),
        Row("GAF, MTF and RP against a copy of as many bytes", each["three"], each["copy"], 1 / 4),
        Row("MTF against pyts", each["our mtf"], theirs["mtf"], 50),
        Row("STFT against scipy.signal.ShortTimeFFT", each["our stft"], theirs["stft"], 3),
    ]


def simulated_records(n_records: int) -> np.ndarray:
    """Filtered and rounded as create_images.py does: (records, 3, 1000), in mV."""
    from pipeline.signals.counts import to_counts, to_millivolts
    from pipeline.signals.filters import band_pass
    from pipeline.sources.simulation.heart import draw_electrodes, draw_heart, simulate

    records = []
    for seed in range(n_records):
        rng = np.random.default_rng(seed)
        signal = simulate(draw_heart(rng), draw_electrodes(rng), rng, round(SAMPLING_RATE))[[0, 1, 7]]
        records.append(to_millivolts(to_counts(band_pass(signal, SAMPLING_RATE, (0.5, 40.0)), 1000.0), 1000.0))
    return np.stack(records)


def ours(forms: tuple[str, ...], n_records: int) -> Draw:
    """(records, 3, time) of up to ``n_records`` to (records, 3, forms, size, size), in the same memory each time."""
    import torch

    from pipeline.representations import ImageRecipe, draw_images

    recipe = ImageRecipe(forms, SIZE)
    out = torch.from_numpy(np.empty((n_records, 3, len(forms), SIZE, SIZE), np.uint8))
    return lambda x: draw_images(torch.from_numpy(x), SAMPLING_RATE, recipe, out[: len(x)], known_finite=True).numpy()


def pyts_forms() -> dict[str, Draw]:
    """The same three forms by pyts: (leads, time) to (leads, size, size)."""
    from pipeline.representations.references import import_pyts

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        images, approximation = import_pyts("image"), import_pyts("approximation")
    means = approximation.PiecewiseAggregateApproximation(window_size=None, output_size=SIZE, overlapping=False)

    def rp(x: np.ndarray) -> np.ndarray:
        scaled = means.transform(x).clip(-1, 1) / 2 + 0.5  # scale 'fixed', ±1 mV
        drawn: np.ndarray = images.RecurrencePlot().transform(scaled)
        return drawn

    return {
        "gaf": lambda x: to_bytes(images.GramianAngularField(SIZE).transform(x), -1.0, 1.0),
        "mtf": lambda x: to_bytes(images.MarkovTransitionField(SIZE, n_bins=10).transform(x), 0.0, 1.0),
        "rp": lambda x: to_bytes(rp(x), 0.0, 1.0),
    }


def short_time_fft(length: int, window: int = 32, hop: int = 4, n_fft: int = 64) -> Draw:
    """The same spectrogram by scipy: (leads, time) to (leads, size, size)."""
    from scipy.signal import ShortTimeFFT, get_window

    hann = get_window("hann", window)
    transform = ShortTimeFFT(hann, hop, SAMPLING_RATE, mfft=n_fft, phase_shift=None)
    n_windows = (length - 1) // hop + 1
    centre = np.arange(SIZE) + 0.5
    columns = _triangles((centre * length / SIZE - 0.5) / hop, length / SIZE / hop, n_windows).T.copy()
    rows = _triangles(centre[::-1] * n_fft / 2 / SIZE, n_fft / 2 / SIZE, n_fft // 2 + 1)
    one_sided = np.full((n_fft // 2 + 1, 1), 2.0)
    one_sided[[0, -1]] = 1.0

    def draw(x: np.ndarray) -> np.ndarray:
        centred = x - x.mean(axis=-1, keepdims=True)
        power = transform.spectrogram(centred, p0=0, p1=n_windows, padding="even") * (one_sided / hann.sum() ** 2)
        return to_bytes(10 * np.log10(np.maximum(rows @ (power @ columns), 1e-12)), -80.0, 0.0)

    return draw


def to_bytes(drawn: np.ndarray, low: float, high: float) -> np.ndarray:
    """Grey levels as a numpy user writes them."""
    found: np.ndarray = np.rint(((drawn - low) / (high - low) * 255).clip(0, 255)).astype(np.uint8)
    return found


def copies(n_bytes: int, n: int) -> Callable[[], None]:
    """Copies n · n_bytes, each time of another part of a source larger than the cache."""
    source = np.random.default_rng(0).integers(0, 256, SOURCE_BYTES, dtype=np.uint8)
    target = np.empty(n * n_bytes, np.uint8)
    starts = iter(range(10**9))

    def copy() -> None:
        start = next(starts) * 3 * len(target) % (len(source) - len(target))
        np.copyto(target, source[start : start + len(target)])

    return copy


def _one_by_one(draw: Draw, records: np.ndarray) -> list[np.ndarray]:
    return [draw(record) for record in records]


def _triangles(position: np.ndarray, spacing: float, n: int) -> np.ndarray:
    away = np.abs(position.clip(0, n - 1)[:, None] - np.arange(n))
    weights = np.maximum(1 - away / max(1.0, spacing), 0)
    found: np.ndarray = weights / weights.sum(axis=1, keepdims=True)
    return found


def _require_agreement(form: str, mine: np.ndarray, theirs: np.ndarray) -> None:
    apart = np.abs(mine.reshape(theirs.shape).astype(int) - theirs).max()
    if apart > 1:
        sys.exit(f"{form}: the pictures are {apart} grey levels apart, so their times cannot be compared")


if __name__ == "__main__":
    run_command(main)
