"""Headers as they are met: the sound ones give what wfdb gives, the malformed ones a sentence that names the field."""

from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.sources.formats.wfdb import RecordError, read_recording

N_SAMPLES = 60
COUNTS = np.random.default_rng(7).integers(-900, 900, (N_SAMPLES, 2)).astype("<i2")
SUMS = [int(total) for total in COUNTS.sum(axis=0, dtype=np.int16)]
RECORD = f"rec 2 250 {N_SAMPLES}"
FIRST = f"rec.dat 16 200(0)/mV 16 0 0 {SUMS[0]} 0 I"
SECOND = f"rec.dat 16 400(-5)/mV 16 0 0 {SUMS[1]} 0 V2"


def lay(folder: Path, header: str | bytes, data: bytes | None = None) -> Path:
    folder.joinpath("rec.dat").write_bytes(COUNTS.tobytes() if data is None else data)
    folder.joinpath("rec.hea").write_bytes(header if isinstance(header, bytes) else header.encode())
    return folder / "rec"


def header(record: str = RECORD, first: str = FIRST, second: str = SECOND) -> str:
    return f"{record}\n{first}\n{second}\n"


def with_kind(kind: str) -> str:
    """The first lead with another format, gain, baseline and unit; its checksum stays."""
    return header(first=f"rec.dat {kind} 16 0 0 {SUMS[0]} 0 I")


def with_rest(rest: str) -> str:
    """The first lead with other fields behind its gain."""
    return header(first=f"rec.dat 16 200(0)/mV{rest}")


GAINS = ["200", "200.", "200.0", "0200", "1e3", "2.5e2", "1000.5", "-200", "0.001", "12345678", "0", "0.0", "5e-1"]
BASELINES = ["", "(0)", "(-7)", "(12)", "(2047)", "(-32768)", "(1000000)"]
SAME_AS_WFDB = {
    **{f"gain {gain}{baseline}/mV": with_kind(f"16 {gain}{baseline}/mV") for gain in GAINS for baseline in BASELINES},
    **{f"gain {gain} alone": with_kind(f"16 {gain}") for gain in GAINS},
    **{
        f"rate {rate}": header(f"rec 2 {rate} {N_SAMPLES}")
        for rate in [
            "250",
            "250.0",
            "250.",
            "0.5",
            "128.25",
            "1000",
            "500/1000",
            "500/1000(0)",
            "500/1000(12.5)",
            "100/1",
        ]
    },
    **{
        f"time {time}": header(f"{RECORD} {time}")
        for time in ["12:00:00", "12:00:00.123", "1:2:3 1/2/2003", "12:00 01/01/2000", "59"]
    },
    **{
        f"zero {zero}, initial {initial}": with_rest(f" 16 {zero} {initial} {SUMS[0]} 0 I")
        for zero in ("0", "-3", "1024")
        for initial in ("0", "-119", "32767")
    },
    **{f"block size {size}": with_rest(f" 16 0 0 {SUMS[0]} {size} I") for size in (0, 1, 512)},
    **{
        f"checksum {checksum}": with_rest(f" 16 0 0 {checksum} 0 I")
        for checksum in (SUMS[0] - 65536, SUMS[0], SUMS[0] + 65536)
    },
    **{
        f"name {name}": with_rest(f" 16 0 0 {SUMS[0]} 0 {name}")
        for name in ["MLII", "ECG I", "lead_I", "V1 # noisy", "resp chest", "I,II", "é", "12", "-aVR"]
    },
    "no name": with_rest(f" 16 0 0 {SUMS[0]} 0"),
    "no block size": with_rest(f" 16 0 0 {SUMS[0]}"),
    "no checksum": with_rest(" 16 0 0"),
    "no initial value": with_rest(" 16 0"),
    "no ADC zero": with_rest(" 16"),
    "no ADC resolution": with_rest(""),
    "a name at once": with_rest(" MLII"),
    "a name behind the resolution": with_rest(" 16 MLII"),
    "no gain": header(first="rec.dat 16"),
    "an empty unit": with_kind("16 200(3)/"),
    "no unit": with_kind("16 200(3)"),
    "the baseline is the ADC zero": with_rest(f" 16 77 0 {SUMS[0]} 0 I").replace("(0)/mV", "/mV"),
    "CRLF": header().replace("\n", "\r\n"),
    "no end of line": header().rstrip(),
    "tabs": header().replace(" ", "\t"),
    "many blanks": header().replace(" ", "   "),
    "blanks at both ends": "\n".join(f"  {line}  " for line in header().splitlines()),
    "comments in front": f"# one\n#two\n{header()}",
    "comments behind": f"{header()}# 56 M\n#Dx: 426783006\n",
    "comments between": f"{RECORD}\n# one\n{FIRST}\n  # two\n{SECOND}\n",
    "blank lines": f"\n{RECORD}\n\n{FIRST}\n \n{SECOND}\n\n",
    "another record's name": header(f"other-name_2 2 250 {N_SAMPLES}"),
    "no number of samples": header("rec 2 250"),
    "x1": with_kind("16x1 200(0)/mV").replace("dat 16 400", "dat 16x1 400"),
    "+0": with_kind("16+0 200(0)/mV").replace("dat 16 400", "dat 16+0 400"),
    "skew of 0": with_kind("16:0 200(0)/mV"),
}


def test_there_are_enough_of_them():
    assert len(SAME_AS_WFDB) > 124


@pytest.mark.parametrize("variant", SAME_AS_WFDB)
def test_a_sound_header_gives_what_wfdb_gives(tmp_path: Path, variant: str):
    path = lay(tmp_path, SAME_AS_WFDB[variant])
    recording, reference = read_recording(path), wfdb.rdrecord(str(path))
    np.testing.assert_array_equal(recording.signal.T, reference.p_signal)
    assert recording.sampling_rate == reference.fs


READ_HERE = {  # wfdb reads these otherwise, or not at all
    "BOM": "\ufeff" + header(),
    "a sign before the rate": header(f"rec 2 +250 {N_SAMPLES}"),
    "a rate with an exponent": header(f"rec 2 2.5e2 {N_SAMPLES}"),
    "a record named with its ending": header(f"rec.mat 2 250 {N_SAMPLES}"),
    "0 samples: unspecified": header("rec 2 250 0"),
    "any date": header(f"{RECORD} 14:50:55 05-May-2020"),
    "a sign before the gain": with_kind("16 +200(+0)/mV"),
}


@pytest.mark.parametrize("variant", READ_HERE)
def test_a_header_that_means_the_same_is_read_though_wfdb_stumbles(tmp_path: Path, variant: str):
    recording = read_recording(lay(tmp_path, READ_HERE[variant]))
    np.testing.assert_array_equal(recording.signal, ((COUNTS - [0, -5]) / [200, 400]).T)
    assert (recording.sampling_rate, recording.leads) == (250, ("I", "V2"))


@pytest.mark.parametrize(
    ("unit", "millivolts"),
    [
        ("mV", 1),
        ("MV", 1),
        ("uV", 1e-3),
        ("UV", 1e-3),
        ("µV", 1e-3),
        ("μV", 1e-3),
        ("V", 1e3),
        ("v", 1e3),
        ("nV", 1e-6),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_units_in_either_encoding(tmp_path: Path, unit: str, millivolts: float, encoding: str):
    if encoding == "latin-1" and unit == "μV":  # the Greek letter, which Latin-1 lacks
        pytest.skip("no such letter")
    path = lay(tmp_path, with_kind(f"16 200(0)/{unit}").encode(encoding))
    np.testing.assert_allclose(read_recording(path).signal[0], COUNTS[:, 0] / 200 * millivolts, rtol=1e-15)


MALFORMED = {
    "": "rec.hea is empty",
    "# only comments\n": "rec.hea is empty",
    header("rec"): "begins with rec, which is no record line",
    header("rec two 250 60"): "no record line",
    header("rec/x 2 250 60"): "no record line",
    header("rec 0 250 60"): "announces 0 signals, and can have 1 to 1000",
    header("rec 100000 250 60"): "announces 100000 signals, and can have",
    header("rec 3 250 60"): "announces 3 signals and describes 2",
    header("rec 1 250 60"): "announces 1 signals and describes 2",
    header("rec 2 0 60"): "gives 0 as sampling frequency",
    header("rec 2 -250 60"): "gives -250 as sampling frequency",
    header("rec 2 nan 60"): "gives nan as sampling frequency",
    header("rec 2 1e400 60"): "gives 1e400 as sampling frequency",
    header("rec 2 250Hz 60"): "gives 250Hz as sampling frequency",
    header("rec 2 250,5 60"): "gives 250,5 as sampling frequency",
    header("rec 2 250 -60"): "gives -60 as number of samples",
    header("rec 2 250 60.0"): "gives 60.0 as number of samples",
    header("rec 2 250 many"): "gives many as number of samples",
    header("rec 2 250 61"): "rec.dat has 240 bytes where its header says 244",
    header("rec 2 250 59"): "rec.dat has 240 bytes where its header says 236",
    header("rec 2 250 999999999999999"): "rec.dat has 240 bytes where its header says 3999999999999996",
    header(f"rec 2 250 {10**30}"): "as number of samples",
    header("rec/0 2 250 60"): "announces 0 segments",
    header("rec/99999 2 250 60"): "announces 99999 segments",
    header("rec/3 2 250 60"): "announces 3 segments and names 2",
    header("rec/2 2 250 60"): "which is no segment",
    header(first="rec.dat"): "gives lead 1 a file and no format",
    header(first="-"): "which is no name of a file beside it",
    header(first="../rec.dat 16 200"): r"the file \.\./rec.dat, which is no name of a file beside it",
    header(first="/etc/passwd 16 200"): "the file /etc/passwd, which is no name",
    header(first="..\\rec.dat 16 200"): "which is no name",
    header(first="C:rec.dat 16 200"): "which is no name",
    header(first="other.dat 16 200"): "other.dat is missing",
    header(second="other.dat 16 200"): "rec.dat has 240 bytes where its header says 120",
    with_kind("17 200(0)/mV"): "gives lead 1 the format 17, which is none of 8, 16, 24",
    with_kind("sixteen 200(0)/mV"): "the format sixteen, which is malformed",
    with_kind("-16 200(0)/mV"): "the format -16, which is malformed",
    with_kind("16:-3 200(0)/mV"): "the format 16:-3, which is malformed",
    with_kind("16x 200(0)/mV"): "the format 16x, which is malformed",
    with_kind("16x0 200(0)/mV"): "0 samples a frame",
    with_kind("16+24 200(0)/mV"): "several formats",
    with_kind("212 200(0)/mV"): "several formats",
    with_kind("0 200(0)/mV").replace("dat 16 400", "dat 0 400"): "format 0 in its header, which has no samples",
    with_kind("16 204,8/mV"): "gives lead 1 the gain 204,8/mV, which is malformed",
    with_kind("16 1000 (0)/mV"): r"the gain 1000 \(0\)/mV, which has a blank in it",
    with_kind("16 1000(0) /mV"): r"the gain 1000\(0\) /mV, which has a blank in it",
    with_kind("16 1000 /mV"): "which has a blank in it",
    with_kind("16 1e400/mV"): "the gain 1e400, which no recording can have",
    with_kind("16 -1e400/mV"): "the gain -1e400, which no recording can have",
    with_kind("16 1e-300/mV"): "the gain 1e-300, which no recording can have",
    with_kind("16 nan/mV"): "the gain nan/mV, which is malformed",
    with_kind("16 inf/mV"): "the gain inf/mV, which is malformed",
    with_kind("16 200(0.5)/mV"): "the gain 200",
    with_kind("16 200(0/mV"): "which is malformed",
    with_kind("16 200()/mV"): "which is malformed",
    with_kind("16 200mV"): "the gain 200mV, which is malformed",
    with_kind("16 0x10/mV"): "the gain 0x10/mV, which is malformed",
    with_kind(f"16 200({10**20})/mV"): "which is malformed",
    with_kind("16 200(0)/mmHg"): "rec.dat is in mmHg, not in mV, uV, nV or V",
    with_kind("16 200(0)/mV/cm"): "rec.dat is in mV/cm",
    with_rest(f" 16bit 0 0 {SUMS[0]} 0 I"): "the ADC resolution 16bit, which is no whole number",
    with_rest(f" 16 0.5 0 {SUMS[0]} 0 I"): "the ADC zero 0.5, which is no whole number",
    with_rest(f" 16 0 ? {SUMS[0]} 0 I"): r"the initial value \?, which is no whole number",
    with_rest(" 16 0 0 1.5 0 I"): "the checksum 1.5, which is no whole number",
    with_rest(f" 16 0 0 {SUMS[0] + 1} 0 I"): "rec.dat fails the checksum of lead 1 in its header",
    with_rest(f" 16 0 0 {SUMS[0]} 0 V2"): "rec.dat names a lead twice: V2, V2",
    with_rest(f" 16 0 0 {SUMS[0]} 0 ECG V2"): "names a lead twice",
    with_rest(f" 16 0 0 {SUMS[0]} 0 \x1b[31mV2").replace("V2\n", "V2\n", 1).replace(" V2\n", " \x1b[31mV2\n"): r"\\x1b",
}


@pytest.mark.parametrize("text", MALFORMED, ids=lambda text: repr(text)[:40])
def test_a_malformed_header_is_named_by_the_field(tmp_path: Path, text: str):
    with pytest.raises(RecordError, match=MALFORMED[text]) as told:
        read_recording(lay(tmp_path, text))
    assert str(told.value).isprintable()


def test_a_header_of_a_hundred_thousand_signals_is_refused(tmp_path: Path):
    """At once: as a file, and as a number."""
    lines = [f"rec 100000 250 {N_SAMPLES}", *["rec.dat 16 200(0)/mV 16 0 0 0 0 I"] * 100_000]
    with pytest.raises(RecordError, match=r"rec\.hea has 3[0-9]* bytes, and more than 1048576 are not read"):
        read_recording(lay(tmp_path, "\n".join(lines)))


_WORDS = (
    "rec rec.dat 16 16x2 16:3 16+24 212 0 -1 200 200(0)/mV 1e3 1e400 nan 2 250 500/1000(0) 60 ~ / V2 I mV µV # rec/2 "
    "\x00 99999999999 (0) 1e-9 8 524"
)
WORDS = st.sampled_from(_WORDS.split(" "))
LINES = st.lists(WORDS, max_size=9).map(" ".join)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.lists(LINES, max_size=4).map("\n".join).map(str.encode), st.binary(max_size=200)))
def test_any_header_is_an_answer_or_a_sentence(tmp_path: Path, data: bytes):
    check_answer(lay(tmp_path, data))


NUMBERS = st.one_of(st.integers(-9, 9), st.integers(-(10**9), 10**9)).map(str)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.floats(1e-3, 1e6).map("{:.6f}".format),
    st.integers(-40_000, 40_000),
    st.sampled_from(["mV", ""]),
    st.lists(NUMBERS, max_size=3),
)
def test_a_random_sound_header_gives_what_wfdb_gives(
    tmp_path: Path, gain: str, baseline: int, unit: str, numbers: list[str]
):
    path = lay(tmp_path, header(first=" ".join([f"rec.dat 16 {gain}({baseline})/{unit}", *numbers])))
    np.testing.assert_array_equal(read_recording(path).signal.T, wfdb.rdrecord(str(path)).p_signal)


def check_answer(path: Path) -> None:
    try:
        recording = read_recording(path)
    except RecordError as told:
        sentence = str(told)
    else:
        assert np.isfinite(recording.signal).all()
        assert len(recording.signal) == len(recording.leads)
        return
    assert sentence
    assert "\n" not in sentence
