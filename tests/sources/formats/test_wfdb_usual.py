"""Headers that are written as nearly all are, and those that nearly are: read alike by the short way and by lines."""

from pathlib import Path

import numpy as np
import pytest
from recording_files import write

from pipeline.sources.formats.recording import RecordError
from pipeline.sources.formats.wfdb import read_recording
from pipeline.sources.formats.wfdb_headers import lines_of, parse_header
from pipeline.sources.formats.wfdb_usual import _by_lines, _like_the_last, _Memory, usual_header

HEADER = "r 2 250 300\nr.dat 16 200.0(0)/mV 16 0 -5 17 0 I\nr.dat 16 200.0(0)/mV 16 0 8 -9 0 V 1\n# age: 50\n"


@pytest.fixture(autouse=True)
def nothing_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Memory, "last", None)


def learn(text: str = HEADER) -> None:
    for _ in range(2):
        assert usual_header("r.hea", text.encode())


def test_the_third_of_a_kind_is_matched_as_a_whole():
    assert usual_header("a/r.hea", HEADER.encode())
    assert _like_the_last("a/r.hea", HEADER.encode()) is None
    assert usual_header("a/r.hea", HEADER.encode())
    other = HEADER.replace("r.dat", "s.mat").replace("300", "7").replace("17", "-32768").replace(" -5 ", " 12 ")
    for text in (HEADER, other, other.replace("\n", "\r\n"), other.replace("r 2 250", "q-1 2 500.5")):
        found = _like_the_last("a/r.hea", text.encode())
        assert found is not None
        assert found == _by_lines("a/r.hea", lines_of(text.encode()))
    assert found.parts[0].file == "a/s.mat"
    assert (found.sampling_rate, found.n_samples, found.parts[0].checksums) == (500.5, 7, (-32768, -9))
    assert found.leads == ("I", "V1")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("r 2", "r 3"),
        ("r 2", "r/2 2"),
        ("r 2", "#r 2"),
        ("r 2", "r\x0b2"),
        ("250 300", "250 0"),
        ("250 300", "250/360 300"),
        ("r.dat", "#.dat"),
        ("r.dat", "../r.dat"),
        ("r.dat", "..\\r.dat"),
        ("r.dat", "C:r.dat"),
        ("r.dat", "ř.dat"),
        ("r.dat 16 200.0(0)/mV 16 0 8", "s.dat 16 200.0(0)/mV 16 0 8"),
        ("16 200.0(0)", "212 200.0(0)"),
        ("200.0(0)/mV 16 0 8", "100.0(0)/mV 16 0 8"),
        ("-5 17", "-5 1_7"),
        ("-5 17", "-5 17.0"),
        ("-5 17", "- 17"),
        ("-5 17", "-5 99999999999"),
        ("17 0 I", "17 1 I"),
        ("V 1", "V 2"),
        ("V 1", "V 1\x0bV 2"),
        ("V 1\n", "V 1 "),
        ("# age: 50", "age: 50"),
        ("# age: 50", "# age: 50\x85r.dat 16"),
        ("# age: 50", "# age: 50\rr.dat 16"),
        ("# age: 50", "# age: 50\u2028r.dat 16"),
        ("\n#", "\nr.dat 16 200.0(0)/mV 16 0 8 -9 0 V 1\n#"),
    ],
)
def test_what_is_unlike_is_read_by_lines(old, new):
    learn()
    assert old in HEADER
    data = HEADER.replace(old, new).encode()
    assert _like_the_last("r.hea", data) is None
    assert usual_header("r.hea", data) == _by_lines("r.hea", lines_of(data))


def test_any_damage_to_a_header_gives_what_its_lines_say():
    learn()
    rng, n_quick = np.random.default_rng(0), 0
    known = _Memory.last
    for _ in range(3000):
        damaged = bytearray(HEADER.encode())
        for place in rng.integers(len(damaged), size=rng.integers(1, 3)):
            damaged[place] = rng.choice(np.frombuffer(b"0123456789 -\n\r#/.\\:\x00\x0b\x85\xffaI", np.uint8))
        _Memory.last = known
        found = _like_the_last("r.hea", bytes(damaged))
        if found is not None:
            n_quick += 1
            assert found == _by_lines("r.hea", lines_of(bytes(damaged)))
    assert n_quick > 300


def test_what_the_short_way_gives_is_what_fields_say():
    usual = usual_header("r.hea", HEADER.encode())
    fields = parse_header("r.hea", lines_of(HEADER.encode()))
    assert usual is not None
    assert (usual.n_samples, usual.sampling_rate) == (fields.n_samples, fields.sampling_rate)
    assert usual.leads == tuple(signal.lead for signal in fields.signals)
    assert usual.parts[0].checksums == tuple(signal.checksum for signal in fields.signals)


def test_kinds_in_turn_are_told_apart():
    other = HEADER.replace("V 1", "V6").replace("200.0(0)", "1000(7)")
    for text in (HEADER, HEADER, HEADER, other, HEADER, other, other, other, HEADER) * 2:
        assert usual_header("r.hea", text.encode()) == _by_lines("r.hea", lines_of(text.encode()))


def two_files(path: Path, names: tuple[str, str, str]) -> np.ndarray:
    """Lays the leads of a recording into several files; gives what it was."""
    signal = read_recording(path).signal
    counts = np.fromfile(path.with_suffix(".dat"), "<i2").reshape(-1, 3)
    for name in set(names):
        counts[:, [each == name for each in names]].tofile(path.with_name(name))
    first, *lines = path.with_suffix(".hea").read_text().splitlines()
    lines = [line.replace("rec.dat", name) for line, name in zip(lines, names, strict=True)]
    path.with_suffix(".hea").write_text("\n".join([first, *lines]))
    return signal


def test_files_without_a_lead_that_is_asked_for_are_not_read(tmp_path: Path):
    path = write(tmp_path)
    signal = two_files(path, ("a.dat", "a.dat", "b.xyz"))
    np.testing.assert_array_equal(read_recording(path).signal, signal)
    (tmp_path / "b.xyz").unlink()
    with pytest.raises(RecordError, match=r"b\.xyz is missing"):
        read_recording(path)
    found = read_recording(path, files_of=("aVR", "V9"))
    np.testing.assert_array_equal(found.signal, signal[:2])
    assert found.leads == ("I", "aVR")
    with pytest.raises(RecordError, match=r"rec\.hea has none of the leads V7 V8"):
        read_recording(path, files_of=("V7", "V8"))
    text = path.with_suffix(".hea").read_text()
    path.with_suffix(".hea").write_text(text.replace(" 16 200", " 16x1:0 200"))  # by fields
    np.testing.assert_array_equal(read_recording(path, files_of=("aVR",)).signal, signal[:2])
    with pytest.raises(RecordError, match=r"rec\.hea has none of the leads V7 V8"):
        read_recording(path, files_of=("V7", "V8"))


def test_damage_in_the_second_of_two_files_is_named(tmp_path: Path):
    path = write(tmp_path)
    two_files(path, ("a.dat", "a.dat", "b.dat"))
    data = (tmp_path / "b.dat").read_bytes()
    for damaged, sentence in (
        (data[:-2], r"b\.dat has 598 bytes where its header says 600"),
        (bytes([data[0] ^ 1]) + data[1:], r"b\.dat fails the checksum of lead 3"),
    ):
        (tmp_path / "b.dat").write_bytes(damaged)
        with pytest.raises(RecordError, match=sentence):
            read_recording(path)


def test_a_file_between_whose_leads_another_lies_is_refused(tmp_path: Path):
    path = write(tmp_path)
    two_files(path, ("a.dat", "b.dat", "a.dat"))
    with pytest.raises(RecordError, match="the first again"):
        read_recording(path)
