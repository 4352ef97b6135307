"""The well-known CSV files, made from raw records: 187 amplitudes from 0 to 1 and a class, beats at random."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from heartbeat_sets import write_mitdb

from pipeline.errors import EcgFusionError
from pipeline.signals.filters import resample
from pipeline.sources.beat_cuts import Kachuee
from pipeline.sources.mitbih_csv import FILES, main, write_csv
from pipeline.sources.mitdb import open_mitdb

BEATS = "NNLRejAaJSVEF/fQNNVN" * 2


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mitdb")
    write_mitdb(folder, {101: BEATS, 102: BEATS, 114: BEATS})
    return folder


def read(folder: Path) -> list[np.ndarray]:
    return [pd.read_csv(folder / name, header=None).to_numpy() for name in FILES]


def test_four_fifths_and_one_fifth_of_all_beats_but_the_last_of_each_record(records, tmp_path):
    counts = write_csv(tmp_path / "csv", records)
    train, test = read(tmp_path / "csv")
    assert train.shape[1] == test.shape[1] == 188
    assert len(train) + len(test) == 3 * 39
    assert abs(len(test) - 0.2 * 3 * 39) <= 3
    for table, found in zip((train, test), counts.values(), strict=True):
        np.testing.assert_array_equal(np.bincount(table[:, -1].astype(int), minlength=5), found)
        assert (np.diff(table[:, -1]) >= 0).all()
        assert table[:, :-1].min() >= 0
        assert table[:, :-1].max() <= 1


def test_a_row_is_the_cut_of_the_first_lead_unfiltered(records, tmp_path):
    write_csv(tmp_path, records)
    source, cut = open_mitdb(records), Kachuee()
    rows = np.concatenate(read(tmp_path))
    items = cut.table(source)
    first = items.rows[items.rows["record"] == 0]
    (whole,) = source.read(source.records[:1])
    assert isinstance(whole, np.ndarray)
    signal = resample(whole[:1], 360, 125)
    for beat in cut.cut(signal, 125, first):
        assert np.abs(rows[:, :-1] - beat[0]).max(axis=1).min() <= 0.5e-4 + 1e-12


def test_the_seed_draws_the_beats(records, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_csv(tmp_path / name, records, seed)
    one, same, other = ((tmp_path / name / FILES[1]).read_bytes() for name in "abc")
    assert one == same != other


def test_nothing_is_overwritten(records, tmp_path):
    (tmp_path / FILES[1]).write_text("mine")
    with pytest.raises(EcgFusionError, match=r"mitbih_test\.csv is there already, and nothing is overwritten"):
        write_csv(tmp_path, records)
    assert [path.name for path in tmp_path.iterdir()] == [FILES[1]]


def test_both_files_or_none(records, tmp_path, monkeypatch):
    import pipeline.sources.mitbih_csv as module

    usual, calls = module._write, []

    def fails_at_the_second(path, *rest):
        calls.append(path)
        if len(calls) == 2:
            raise KeyboardInterrupt
        usual(path, *rest)

    monkeypatch.setattr(module, "_write", fails_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        write_csv(tmp_path, records)
    assert not list(tmp_path.iterdir())


def test_a_bad_record_ends_the_work_with_a_sentence(tmp_path):
    write_mitdb(tmp_path / "mitdb", {101: BEATS})
    data = bytearray((tmp_path / "mitdb" / "101.dat").read_bytes())
    data[99] ^= 4
    (tmp_path / "mitdb" / "101.dat").write_bytes(data)
    with pytest.raises(EcgFusionError, match=r"record 101 is bad: .*fails the checksum"):
        write_csv(tmp_path / "csv", tmp_path / "mitdb")
    assert not (tmp_path / "csv").exists()


def test_the_command_says_what_it_has_written(records, tmp_path, capsys):
    main(["--to_csv", str(tmp_path), "--data", str(records)])
    said = capsys.readouterr().out
    assert "45 of the 48 records are not there" in said
    assert "3 heartbeats are left out: the last of each record" in said
    assert f"{tmp_path / FILES[1]}: 2" in said
    assert "heartbeats of one patient are in both files" in said


def test_the_command_wants_a_folder(capsys):
    with pytest.raises(SystemExit):
        main([])
    assert "--to_csv" in capsys.readouterr().err


@pytest.mark.realdata
def test_the_real_records(mitdb_folder, tmp_path):
    counts = write_csv(tmp_path, mitdb_folder)
    both = np.array(list(counts.values()))
    assert both.sum(axis=0).tolist() == [46_351, 943, 4015, 415, 8032]
    np.testing.assert_allclose(both[1] / both.sum(axis=0), 0.2, atol=0.001)
