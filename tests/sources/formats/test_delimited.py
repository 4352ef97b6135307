"""Samples as text, however people write them: the same numbers, or a sentence with the line."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.formats.opened import Said
from pipeline.sources.formats.recording import RecordError, Recording
from pipeline.sources.formats.registry import open_file

SAID = Said("mV", 100.0, ("I", "II"))
FIRST, SECOND = [0.1, 0.3, -0.5], [0.2, 4e-2, 6.0]
PLAIN = "0.1,0.2\n0.3,4e-2\n-0.5,6\n"


@pytest.fixture
def read(tmp_path: Path):
    def of(text: str | bytes, said: Said = SAID, name: str = "a.csv") -> Recording:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return open_file(str(path), said).read()

    return of


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "I,II\n" + PLAIN,
        "\n\nI,II\n" + PLAIN + "\n\n",
        "Lead I , ecg ii\n" + PLAIN,
        '"I","II"\n"0.1","0.2"\n"0.3","4e-2"\n"-0.5","6"\n',
        "I;II\n0,1;0,2\n0,3;4e-2\n-0,5;6\n",
        "0,1\t0,2\n0,3\t4e-2\n-0,5\t6\n",
        "I\tII\n" + PLAIN.replace(",", "\t"),
        "# I II\n" + PLAIN.replace(",", " "),
        "# measured at home\n# I,II\n" + PLAIN,
        "# measured at home\n" + PLAIN,
        "   " + PLAIN.replace(",", "   ").replace("\n", "\n  "),
        "I,II,\n" + PLAIN.replace("\n", ",\n"),
        "ch1,ch2\n" + PLAIN,
        ",0,1\n0,0.1,0.2\n1,0.3,4e-2\n2,-0.5,6\n",
        "0,1\n" + PLAIN,
        "sample,I,II\n0,0.1,0.2\n1,0.3,4e-2\n2,-0.5,6\n",
        "II,remark,I\n0.2,a,0.1\n4e-2,,0.3\n6,b,-0.5\n",
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        ("I,II\n" + PLAIN).encode("utf-8-sig"),
        ("I,II\n" + PLAIN).encode("utf-16"),
        PLAIN.rstrip(),
    ],
)
def test_the_same_samples_however_they_are_written(read, text):
    found = read(text)
    assert (found.leads, found.sampling_rate) == (("I", "II"), 100.0)
    assert found.signal.tolist() == [FIRST, SECOND]


@pytest.mark.parametrize("name", ["a.tsv", "a.txt", "a.CSV"])
def test_every_ending(read, name):
    assert read(PLAIN, name=name).signal.tolist() == [FIRST, SECOND]


def test_a_line_a_lead_where_only_that_fits(read):
    assert read("0.1,0.3,-0.5\n0.2,4e-2,6\n").signal.tolist() == [FIRST, SECOND]


@pytest.mark.parametrize(
    ("head", "units"),
    [
        ("I (uV),II [uV]", (1e-3, 1e-3)),
        ("I_mV,II_uV", (1, 1e-3)),
        ("I (mV),II", (1, 1e-3)),
        ("I,II\nuV,mV", (1e-3, 1)),
        ("'Elapsed time','I','II'\n'seconds','mV','V'", (1, 1e3)),
    ],
)
def test_units_that_the_file_says_count_more_than_what_is_said(read, head, units):
    text = "".join(f"{'0.00,' if 'time' in head else ''}{row}\n" for row in PLAIN.split())
    if "time" in head:
        text = "0.00,0.1,0.2\n0.01,0.3,4e-2\n0.02,-0.5,6\n"
    found = read(f"{head}\n{text}", Said("uV", 100.0))
    np.testing.assert_allclose(found.signal, np.array([FIRST, SECOND]) * np.array(units)[:, None], rtol=1e-15)


@pytest.mark.parametrize(
    ("times", "name", "rate"),
    [
        (np.arange(500) / 250, "time", 250.0),
        (np.arange(500) * 4, "time (ms)", 250.0),
        (np.arange(500) * 4, "t_ms", 250.0),
        (np.round(np.arange(3600) / 360, 3), "time [s]", 360.0),
        (np.round(5 + np.arange(3600) / 128, 2), "seconds", 128.0),
        (np.arange(500) / 62.5, "Time", 62.5),
        (np.arange(500) * 1e6 / 257, "time_us", 257.0),
    ],
)
def test_a_column_of_time_says_the_rate(read, times, name, rate):
    text = f"{name},I\n" + "".join(f"{time!r},1\n" for time in times.tolist())
    assert read(text, Said("mV")).sampling_rate == rate


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "holds no samples"),
        ("\n\n", "holds no samples"),
        ("I,II\n", "has names and no samples below them"),
        ("I,II\nmV,mV\n", "has names and no samples below them"),
        ("I,II\n0.1,0.2\n0.3\n", r"line 3 has 1 field, not 2 numbers"),
        ("I,II\n0.1,0.2\n\n0.3,1\n", r"line 3 has nothing, not 2 numbers"),
        ("I,II\n0.1,0.2\n0.3,\n", r"line 3 has in field 2 nothing, where a sample is missing"),
        ("I,II\n0.1,0.2\n0.3,x\n", r"line 3 has in field 2 'x', which is no number"),
        ("I,II\n0.1,0.2\n0.3,1_0\n", r"line 3 has in field 2 '1_0', which is no number"),
        ("I,II\n0.1,0.2\n0.3,nan\n", r"has a missing sample \(NaN\) in lead II at 0.010 s"),
        ("I,II\n0.1,0.2\ninf,0\n", r"has an infinite sample in lead I at 0.010 s"),
        ("I,V1\n0.1,0.2\n0.3,1\n", r"has no lead II of --leads_of_file \(it has I V1\)"),
        ("I,I\n0.1,0.2\n0.3,1\n", "names a lead twice: I, I"),
        ("I,II,V1\n0.1,0.2\n0.3,1\n", "line 2 has 2 fields below 3 names"),
        ("0,1\n1,2\n3,4\n", "line 1 is 0 1, which may count the columns or be samples"),
        ("I,0.1,0.2\nII,0.3,0.4\n", "begins its lines with names, as I: write a column, not a line, for each lead"),
        ("0.1,I\n0.3,0.4\n", "has both numbers and 'I' in its first line"),
        ("0.1,0.2\n0.3,0.4\n", "is 2 x 2, and either side may be the 2 leads that are named"),
        ("1,2,3\n1,2,3\n1,2,3\n", "is 3 x 3, and neither side is the 2 leads that are named"),
        ("I (mmHg),II\n1,2\n3,4\n", r"has no lead I of --leads_of_file"),
        ("I,II\nmmHg,mV\n1,2\n3,4\n", r"is in mmHg, not in mV, uV, nV or V"),
        ("time,I,II\n0,1,2\n2,1,2\n4,1,2\n", r"it would be at 0.5 Hz: say its unit, as in time \(ms\)"),
        ("time,I,II\n12:00:01,1,2\n12:00:02,1,2\n", "has '12:00:01' in its column of time"),
        ("time,I,II\n0.2,1,2\n0.1,1,2\n", "has a column of time that goes from 0.2 to 0.1"),
        (b"\x89PNG\r\n\x00\xff", "is no text of samples"),
        ("I,II\nx,y\n0.1,0.2\n", "line 2 has in field 1 'x', which is no number"),
        ("#\n" * 1002 + PLAIN, "has a comment among its samples, or too many"),
        ("I,II\n1,2\n# later\n3,4\n", "has a comment among its samples"),
    ],
)
def test_what_is_no_such_text_is_a_sentence(read, text, sentence):
    with pytest.raises(RecordError, match=sentence):
        read(text)


def test_a_gap_in_time_is_told_with_its_line(read):
    times = np.delete(np.arange(1000) / 500, 400).tolist()
    text = "time,I\n" + "".join(f"{time:.3f},1\n" for time in times)
    with pytest.raises(
        RecordError, match=r"line 402: its first column goes from 0.798 to 0.802, where a step is 0.002"
    ):
        read(text, Said("mV"))


def test_samples_that_are_left_out_of_their_count(read):
    with pytest.raises(RecordError, match="line 4: its first column goes from 1 to 3, where a step is 1"):
        read("sample,I\n0,1\n1,1\n3,1\n4,1\n5,1\n", Said("mV", 100.0))


def test_giants_are_refused_before_they_are_read(read):
    with pytest.raises(RecordError, match=r"has a line of 4194304 bytes or more"):
        read("1," * 3_000_000)
    with pytest.raises(RecordError, match="40000000 samples, and more than 33554432 are not read"):
        read("I\n" + "1\n" * 40_000_000, Said("mV", 100.0))


@given(
    st.lists(
        st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=3), min_size=4, max_size=9
    ),
    st.sampled_from([",", ";", "\t", " "]),
    st.booleans(),
)
def test_every_number_comes_back_to_the_last_bit(tmp_path_factory, rows, separator, named):
    path = tmp_path_factory.mktemp("numbers") / "a.csv"
    lines = [separator.join(map(repr, row)) for row in rows]
    path.write_text("\n".join([separator.join(["I", "II", "V6"]), *lines] if named else lines))
    found = open_file(str(path), Said("mV", 100.0, ("I", "II", "V6"))).read()
    assert found.signal.T.tolist() == rows


@given(st.binary(max_size=80) | st.text(alphabet='I,;\t"\n\r\0é0.1-e #', max_size=80).map(lambda text: text.encode()))
def test_no_bytes_are_anything_but_samples_or_a_sentence(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bytes") / "a.csv"
    path.write_bytes(content)
    try:
        opened = open_file(str(path), SAID)
        found = opened.read()
    except RecordError:
        return
    assert found.signal.shape == (2, opened.n_samples)
    assert np.isfinite(found.signal).all()


@pytest.mark.parametrize("how", [{}, {"index": False}, {"sep": ";", "decimal": ","}, {"header": False, "index": False}])
def test_what_pandas_writes(tmp_path: Path, how):
    signal = np.random.default_rng(0).normal(size=(50, 2))
    pd.DataFrame(signal, columns=["I", "II"]).to_csv(tmp_path / "a.csv", **how)
    np.testing.assert_array_equal(open_file(str(tmp_path / "a.csv"), SAID).read().signal, signal.T)


@pytest.mark.parametrize("how", [{}, {"header": "I II"}, {"delimiter": ","}, {"delimiter": "\t", "header": "I\tII"}])
def test_what_numpy_writes(tmp_path: Path, how):
    signal = np.random.default_rng(0).normal(size=(50, 2))
    np.savetxt(tmp_path / "a.txt", signal, **how)
    np.testing.assert_array_equal(open_file(str(tmp_path / "a.txt"), SAID).read().signal, signal.T)
