"""Philips' Sierra XML: compressed and not, both versions, and the counts of real files as sierraecg has them."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from machine_recordings import RATE, counts_of, philips_file, real_file, write_xml

from pipeline.signals.leads import LEADS
from pipeline.sources.formats.opened import Said
from pipeline.sources.formats.recording import MOST_SAMPLES, RecordError, Recording
from pipeline.sources.formats.registry import open_file

COUNTS = counts_of(LEADS, 300)
FILE = philips_file(COUNTS)


def read(tmp_path, text: str, said: Said = Said()) -> Recording:  # noqa: B008
    return open_file(write_xml(tmp_path / "a.xml", text), said).read()


@pytest.mark.parametrize(
    ("packing", "coding"), [("XLI", "Base64"), ("Uncompressed", "Base64"), ("Uncompressed", "Plain")]
)
@pytest.mark.parametrize("version", ["1.03", "1.04", "1.04.01", "1.04.02"])
def test_every_version_and_packing(tmp_path, version, packing, coding):
    found = read(tmp_path, philips_file(COUNTS, version, packing, coding))
    assert (found.leads, found.sampling_rate) == (LEADS, RATE)
    for lead, row in zip(LEADS, found.signal, strict=True):
        np.testing.assert_allclose(row, 0.005 * COUNTS[lead], atol=1e-12)


def test_the_offset_is_the_count_of_no_voltage(tmp_path):
    found = read(tmp_path, FILE.replace('signaloffset="0"', 'signaloffset="10"'))
    np.testing.assert_allclose(found.signal[7], 0.005 * (COUNTS["V2"] - 10))


def test_a_calibration_pulse_behind_the_recording_is_left_out(tmp_path):
    pulse = np.repeat([0, 200, 0], 40)
    with_pulse = {lead: np.concatenate([samples, pulse]) for lead, samples in COUNTS.items()}
    text = philips_file(with_pulse, packing="Uncompressed")
    np.testing.assert_allclose(read(tmp_path, text).signal[0], 0.005 * COUNTS["I"])
    flat = {lead: np.concatenate([samples, 0 * pulse]) for lead, samples in COUNTS.items()}
    assert read(tmp_path, philips_file(flat, packing="Uncompressed")).signal.shape == (12, 420)
    same = dict.fromkeys(LEADS, COUNTS["I"])
    assert read(tmp_path, philips_file(same, packing="Uncompressed")).signal.shape == (12, 300)


def test_leads_of_other_names_hold_themselves(tmp_path):
    names = ("I", "II", "V7", "V8", "V9", "V3R", *LEADS[6:])
    text = FILE.replace(" ".join(LEADS), " ".join(names))
    found = read(tmp_path, text)
    assert found.leads == names
    np.testing.assert_allclose(found.signal[2], 0.005 * (COUNTS["II"] - COUNTS["I"] - COUNTS["III"]))
    with pytest.raises(RecordError, match="compressed limb leads in an order of which nobody knows what they hold"):
        read(tmp_path, text.replace("V7", "aVF"))


ANNOUNCED = 'durationperchannel="600"'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (FILE.replace("version>1.04", "version>2.0"), "is of version 2.0, and read are 1.03, 1.04"),
        (FILE.replace("parsedwaveforms", "other"), "holds no waveforms (parsedwaveforms)"),
        (FILE.replace(ANNOUNCED, f'durationperchannel="{10**12}"'), f"no more than {MOST_SAMPLES} samples are read"),
        (FILE.replace(ANNOUNCED, 'durationperchannel="1e9"'), f"no more than {MOST_SAMPLES} samples are read"),
        (FILE.replace(ANNOUNCED, 'durationperchannel="-5"'), "announces -5 ms of 12 leads"),
        (FILE.replace(ANNOUNCED, ""), "'' as the duration of a channel, which is no number"),
        (FILE.replace(ANNOUNCED, 'durationperchannel="900"'), "announces 450 samples of a lead and unpacks to 300"),
        (FILE.replace(ANNOUNCED, 'durationperchannel="20"'), "unpacks to more samples of a lead than it announces"),
        (FILE.replace('"Base64" num', '"Plain" num'), "has waveforms in Plain, XLI, which are not read"),
        (FILE.replace('compression="XLI"', 'compression="ZIP"'), "has waveforms in Base64, ZIP, which are not read"),
        (FILE.replace(' resolution="5"', ' resolution="fine"'), "'fine' as its resolution, which is no number"),
        (FILE.replace("</parsedwaveforms>", "A</parsedwaveforms>"), "has waveforms in damaged or cut off base64"),
        (FILE.replace(" V6", " V5"), "names a lead twice"),
        (
            FILE.replace(f'leadlabels="{" ".join(LEADS)}"', "").replace("STD-12", "STD-16"),
            "does not name the leads of its acquisition STD-16",
        ),
        (
            FILE.replace(f'samplespersecond="{RATE}"', "").replace("samplingrate", "other"),
            "does not say its sampling rate",
        ),
        (
            philips_file(COUNTS, packing="Uncompressed").replace(ANNOUNCED, 'durationperchannel="620"'),
            "announces 310 samples of 12 leads and has 3600 of all",
        ),
    ],
)
def test_what_is_refused(tmp_path, text, sentence):
    with pytest.raises(RecordError) as told:
        read(tmp_path, text)
    assert sentence in str(told.value)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["philips_1_03.xml", "philips_1_03_repbeats.xml", "philips_1_04.xml"])
def test_real_files_are_what_sierraecg_and_ecgdatakit_read(name):
    import sierraecg
    from ecgdatakit.parsing.parsers.sierra_xml import SierraXMLParser

    path = real_file(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = SierraXMLParser().parse(Path(path))
    theirs = sierraecg.read_file(path)
    found = open_file(path).read()
    n_samples = found.signal.shape[1]
    assert found.leads == tuple(lead.label for lead in theirs.leads) == tuple(lead.label for lead in other.leads)
    assert {found.sampling_rate} == {lead.sampling_freq for lead in theirs.leads}
    for row, lead, again in zip(found.signal, theirs.leads, other.leads, strict=True):
        np.testing.assert_allclose(row, lead.samples[:n_samples] * 0.005, atol=1e-12)
        np.testing.assert_allclose(row, again.samples[:n_samples] * again.resolution / 1000, atol=1e-12)
    pulse = np.stack([lead.samples[n_samples:] for lead in theirs.leads])
    assert 0.4 <= pulse.shape[1] / found.sampling_rate < 0.5
    assert set(np.unique(pulse)) == {0, 200}, "what is left out is a pulse of 1 mV in all leads"
