"""Writes a PTB-XL look-alike with simulated hearts, in PTB-XL's own files.

    python -m pipeline.sources.synthetic FOLDER --records 1000 --seed 0

``--source ptbxl`` reads it. Its classes can be learnt from their physiology, none of it is a real patient.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.commands.parser import CommandParser, positive_int, run_command
from pipeline.errors import EcgFusionError
from pipeline.machine.files import file_error
from pipeline.machine.streams import say

if TYPE_CHECKING:
    import numpy as np

    from pipeline.sources.simulation.cohort import Patient

RATES = {100: "lr", 500: "hr"}  # Hz, and how PTB-XL marks the files of that rate
GAIN = 1000  # counts per mV
_COLUMNS = ("ecg_id", "patient_id", "age", "sex", "scp_codes", "strat_fold", "filename_lr", "filename_hr")


def write_dataset(folder: Path, n_records: int, seed: int, rates: Sequence[int] = (100,)) -> None:
    """Writes simulated recordings, ``ptbxl_database.csv`` and ``scp_statements.csv`` into a new folder.

    Args:
        folder: where; made if it is missing.
        n_records: how many recordings of 10 s.
        seed: a whole number of at least 0; the same one gives the same files.
        rates: Hz, 100 or 500 or both; the slow files hold every fifth sample of the fast ones.

    Raises:
        EcgFusionError: the folder holds something already, or a number is out of range.
    """
    import numpy as np
    from tqdm import tqdm

    from pipeline.sources.simulation.cohort import draw_patients
    from pipeline.sources.simulation.statements import write_statements

    _check(folder, n_records, seed, rates)
    rng = np.random.default_rng(seed)
    patients = draw_patients(n_records, rng)
    visits = [(patient, number) for patient in patients for number in range(patient.n_records)]
    order = rng.permutation(n_records)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for ecg_id, chosen in enumerate(tqdm(order, desc=str(folder), unit="record", disable=None), start=1):
        patient, number = visits[chosen]
        rows.append(_write_visit(folder, ecg_id, patient, number, seed, rates))
    write_statements(folder / "scp_statements.csv")
    with open(folder / "ptbxl_database.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _check(folder: Path, n_records: int, seed: int, rates: Sequence[int]) -> None:
    if folder.exists() and not folder.is_dir():
        raise EcgFusionError(f"{folder} is a file: name a new folder")
    if folder.exists() and any(folder.iterdir()):
        raise EcgFusionError(f"{folder} is not empty, and nothing is overwritten: remove it or name a new folder")
    if n_records < 1:
        raise EcgFusionError(f"{n_records} records cannot be written: ask for at least 1")
    if seed < 0:
        raise EcgFusionError(f"the seed {seed} is negative: give 0 or more")
    foreign = [rate for rate in rates if rate not in RATES]
    if foreign or not rates:
        raise EcgFusionError(f"{list(rates)} Hz cannot be written: PTB-XL has 100 and 500, choose from these")


def _write_visit(
    folder: Path, ecg_id: int, patient: "Patient", number: int, seed: int, rates: Sequence[int]
) -> dict[str, object]:
    """Writes one recording at every rate; what comes back is its row of ``ptbxl_database.csv``."""
    import numpy as np

    from pipeline.sources.simulation.cohort import draw_visit
    from pipeline.sources.simulation.heart import simulate

    visit = draw_visit(patient, number, np.random.default_rng([seed, 1, ecg_id]))
    for rate in rates:
        # the same chance for every rate, so that both files are one recording
        signal = simulate(visit.heart, visit.electrodes, np.random.default_rng([seed, 2, ecg_id]), rate)
        _write_wfdb(folder / _file_name(ecg_id, rate), signal, rate)
    return {
        "ecg_id": ecg_id,
        "patient_id": float(patient.patient_id),
        "age": visit.age,
        "sex": patient.sex,
        "scp_codes": str(visit.codes),
        "strat_fold": patient.fold,
        "filename_lr": _file_name(ecg_id, 100),
        "filename_hr": _file_name(ecg_id, 500),
    }


def _file_name(ecg_id: int, rate: int) -> str:
    return f"records{rate}/{ecg_id // 1000 * 1000:05d}/{ecg_id:05d}_{RATES[rate]}"


def _write_wfdb(path: Path, signal: "np.ndarray", sampling_rate: int) -> None:
    """Writes (leads, time) mV as WFDB format 16; wfdb itself takes several times as long.

    Reference: https://wfdb.io/spec/header-files.html
    """
    import numpy as np

    from pipeline.signals.leads import LEADS

    counts = np.rint(signal * GAIN).astype("<i2")
    header = [f"{path.name} {len(LEADS)} {sampling_rate} {counts.shape[1]}"]
    for lead, values in zip(LEADS, counts, strict=True):
        checksum = int(values.sum(dtype=np.int64)) % 65536
        # file, format, gain(baseline)/unit, resolution, zero, first sample, checksum, block size, lead
        header.append(f"{path.name}.dat 16 {GAIN:.1f}(0)/mV 16 0 {values[0]} {checksum} 0 {lead.upper()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_name(path.name + ".dat").write_bytes(counts.T.tobytes())
    path.with_name(path.name + ".hea").write_text("\n".join(header) + "\n", encoding="utf-8")


def main(words: Sequence[str] | None = None) -> None:
    parser = CommandParser(prog="python -m pipeline.sources.synthetic", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where to write; must be empty or missing")
    parser.option("records", type=positive_int, default=1000, help="how many recordings of 10 s (default 1000)")
    parser.option("seed", type=int, default=0, help="the same seed gives the same files (default 0)")
    parser.option(
        "rates",
        type=int,
        nargs="+",
        choices=sorted(RATES),
        default=[100],
        help="sampling rates in Hz (default 100)",
    )
    options = parser.parse_args(words)
    try:
        write_dataset(options.folder, options.records, options.seed, options.rates)
    except OSError as problem:
        told = file_error(problem, problem.filename or options.folder, "write")
        raise told.where_only_new(options.folder) from None
    say(f"{options.records} simulated recordings in {options.folder}: read them with --source ptbxl")


if __name__ == "__main__":
    run_command(main)
