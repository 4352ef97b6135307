"""Comments of headers: what they say of a recording, however they are written."""

import pytest

from pipeline.sources.formats.recording import RecordError
from pipeline.sources.formats.wfdb_comments import read_facts

SIGNALS = "r.dat 16 200(0)/mV 16 0 0 0 0 I\nr.dat 16 200(0)/mV 16 0 0 0 0 II\n"


@pytest.fixture
def facts(tmp_path):
    def of(content):
        path = tmp_path / "r.hea"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_facts(str(path))

    return of


@pytest.mark.parametrize("line", ["#Dx: 1,2", "# Dx: 1,2", "#dx:1,2", "  #  DX :  1,2  ", "# Dx: 1,2\r"])
def test_a_comment_is_a_name_and_what_is_said_of_it(facts, line):
    found = facts(f"r 2 500 5000\n{SIGNALS}{line}\n#Sex: Male\n# without a colon\n")
    assert (found.n_leads, found.sampling_rate, found.n_samples) == (2, 500.0, 5000)
    assert found.said == {"dx": ["1,2"], "sex": ["Male"]}


def test_comments_stand_anywhere_and_twice(facts):
    found = facts(f"# Dx: 1\n\nr 2 500/1000(3) 5000 12:00:00 01/01/2020\n{SIGNALS}# Dx: 2: 3\n")
    assert (found.sampling_rate, found.n_samples) == (500.0, 5000)
    assert found.said["dx"] == ["1", "2: 3"]


@pytest.mark.parametrize(
    ("record", "rate", "n_samples"),
    [("r 2", 250.0, None), ("r 2 360.5", 360.5, None), ("r 2 1e3 0", 1000.0, None), ("r 2 1e3 7", 1000.0, 7)],
)
def test_record_lines_that_say_less(facts, record, rate, n_samples):
    found = facts(f"{record}\n{SIGNALS}")
    assert (found.n_leads, found.sampling_rate, found.n_samples) == (2, rate, n_samples)


def test_old_letters(facts):
    assert facts(f"r 2 500 5000\n{SIGNALS}# Ort: Köln\n".encode("latin-1")).said == {"ort": ["Köln"]}
    assert facts(f"r 2 500 5000\n{SIGNALS}# Ort: Köln\n".encode("utf-8-sig")).said == {"ort": ["Köln"]}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        ("# Dx: 1\n", "is empty"),
        ("\x7fELF\n", "which is no record line"),
        ("r 2 fast 5000\n" + SIGNALS, "as sampling frequency, which is none"),
        ("r 3 500\n" + SIGNALS, "announces 3 signals and describes 2"),
    ],
)
def test_a_header_that_is_none_is_refused(facts, content, says):
    with pytest.raises(RecordError, match=says):
        facts(content)


def test_a_large_file_is_not_read(facts):
    with pytest.raises(RecordError, match="more than 1048576 are not read"):
        facts(b"#" * (2**20 + 1))
