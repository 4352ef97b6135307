"""Small folders as PhysioNet lays out MIT-BIH and PTB Diagnostic, with hearts that beat where it is known."""

from pathlib import Path

import numpy as np
import wfdb

from pipeline.signals.leads import LEADS


def heart(peaks: np.ndarray, n_samples: int, sampling_rate: float, height: float = 1.0) -> np.ndarray:
    """(time,) mV: a narrow R wave at each peak, and a broad T wave 0.25 s behind it."""
    times, signal = np.arange(n_samples) / sampling_rate, np.zeros(n_samples)
    for peak in np.asarray(peaks) / sampling_rate:
        signal += height * np.exp(-(((times - peak) / 0.012) ** 2))
        signal += 0.2 * height * np.exp(-(((times - peak - 0.25) / 0.06) ** 2))
    return signal


def write_mitdb(
    folder: Path, symbols: dict[int, str], seconds: float = 30, leads: tuple[str, str] = ("MLII", "V1")
) -> dict[int, np.ndarray]:
    """Records of MIT-BIH: number to what each of its beats is annotated with; gives the samples of these.

    The first beat is 0.5 s behind the start, the last one 0.5 s before the end, the others between them with RR
    intervals that go up and down. Before the first and behind the last there are annotations that are no beats.
    """
    folder.mkdir(parents=True, exist_ok=True)
    n_samples = round(seconds * 360)
    found = {}
    for number, of_beats in symbols.items():
        steps = 1 + 0.1 * np.sin(np.arange(max(len(of_beats) - 1, 1)) + number)
        places = np.append(0, np.cumsum(steps) / steps.sum())[: len(of_beats)]
        peaks = np.rint(180 + places * (n_samples - 360)).astype(int)
        signal = np.stack([heart(peaks, n_samples, 360), heart(peaks, n_samples, 360, -0.5)], axis=1)
        signal += 0.01 * np.random.default_rng(number).standard_normal(signal.shape)
        keywords = {"units": ["mV", "mV"], "sig_name": list(leads), "p_signal": signal, "fmt": ["212", "212"]}
        keywords |= {"adc_gain": [200.0, 200.0], "baseline": [1024, 1024], "comments": ["75 F 1011 654 x1", "Diapres"]}
        wfdb.wrsamp(str(number), fs=360, write_dir=str(folder), **keywords)
        samples, marks = np.concatenate([[5], peaks, [n_samples - 2]]), ["+", *of_beats, "~"]
        wfdb.wrann(str(number), "atr", samples, marks, aux_note=["(N", *[""] * (len(marks) - 1)], write_dir=str(folder))
        found[number] = peaks
    return found


def write_ptbdb(folder: Path, people: dict[str, dict], seconds: float = 10, rate: int = 1000) -> dict[str, np.ndarray]:
    """Records of PTB Diagnostic: ``patient001/s0010_re`` to ``reason``, ``age``, ``sex`` (and a ``signal``).

    Gives the signal of the twelve leads of each, (leads, time) mV, as it is written.
    """
    written = {}
    for seed, (file, about) in enumerate(people.items()):
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        signal = about.get("signal")
        if signal is None:
            peaks = np.arange(0.6, seconds - 0.3, 0.8 + 0.05 * seed) * rate
            lead = heart(peaks, round(seconds * rate), rate)
            signal = np.stack([lead * height for height in np.linspace(0.3, 1.2, 12)])
        counts = np.rint(np.asarray(signal) * 2000).astype("<i2")
        frank = np.zeros((3, counts.shape[1]), "<i2")
        header = [f"{path.name} 15 {rate} {counts.shape[1]}"]
        for ending, names, values in (("dat", LEADS, counts), ("xyz", ("vx", "vy", "vz"), frank)):
            path.with_suffix(f".{ending}").write_bytes(values.T.tobytes())
            for name, of_lead in zip(names, values, strict=True):
                checksum = int(of_lead.sum(dtype=np.int16))
                header.append(f"{path.name}.{ending} 16 2000 16 0 {of_lead[0]} {checksum} 0 {name.lower()}")
        header += [f"# age: {about.get('age', 'n/a')}", f"# sex: {about.get('sex', 'n/a')}", "# ECG date: 01/10/1990"]
        header += ["# Diagnose:", f"# Reason for admission: {about.get('reason', 'n/a')}", "# Additional diagnoses:"]
        path.with_suffix(".hea").write_text("\n".join(header) + "\n")
        written[file] = counts / 2000
    return written
