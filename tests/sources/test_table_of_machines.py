"""``--source table`` over files of machines: each format alone, all together, and mistakes, each one sentence."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from binary_recordings import ishne_file, scp_file, scp_sections
from machine_recordings import (
    EIGHT,
    RATE,
    aecg_file,
    cardiosoft_file,
    counts_of,
    muse,
    muse_file,
    philips_file,
    sequence_set,
    series,
    write_xml,
)
from own_tables import write_table

import create_images
from pipeline.errors import EcgFusionError
from pipeline.signals.leads import LEADS
from pipeline.sources import open_source
from pipeline.store.reading import open_store

N_SAMPLES = 5000
Counts = Mapping[str, np.ndarray]
WRITERS: dict[str, Callable[[Counts], str]] = {
    "aecg": lambda counts: aecg_file(series(sequence_set(counts, scale="5"))),
    "muse": lambda counts: muse_file(muse({lead: counts[lead] for lead in EIGHT}, per_bit="5")),
    "cardiosoft": cardiosoft_file,
    "philips 1.03": lambda counts: philips_file(counts, "1.03"),
    "philips 1.04": philips_file,
}
BINARY: dict[str, tuple[str, Callable[[Counts], bytes]]] = {
    "scp": (".scp", lambda counts: scp_file(scp_sections({lead: counts[lead] for lead in EIGHT}))),
    "scp as ecg": (".ecg", lambda counts: scp_file(scp_sections(counts, order=1, is_huffman=False))),
    "ishne": (".ecg", ishne_file),
}
KINDS = [*WRITERS, *BINARY] * 2


def counts_of_record(number: int) -> dict[str, np.ndarray]:
    return counts_of(LEADS, N_SAMPLES, seed=number)


def write_own(folder: Path, kinds: list[str]) -> Path:
    """A table with a record of each kind."""
    folder.mkdir()
    rows = []
    for number, kind in enumerate(kinds):
        name = f"r{number}{BINARY[kind][0] if kind in BINARY else '.xml'}"
        if kind in BINARY:
            (folder / name).write_bytes(BINARY[kind][1](counts_of_record(number)))
        else:
            write_xml(folder / name, WRITERS[kind](counts_of_record(number)))
        rows.append({"file": name, "patient_id": f"p{number}", "label": "AB"[number % 2]})
    return write_table(folder, rows)


@pytest.mark.parametrize("kind", [*WRITERS, *BINARY])
def test_a_table_reads_files_of_a_machine(tmp_path: Path, kind: str):
    source = open_source("table", write_own(tmp_path / "own", [kind] * 4))
    assert (source.leads, source.sampling_rate) == (LEADS, RATE)
    assert set(source.records["length"]) == {N_SAMPLES / RATE}
    for number, signal in enumerate(source.read(source.records)):
        assert isinstance(signal, np.ndarray)
        for lead in EIGHT:  # MUSE's other four are not rounded to counts
            np.testing.assert_allclose(signal[LEADS.index(lead)], 0.005 * counts_of_record(number)[lead], atol=1e-6)


def test_stores_of_all_kinds_together(tmp_path: Path):
    own = write_own(tmp_path / "own", KINDS)
    words = "--source table --folds kfold:3 --representations none --workers 1 --band none"
    create_images.main([*words.split(), "--data", str(own), "--out", str(tmp_path / "stores")])
    records = []
    for partition in ("train", "dev", "test"):
        records += open_store(tmp_path / "stores" / f"{partition}.h5").columns["record_id"].tolist()
    assert sorted(records) == sorted(f"r{number}" for number in range(len(KINDS)))


def test_a_file_that_is_damaged_is_named_with_its_line(tmp_path: Path):
    own = write_own(tmp_path / "own", ["aecg", "muse"])
    whole = (own / "r0.xml").read_bytes()
    (own / "r0.xml").write_bytes(whole[: len(whole) // 2])
    (own / "r1.xml").write_text("<svg/>")
    with pytest.raises(EcgFusionError, match=r"records.csv line 2: .*r0.xml is damaged or no XML"):
        open_source("table", own)


def test_which_of_two_series_is_said_by_array(tmp_path: Path):
    own = write_own(tmp_path / "own", ["aecg"] * 2)
    for number in range(2):
        sets = [series(sequence_set(counts_of(LEADS, 1000, seed=7 * part + number))) for part in range(2)]
        write_xml(own / f"r{number}.xml", aecg_file(*sets))
    with pytest.raises(EcgFusionError, match="holds 2 rhythm series: say which is the recording with --array 1 to 2"):
        open_source("table", own)
    source = open_source("table", own, array="2")
    signal = next(iter(source.read(source.records)))
    assert isinstance(signal, np.ndarray)
    np.testing.assert_allclose(signal[0], 0.0025 * counts_of(LEADS, 1000, seed=7)["I"], atol=1e-6)
