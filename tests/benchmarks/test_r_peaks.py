"""The benchmark of R peaks: what it counts, on a small record whose beats are known."""

from pathlib import Path

import numpy as np
import pytest
from hearts import periodic

from benchmarks import r_peaks as benchmark
from benchmarks.r_peaks import agreement, counts, of_mitdb, shares, times
from pipeline.errors import EcgFusionError

PEAKS = 42 + 85 * np.arange(80)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A mitdb/ of one record with its beats, of which two are told as flutter."""
    import wfdb

    (tmp_path / "mitdb").mkdir()
    x = periodic(80)[[1, 6]].T
    wfdb.wrsamp("900", 100, ["mV", "mV"], ["II", "V1"], x, fmt=["16", "16"], write_dir=str(tmp_path / "mitdb"))
    symbols = np.array(["N"] * 80)
    symbols[[10, 12]] = "[", "]"
    wfdb.wrann("900", "atr", PEAKS, symbols, write_dir=str(tmp_path / "mitdb"))
    return tmp_path


def test_counts_pair_each_beat_once():
    told = np.array([100, 200, 300, 400])
    np.testing.assert_array_equal(counts(told, np.array([101, 110, 290, 340, 410]), 100), [3, 1, 2])
    np.testing.assert_array_equal(counts(told, told[:0], 100), [0, 4, 0])
    assert shares(np.array([3, 1, 2])).split() == ["75.00", "60.00"]


def test_a_record_and_its_group_have_a_line(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(benchmark, "detectors", lambda: {"ours": lambda *_: PEAKS, "half": lambda *_: PEAKS[::2]})
    *_, record, group = of_mitdb(folder / "mitdb", ["900"])
    assert record.split() == ["|", "900", "|", "77", "|", "100.00", "100.00", "|", "49.35", "100.00", "|"]
    assert group.split()[1:4] == ["DS1", "|", "77"]


def test_agreement_counts_the_recordings_that_agree(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(benchmark, "xqrs", lambda *_: PEAKS)
    said = agreement("some", [(periodic(80), 100.0)])
    assert "ours: 100.00 100.00; 1 of 1" in said


def test_times_are_of_an_item(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(benchmark, "xqrs", lambda *_: PEAKS)
    assert all("ms a 10-s item" in line for line in times(folder / "mitdb" / "900", 1))


def test_a_folder_without_records_is_refused(tmp_path: Path):
    with pytest.raises(EcgFusionError, match=r"holds no mitdb/\*.atr: name the folder"):
        benchmark.main(["-data", str(tmp_path)])
