"""HL7's annotated ECGs: origin + scale · digit, the rhythm among several series, and what others read of real files."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from machine_recordings import EIGHT, RATE, aecg_file, counts_of, real_file, sequence_set, series, write_xml

from pipeline.signals.leads import LEADS
from pipeline.sources.formats.opened import NotSaidError, Said
from pipeline.sources.formats.recording import RecordError, Recording
from pipeline.sources.formats.registry import open_file

COUNTS = counts_of(LEADS, 300)
SETS = sequence_set(COUNTS)
BEAT = sequence_set(counts_of(LEADS, 50, seed=1))


def read(tmp_path, *parts: str, said: Said = Said()) -> Recording:  # noqa: B008
    return open_file(write_xml(tmp_path / "a.xml", aecg_file(*parts)), said).read()


def refused(tmp_path, *parts: str) -> str:
    with pytest.raises(RecordError) as told:
        read(tmp_path, *parts)
    return str(told.value)


def test_a_value_is_origin_and_scale_times_digit(tmp_path):
    found = read(tmp_path, series(sequence_set(COUNTS, scale="2.5", origin="-40")))
    assert (found.leads, found.sampling_rate) == (LEADS, RATE)
    for lead, row in zip(LEADS, found.signal, strict=True):
        np.testing.assert_allclose(row, (2.5 * COUNTS[lead] - 40) / 1000, atol=1e-12)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('<origin value="-40" unit="uV"/>', '<origin value="-0.04" unit="mV"/>', 1e-3),
        ('<origin value="-40" unit="uV"/>', '<origin value="-40"/>', 1e-3),
        ('unit="uV"', 'unit="mV"', 1.0),
        ("SLIST_PQ", "SLIST_INT", 1e-3),
    ],
)
def test_units_of_origin_and_scale(tmp_path, old, new, expected):
    part = series(sequence_set(COUNTS, origin="-40")).replace(old, new)
    np.testing.assert_allclose(read(tmp_path, part).signal[1], expected * (2.5 * COUNTS["II"] - 40), atol=1e-9)


@pytest.mark.parametrize(("value", "unit", "rate"), [("4", "ms", 250.0), ("1000", "us", 1000.0), ("0.002", "s", 500.0)])
def test_the_step_of_time_is_the_rate(tmp_path, value, unit, rate):
    part = series(SETS.replace('increment value="0.002" unit="s"', f'increment value="{value}" unit="{unit}"'))
    assert read(tmp_path, part).sampling_rate == rate


@pytest.mark.parametrize(
    "parts",
    [
        [series(SETS, derived=BEAT)],
        [series(BEAT, code="REPRESENTATIVE_BEAT"), series(SETS)],
        [series(BEAT, code="SOMETHING_ELSE"), series(SETS)],
        [series(SETS, code="SOMETHING_ELSE"), series(BEAT, code="REPRESENTATIVE_BEAT")],
        [series(code="RHYTHM"), series(SETS)],
        [series(SETS, code="rhythm"), series(BEAT, code="representative_beat")],
        [series(derived=SETS).replace("REPRESENTATIVE_BEAT", "RHYTHM")],
    ],
)
def test_the_rhythm_is_read_and_never_the_beat(tmp_path, parts):
    np.testing.assert_allclose(read(tmp_path, *parts).signal[0], COUNTS["I"] * 0.0025)


def test_one_of_several_rhythms_is_named(tmp_path):
    other = counts_of(LEADS, 80, seed=2)
    parts = [series(SETS), series(sequence_set(other))]
    assert "holds 2 rhythm series: say which is the recording with --array 1 to 2" in refused(tmp_path, *parts)
    np.testing.assert_allclose(read(tmp_path, *parts, said=Said(array="2")).signal[0], other["I"] * 0.0025)


def test_leads_in_several_sets_of_one_time(tmp_path):
    sets = [sequence_set({lead: COUNTS[lead]}) for lead in EIGHT]
    assert read(tmp_path, series(*sets)).leads == EIGHT
    later = sequence_set({"III": COUNTS["III"]}, begin="20261128120003")
    assert "leads that were not recorded at the same time and rate" in refused(tmp_path, series(*sets, later))


def test_the_inverted_lead_is_another_one(tmp_path):
    part = series(SETS.replace("MDC_ECG_LEAD_AVR", "MDC_ECG_LEAD_AVRNEG").replace("MDC_ECG_LEAD_V1", "MDC_ECG_CODE"))
    assert read(tmp_path, part).leads == ("I", "II", "III", "-aVR", "aVL", "aVF", "V2", "V3", "V4", "V5", "V6")


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ([], "holds no series of a rhythm"),
        ([series()], "holds no series of a rhythm"),
        ([series(derived=BEAT)], "holds beats that stand for others, and no series of a rhythm"),
        ([series(BEAT, code="REPRESENTATIVE_BEAT")], "holds beats that stand for others, and no series"),
        ([series(SETS.replace("MDC_ECG_LEAD_", "MDC_PRESS_"))], "has a rhythm without leads"),
        ([series(SETS.replace('<scale value="2.5" unit="uV"/>', ""))], "has lead I without a scale"),
        ([series(SETS.replace('<scale value="2.5"', '<scale value="NaN"'))], "'NaN' as the scale of lead I"),
        ([series(SETS.replace('unit="uV"', 'unit="mmHg"'))], "is in mmHg, not in mV, uV, nV or V"),
        ([series(SETS.replace("<digits> ", "<digits> x ", 1))], "has lead I with a sample that is no number"),
        ([series(SETS.replace("<digits> ", "<digits> 1 ", 1))], "has 300 samples of lead II and 301 of I"),
        ([series(SETS.replace('unit="s"', 'unit="d"'))], "a time that grows in d, not in s, ms or us"),
        ([series(SETS.replace('"0.002"', '"0"'))], "0 as the step of its time, which must be above 0"),
        ([series(SETS.replace('"0.002"', '"1e-300"'))], "Hz as its sampling rate, which no recording has"),
        ([series(SETS.replace("_LEAD_II", "_LEAD_I"))], "names a lead twice"),
    ],
)
def test_what_is_refused(tmp_path, parts, sentence):
    assert sentence in refused(tmp_path, *parts)


def test_missing_samples_have_a_place(tmp_path):
    assert "a missing sample (NaN) in lead I at 0.000 s" in refused(
        tmp_path, series(SETS.replace("<digits> ", "<digits> NaN ").replace("\n        </digits>", "</digits>"))
    )


def test_what_nobody_says_is_asked(tmp_path):
    part = series(
        SETS.replace('<increment value="0.002" unit="s"/>', "").replace(
            '<scale value="2.5" unit="uV"/>', '<scale value="2.5"/>'
        )
    )
    with pytest.raises(NotSaidError, match="does not say its unit and sampling rate"):
        read(tmp_path, part)
    found = read(tmp_path, part, said=Said("uV", 250.0))
    assert found.sampling_rate == 250.0
    np.testing.assert_allclose(found.signal[0], COUNTS["I"] * 0.0025)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["aecg_hl7_example.xml", "aecg_subject1.xml", "aecg_minimum.xml"])
def test_real_files_are_what_ecgdatakit_reads(name):
    from ecgdatakit.parsing.parsers.hl7_aecg import HL7aECGParser

    path = real_file(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = HL7aECGParser().parse(Path(path))
    found = open_file(path).read()
    assert found.leads == tuple(lead.label for lead in theirs.leads)
    assert {found.sampling_rate} == {float(lead.sampling_rate) for lead in theirs.leads}
    for row, lead in zip(found.signal, theirs.leads, strict=True):
        np.testing.assert_allclose(row, (lead.samples * lead.resolution + lead.offset) / 1000, atol=1e-12)
    if len(found.leads) == 12:  # its limb leads hold together, to a count of 2.5 uV
        rows = dict(zip(found.leads, found.signal, strict=True))
        np.testing.assert_allclose(rows["III"], rows["II"] - rows["I"], atol=0.0051)


@pytest.mark.realdata
def test_a_real_file_without_series():
    with pytest.raises(RecordError, match="holds no series of a rhythm"):
        open_file(real_file("aecg_empty.xml"))
