"""How well R peaks are found: against MIT-BIH's annotators, beside the first program's and two detectors of wfdb.

Sensitivity and positive predictivity of each record of MIT-BIH that is there, 150 ms, by wfdb's own comparison, whole
records, without the minutes of ventricular flutter, which have no beats. Ours see all leads, wfdb's the first one. Our
thresholds were chosen on these records (DS1 and the four paced ones), so recordings on which nothing was chosen follow,
of PTB-XL's fold 9 and of CinC 2017: how far our peaks agree with those of wfdb's xqrs. Last, how long an item takes.

    python -m benchmarks.r_peaks -data ~/.cache/ecg-data
    python -m benchmarks.r_peaks -data ~/.cache/ecg-data -records 100    fewer recordings of PTB-XL and CinC 2017
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.ratio import medians
from pipeline.commands.parser import CommandParser, positive_int, run_command
from pipeline.errors import EcgFusionError
from pipeline.signals import beats, beats_of_version_1
from pipeline.signals.peaks import r_peaks

PACED = ("102", "104", "107", "217")
BEATS = list("NLRBAaJSVrFejnE/fQ")
_WITHIN_S = 0.15
Detector = Callable[[np.ndarray, float], np.ndarray]


def main(words: Sequence[str] | None = None) -> None:
    """Prints the table of MIT-BIH, the agreement elsewhere, and the times; what is not there is named and left out."""
    parser = CommandParser(prog="python -m benchmarks.r_peaks", description=__doc__)
    parser.option("data", type=Path, required=True, help="the folder that holds mitdb/, and ptbxl/ and cinc2017/")
    parser.option("records", type=positive_int, default=500, help="of PTB-XL and CinC 2017 (default %(default)s)")
    parser.option("turns", type=positive_int, default=7, help="of the times (default %(default)s)")
    options = parser.parse_args(words)
    names = sorted(path.stem for path in (options.data / "mitdb").glob("*.atr"))
    if not names:
        raise EcgFusionError(f"{options.data} holds no mitdb/*.atr: name the folder that holds mitdb/ with -data")
    for line in of_mitdb(options.data / "mitdb", names):
        print(line, flush=True)
    for name, recordings in (("ptbxl", of_fold_9), ("cinc2017", of_cinc2017)):
        found = list(recordings(options.data / name, options.records))
        absent = f"there is no {options.data / name}"
        print(agreement(f"{name}, {len(found)} recordings", found) if found else absent, flush=True)
    for line in times(options.data / "mitdb" / names[0], options.turns):
        print(line)


def detectors() -> Mapping[str, Detector]:
    """Name to what finds the R peaks of (leads, time) mV."""
    return {"ours": r_peaks, "version 1": first_version, "xqrs": xqrs, "gqrs": gqrs}


def first_version(x: np.ndarray, sampling_rate: float) -> np.ndarray:
    """The R peaks that beat runs of before were trained with."""
    return beats_of_version_1.peaks_of(beats_of_version_1.steepness(x, sampling_rate), sampling_rate)


def xqrs(x: np.ndarray, sampling_rate: float) -> np.ndarray:
    """wfdb's xqrs on the first lead, at 250 Hz or more, below which it loses its way."""
    from scipy.signal import resample_poly
    from wfdb import processing

    up = -(-250 // int(sampling_rate))
    lead = resample_poly(x[0].astype(np.float64), up, 1)
    return np.asarray(processing.xqrs_detect(lead, up * sampling_rate, verbose=False)) // up


def gqrs(x: np.ndarray, sampling_rate: float) -> np.ndarray:
    """wfdb's gqrs on the first lead."""
    from wfdb import processing

    counts = np.round(200 * x[0]).astype(np.int64)
    return np.asarray(processing.gqrs_detect(d_sig=counts, fs=sampling_rate, adc_gain=200, adc_zero=0))


def counts(told: np.ndarray, found: np.ndarray, sampling_rate: float) -> np.ndarray:
    """(3,): true positives, false negatives, false positives, each told beat with one that was found at the most."""
    from wfdb import processing

    if not len(told) or not len(found):
        return np.array([0, len(told), len(found)])
    compared = processing.compare_annotations(told, found, round(_WITHIN_S * sampling_rate))
    return np.array([compared.tp, compared.fn, compared.fp])


def shares(counted: np.ndarray) -> str:
    """Sensitivity and positive predictivity of such counts, %."""
    tp, fn, fp = counted
    return f"{100 * tp / max(tp + fn, 1):6.2f} {100 * tp / max(tp + fp, 1):6.2f}"


def of_mitdb(folder: Path, names: Sequence[str]) -> Iterator[str]:
    """A line for each record and one for each group: beats, and of each detector sensitivity and predictivity."""
    import wfdb

    used = detectors()
    yield "| record | beats | " + " | ".join(f"{name}: Se, PPV, %" for name in used) + " |"
    yield "| --- | ---: |" + " ---: |" * len(used)
    sums: dict[str, dict[str, np.ndarray]] = {}
    for name in names:
        record, notes = wfdb.rdrecord(str(folder / name)), wfdb.rdann(str(folder / name), "atr")
        x, symbols = record.p_signal.T, np.asarray(notes.symbol)
        told = _outside(notes.sample[np.isin(symbols, BEATS)], notes.sample, symbols)
        group = sums.setdefault("paced" if name in PACED else "DS1", {})
        cells = []
        for detector, find in used.items():
            counted = counts(told, _outside(find(x, record.fs), notes.sample, symbols), record.fs)
            group[detector] = group.get(detector, np.zeros(3, np.int64)) + counted
            cells.append(shares(counted))
        yield f"| {name} | {len(told)} | " + " | ".join(cells) + " |"
    for group_name, each in sums.items():
        n_beats = each["ours"][:2].sum()
        yield f"| {group_name} | {n_beats} | " + " | ".join(shares(counted) for counted in each.values()) + " |"


def _outside(places: np.ndarray, samples: np.ndarray, symbols: np.ndarray) -> np.ndarray:
    """Those that lie in no ventricular flutter, which goes from ``[`` to ``]``."""
    flutter = np.zeros(len(places), bool)
    for begin, end in zip(samples[symbols == "["], samples[symbols == "]"], strict=True):
        flutter |= (places >= begin) & (places <= end)
    return np.asarray(places)[~flutter]


def of_fold_9(folder: Path, most: int) -> Iterator[tuple[np.ndarray, float]]:
    """Recordings of PTB-XL's fold 9 at 100 Hz, lead II first; none where the folder is missing."""
    import pandas as pd

    from pipeline.sources.formats.wfdb import read_recording

    table = folder / "ptbxl_database.csv"
    if not table.exists():
        return
    listed = pd.read_csv(table)
    for name in listed.loc[listed["strat_fold"] == 9, "filename_lr"].iloc[:most]:
        recording = read_recording(folder / name)
        yield np.roll(recording.signal, -recording.leads.index("II"), axis=0), recording.sampling_rate


def of_cinc2017(folder: Path, most: int) -> Iterator[tuple[np.ndarray, float]]:
    """Recordings of CinC 2017, evenly spaced, but for those that are labelled as noise."""
    import wfdb

    table = folder / "REFERENCE-v3.csv"
    if not table.exists():
        return
    listed = [line.split(",") for line in table.read_text().split()]
    files = {header.stem: header.with_suffix("") for header in folder.rglob("*.hea")}
    names = [name for name, label in listed if label != "~" and name in files]
    for name in names[:: -(-len(names) // most)]:
        record = wfdb.rdrecord(str(files[name]))
        yield record.p_signal.T, record.fs


def agreement(what: str, recordings: Sequence[tuple[np.ndarray, float]]) -> str:
    """Of our peaks and version 1's: how many are xqrs's too and the other way, and in how many recordings all are."""
    finders = {"ours": r_peaks, "version 1": first_version}
    total, alike = {name: np.zeros(3, np.int64) for name in finders}, dict.fromkeys(finders, 0)
    for x, sampling_rate in recordings:
        told = _within(xqrs(x, sampling_rate), x, sampling_rate)
        for name, find in finders.items():
            counted = counts(told, _within(find(x, sampling_rate), x, sampling_rate), sampling_rate)
            total[name], alike[name] = total[name] + counted, alike[name] + int(not counted[1:].any())
    lines = [f"{what}: of xqrs's peaks found, of those found xqrs's, %; recordings that agree in every peak"]
    lines += [f"  {name}: {shares(total[name])}; {alike[name]} of {len(recordings)}" for name in finders]
    return "\n".join(lines)


def _within(peaks: np.ndarray, x: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Those half a second from a recording's ends, where xqrs finds none."""
    edge = 0.5 * sampling_rate
    inside: np.ndarray = peaks[(peaks > edge) & (peaks < x.shape[1] - edge)]
    return inside


def times(file: Path, turns: int) -> Iterator[str]:
    """How long 10 s of twelve leads at 100 Hz take: medians of turns, of 20 items each."""
    import wfdb
    from scipy.signal import resample_poly

    leads = resample_poly(wfdb.rdrecord(str(file)).p_signal.T, 5, 18, axis=1)
    mixed = np.random.default_rng(0).normal(size=(12, len(leads))) @ leads
    items = [mixed[:, start : start + 1000] for start in range(0, min(20_000, mixed.shape[1] - 999), 1000)]
    how: dict[str, Callable[[np.ndarray], object]] = {
        "R peaks, ours": lambda x: r_peaks(x, 100),
        "R peaks, version 1": lambda x: first_version(x, 100),
        "R peaks, xqrs": lambda x: xqrs(x, 100),
        "median beat, ours": lambda x: beats.median_beat(x, 100, *beats.BEAT_S),
        "median beat, version 1": lambda x: beats_of_version_1.median_beat(x, 100, *beats.BEAT_S),
    }
    found = medians({name: partial(_each, run, items) for name, run in how.items()}, turns)
    for name, seconds in found.items():
        yield f"{name}: {1e3 * seconds / len(items):.2f} ms a 10-s item of twelve leads at 100 Hz"


def _each(run: Callable[[np.ndarray], object], items: Sequence[np.ndarray]) -> None:
    for item in items:
        run(item)


if __name__ == "__main__":
    run_command(main)
