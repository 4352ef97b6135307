"""GE CardioSoft: the strip of ten seconds in numbers or base64, and not the median beats or the full disclosure."""

import re
from pathlib import Path

import numpy as np
import pytest
from machine_recordings import RATE, cardiosoft_file, counts_of, in_base64, real_file, write_xml

from pipeline.signals.leads import LEADS
from pipeline.sources.formats.opened import NotSaidError, Said
from pipeline.sources.formats.recording import RecordError, Recording
from pipeline.sources.formats.registry import open_file

COUNTS = counts_of(LEADS, 300)
FILE = cardiosoft_file(COUNTS)


def read(tmp_path, text: str, said: Said = Said()) -> Recording:  # noqa: B008
    return open_file(write_xml(tmp_path / "a.xml", text), said).read()


@pytest.mark.parametrize("text", [FILE, cardiosoft_file(COUNTS, in_base64), FILE.replace("uVperLsb", "UVPERLSB")])
def test_the_strip_in_numbers_or_base64(tmp_path, text):
    found = read(tmp_path, text)
    assert (found.leads, found.sampling_rate) == (LEADS, RATE)
    for lead, row in zip(LEADS, found.signal, strict=True):
        np.testing.assert_allclose(row, 0.005 * COUNTS[lead], atol=1e-12)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (re.sub("<StripData>.*</StripData>", "", FILE, flags=re.DOTALL), "holds no strip"),
        (FILE.replace("StripData>", "FullDisclosure>"), "holds no strip"),
        (FILE.replace("Leads>12<", "Leads>8<"), "announces 8 leads and has 12"),
        (FILE.replace("Total>300<", f"Total>{10**12}<"), "announces 1000000000000 samples of lead I and has 300"),
        (FILE.replace("uVperLsb", "mmHg"), "a resolution in mmHg, not in uVperLsb"),
        (FILE.replace("uVperLsb", "mmHgperLsb"), "is in mmHg, not in mV, uV, nV or V"),
        (FILE.replace(">5</Res", ">five</Res"), "'five' as its resolution, which is no number"),
        (FILE.replace('lead="I">\t', 'lead="I">\t7,'), "announces 300 samples of lead I and has 301"),
        (FILE.replace('lead="I">\t', 'lead="I">\t7-,'), "has lead I with a sample that is no number"),
        (FILE.replace('lead="I">\t', 'lead="I">\tx,'), "has lead I in damaged or cut off base64"),
        (FILE.replace('lead="II"', 'lead="I"'), "names a lead twice"),
        (cardiosoft_file(COUNTS, lambda samples: ""), "has lead I without samples"),
        (cardiosoft_file(COUNTS, lambda samples: in_base64(samples)[:-3]), "has lead I in damaged or cut off base64"),
    ],
)
def test_what_is_refused(tmp_path, text, sentence):
    with pytest.raises(RecordError) as told:
        read(tmp_path, text)
    assert sentence in str(told.value)


def test_what_nobody_says_is_asked(tmp_path):
    bare = FILE.replace(' units="uVperLsb"', "").replace(f'<SampleRate units="Hz">{RATE}</SampleRate>', "")
    with pytest.raises(NotSaidError, match="does not say its unit and sampling rate"):
        read(tmp_path, bare)
    np.testing.assert_allclose(read(tmp_path, bare, Said("uV", 250.0)).signal[1], 0.005 * COUNTS["II"])


@pytest.mark.realdata
def test_a_real_file_holds_together():
    """No other program that we know reads it: its numbers are compared with its text, and its leads with each other."""
    path = real_file("cardiosoft_resting.xml")
    found = open_file(path).read()
    strip = Path(path).read_text("latin-1").partition("<StripData>")[2].partition("</StripData>")[0]
    texts = dict(re.findall(r'<WaveformData lead="(\w+)">([^<]*)<', strip))
    assert found.leads == tuple(texts) == LEADS
    assert (found.sampling_rate, found.signal.shape) == (500.0, (12, 5000))
    for lead, row in zip(LEADS, found.signal, strict=True):
        np.testing.assert_allclose(row, np.fromstring(texts[lead], sep=",") * 5 / 1000, atol=1e-12)
    one, two, three, right, left, foot = found.signal[:6]
    np.testing.assert_allclose(three, two - one, atol=0.0051)
    np.testing.assert_allclose(right, -(one + two) / 2, atol=0.0051)
    np.testing.assert_allclose(left, (one - three) / 2, atol=0.0051)
    np.testing.assert_allclose(foot, (two + three) / 2, atol=0.0051)
