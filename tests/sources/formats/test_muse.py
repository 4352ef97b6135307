"""GE MUSE: counts times units per bit, the rhythm and not the median beats, eight leads that become twelve."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from machine_recordings import EIGHT, RATE, counts_of, in_base64, muse, muse_file, real_file, write_xml

from pipeline.signals.leads import LEADS
from pipeline.sources.formats.opened import NotSaidError, Said
from pipeline.sources.formats.recording import RecordError, Recording
from pipeline.sources.formats.registry import open_file

COUNTS = counts_of(EIGHT, 300)
RHYTHM = muse(COUNTS)
MEDIAN = muse(counts_of(EIGHT, 60, seed=1), "Median")


def read(tmp_path, *waveforms: str, said: Said = Said()) -> Recording:  # noqa: B008
    return open_file(write_xml(tmp_path / "a.xml", muse_file(*waveforms)), said).read()


def refused(tmp_path, *waveforms: str) -> str:
    with pytest.raises(RecordError) as told:
        read(tmp_path, *waveforms)
    return str(told.value)


@pytest.mark.parametrize("waveforms", [[RHYTHM], [MEDIAN, RHYTHM], [RHYTHM, MEDIAN]])
def test_eight_leads_of_the_rhythm_become_twelve(tmp_path, waveforms):
    found = read(tmp_path, *waveforms)
    assert (found.leads, found.sampling_rate) == (LEADS, RATE)
    one, two = (0.00488 * COUNTS[lead] for lead in ("I", "II"))
    expected = {lead: 0.00488 * COUNTS[lead] for lead in EIGHT}
    expected |= {"III": two - one, "aVR": -(one + two) / 2, "aVL": one - two / 2, "aVF": two - one / 2}
    for lead, row in zip(found.leads, found.signal, strict=True):
        np.testing.assert_allclose(row, expected[lead], atol=1e-12)


def test_leads_that_are_there_are_not_computed_again(tmp_path):
    counts = counts_of(LEADS, 200)
    counts["aVR"] = counts["aVR"] + 100
    counts["V4R"] = counts["V4"]
    found = read(tmp_path, muse(counts))
    assert found.leads == (*LEADS, "V4R")
    np.testing.assert_allclose(found.signal[3], 0.00488 * counts["aVR"])
    assert read(tmp_path, muse({"V2": counts["V2"]})).leads == ("V2",)


@pytest.mark.parametrize(
    ("old", "new", "factor", "rate"),
    [
        ("MICROVOLTS", "MILLIVOLTS", 1000, RATE),
        ("4.88", "4,88", 1, RATE),
        ("<SampleExponent>0<", "<SampleExponent>1<", 1, 10 * RATE),
        ("<SampleExponent>0</SampleExponent>", "", 1, RATE),
    ],
)
def test_units_and_rates(tmp_path, old, new, factor, rate):
    found = read(tmp_path, RHYTHM.replace(old, new))
    assert found.sampling_rate == rate
    np.testing.assert_allclose(found.signal[0], factor * 0.00488 * COUNTS["I"])


def test_one_of_two_rhythms_is_named(tmp_path):
    other = counts_of(EIGHT, 40, seed=3)
    assert "holds 2 rhythms: say which" in refused(tmp_path, RHYTHM, muse(other))
    assert read(tmp_path, RHYTHM, muse(other), said=Said(array="2")).signal.shape == (12, 40)


ENCODED = in_base64(COUNTS["I"])


@pytest.mark.parametrize(
    ("waveform", "sentence"),
    [
        ("", "holds no rhythm"),
        (MEDIAN, "holds median beats, and no rhythm"),
        (muse({}), "has a rhythm without leads"),
        (RHYTHM.replace("<NumberofLeads>8", "<NumberofLeads>12"), "announces 12 leads and has 8"),
        (RHYTHM.replace(">300<", f">{10**12}<"), "announces 1000000000000 samples of lead I and has 300"),
        (RHYTHM.replace(ENCODED, ENCODED[:-3]), "has lead I in damaged or cut off base64"),
        (RHYTHM.replace(ENCODED, ENCODED[:-4]), "has lead I in 597 bytes, which are no samples of two bytes"),
        (RHYTHM.replace(ENCODED, ENCODED[:-8]), "announces 300 samples of lead I and has 297"),
        (RHYTHM.replace(ENCODED, "AAAA" + ENCODED[4:]), "has lead I that fails its checksum"),
        (RHYTHM.replace(ENCODED, ""), "has lead I without samples"),
        (RHYTHM.replace("MICROVOLTS", "FATHOMS"), "a lead in FATHOMS, not in MICROVOLTS"),
        (RHYTHM.replace("MICROVOLTS", "VOLTS", 1), "has leads in different units"),
        (RHYTHM.replace("4.88", "much", 1), "'much' as the units per bit of lead I, which is no number"),
        (RHYTHM.replace("Size>2<", "Size>4<"), "samples of 4 bytes, and those of 2 are read"),
        (RHYTHM.replace("Baseline>0<", "Baseline>9<"), "a baseline of lead I, which no document explains"),
        (RHYTHM.replace("FirstSample>0<", "FirstSample>9<", 1), "leads that do not begin at the same time"),
        (RHYTHM.replace("Exponent>0<", "Exponent>1000<"), "1000 as the exponent of its sampling rate"),
        (RHYTHM.replace("<LeadID>II<", "<LeadID>I<"), "names a lead twice"),
        (RHYTHM.replace(str(RATE), "0", 1), "says 0.0 Hz as its sampling rate, which no recording has"),
    ],
)
def test_what_is_refused(tmp_path, waveform, sentence):
    assert sentence in refused(tmp_path, waveform)


def test_what_nobody_says_is_asked(tmp_path):
    bare = RHYTHM.replace("<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits>", "").replace(
        f"<SampleBase>{RATE}</SampleBase>", ""
    )
    with pytest.raises(NotSaidError, match="does not say its unit and sampling rate"):
        read(tmp_path, bare)
    found = read(tmp_path, bare, said=Said("uV", 250.0))
    np.testing.assert_allclose(found.signal[0], 0.00488 * COUNTS["I"])


@pytest.mark.realdata
def test_a_real_file_is_what_ecgdatakit_reads():
    from ecgdatakit.parsing.parsers.ge_muse_xml import GEMuseXMLParser

    path = real_file("muse_resting.xml")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = GEMuseXMLParser().parse(Path(path))
    found = open_file(path).read()
    rows = dict(zip(found.leads, found.signal, strict=True))
    assert found.leads == LEADS
    assert {lead.label for lead in theirs.leads} == set(EIGHT)
    for lead in theirs.leads:
        assert found.sampling_rate == lead.sampling_rate
        np.testing.assert_allclose(rows[lead.label], lead.samples * lead.resolution / 1000, atol=1e-12)
    np.testing.assert_allclose(rows["aVF"], (rows["II"] + rows["III"]) / 2, atol=1e-12)
