"""Recordings of invented people as machines write them in XML, and where real ones lie."""

import base64
import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from pipeline.signals.leads import LEADS

ROOT = Path(__file__).resolve().parent.parent
EIGHT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
RATE = 500


def real_file(name: str) -> str:
    """A file of a clinical machine, in the folder that ``ECG_FORMATS`` names or beside the repository."""
    named = os.environ.get("ECG_FORMATS")
    folders = [Path(named)] if named else [above / "shared/data/formats" for above in ROOT.parents]
    found = next((folder / name for folder in folders if (folder / name).is_file()), None)
    if found is None:
        pytest.skip(f"no file of a machine: {name} is missing (ECG_FORMATS names the folder that holds it)")
    return str(found)


def counts_of(leads: Sequence[str], n_samples: int = 1200, seed: int = 0) -> dict[str, np.ndarray]:
    """Whole numbers of each lead, that wander and hold together as limb leads do, halves rounded down."""
    steps = np.random.default_rng(seed).integers(-20, 21, (len(LEADS), n_samples))
    found = dict(zip(LEADS, np.cumsum(steps, axis=1) - 7, strict=True))
    one, two = found["I"], found["II"]
    found |= {"III": two - one, "aVR": -((one + two) // 2), "aVL": one - two // 2, "aVF": two - one // 2}
    return {lead: found[lead].astype(np.int64) for lead in leads}


def in_base64(counts: np.ndarray) -> str:
    text = base64.b64encode(counts.astype("<i2").tobytes()).decode()
    return "\n".join(text[place : place + 76] for place in range(0, len(text), 76))


def muse(counts: Mapping[str, np.ndarray], kind: str = "Rhythm", per_bit: str = "4.88") -> str:
    leads = "".join(
        f"""<LeadData><LeadByteCountTotal>{2 * len(samples)}</LeadByteCountTotal>
        <LeadSampleCountTotal>{len(samples)}</LeadSampleCountTotal>
        <LeadAmplitudeUnitsPerBit>{per_bit}</LeadAmplitudeUnitsPerBit>
        <LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits><LeadID>{lead.upper()}</LeadID>
        <LeadOffsetFirstSample>0</LeadOffsetFirstSample><FirstSampleBaseline>0</FirstSampleBaseline>
        <LeadSampleSize>2</LeadSampleSize>
        <LeadDataCRC32>{zlib.crc32(samples.astype("<i2").tobytes())}</LeadDataCRC32>
        <WaveFormData>{in_base64(samples)}</WaveFormData></LeadData>"""
        for lead, samples in counts.items()
    )
    return f"""<Waveform><WaveformType>{kind}</WaveformType><NumberofLeads>{len(counts)}</NumberofLeads>
    <SampleBase>{RATE}</SampleBase><SampleExponent>0</SampleExponent>{leads}</Waveform>"""


def muse_file(*waveforms: str) -> str:
    return f"""<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE RestingECG SYSTEM "restecg.dtd">
<RestingECG><PatientDemographics><PatientLastName>M\xfcller-Erfunden</PatientLastName></PatientDemographics>
{"".join(waveforms)}</RestingECG>"""


def sequence_set(counts: Mapping[str, np.ndarray], scale: str = "2.5", origin: str = "0", begin: str = "0") -> str:
    leads = "".join(
        f"""<component><sequence><code code="MDC_ECG_LEAD_{lead.upper()}"/><value xsi:type="SLIST_PQ">
        <origin value="{origin}" unit="uV"/><scale value="{scale}" unit="uV"/>
        <!-- each sample --><digits> {" ".join(map(str, samples))}
        </digits></value></sequence></component>"""
        for lead, samples in counts.items()
    )
    return f"""<component><sequenceSet><component><sequence><code code="TIME_ABSOLUTE"/>
    <value xsi:type="GLIST_TS"><head value="{begin}"/><increment value="{1 / RATE}" unit="s"/></value>
    </sequence></component>{leads}</sequenceSet></component>"""


def series(*parts: str, code: str = "RHYTHM", derived: str = "") -> str:
    beat = f'<derivation><derivedSeries><code code="REPRESENTATIVE_BEAT"/>{derived}</derivedSeries></derivation>'
    return f'<component><series><code code="{code}"/>{"".join(parts)}{beat if derived else ""}</series></component>'


def aecg_file(*parts: str) -> str:
    return f"""<?xml version="1.0" encoding="utf-8"?><!-- one that nobody has --><AnnotatedECG
    xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{"".join(parts)}</AnnotatedECG>"""


def cardiosoft_file(counts: Mapping[str, np.ndarray], write=lambda samples: ",".join(map(str, samples))) -> str:
    leads = "".join(
        f'<WaveformData lead="{lead}">\t{write(samples)}</WaveformData>' for lead, samples in counts.items()
    )
    n_samples = len(next(iter(counts.values())))
    return f"""<?xml version="1.0" encoding="ISO-8859-1" ?><CardiologyXML><ObservationType>RestECG</ObservationType>
    <RestingECGMeasurements><MedianSamples><SampleRate units="Hz">500</SampleRate>
    <WaveformData lead="I">1,2,3</WaveformData></MedianSamples></RestingECGMeasurements>
    <StripData><NumberOfLeads>{len(counts)}</NumberOfLeads><SampleRate units="Hz">{RATE}</SampleRate>
    <ChannelSampleCountTotal>{n_samples}</ChannelSampleCountTotal><Resolution units="uVperLsb">5</Resolution>
    {leads}</StripData></CardiologyXML>"""


def lzw(data: bytes) -> bytes:
    """Codes of ten bits for the longest strings that are known, as Philips' machines write them."""
    known = {bytes([byte]): byte for byte in range(256)}
    codes, word = [], b""
    for byte in data:
        longer = word + bytes([byte])
        if longer in known:
            word = longer
            continue
        codes.append(known[word])
        if len(known) <= 1022:
            known[longer] = len(known)
        word = bytes([byte])
    codes += [known[word], 1023]
    bits = "".join(f"{code:010b}" for code in codes)
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


def xli_block(samples: np.ndarray) -> bytes:
    """A lead: its first two samples, then what the step changes by, each one place later than it is used."""
    bends = samples[:-2] - 2 * samples[1:-1] + samples[2:]
    words = np.concatenate([samples[:2], 64 - bends[1:], [64]]).astype("<i2")
    high_and_low = (words.view("<u2") >> 8).astype(np.uint8).tobytes() + (words.view("<u2") & 255).astype(
        np.uint8
    ).tobytes()
    packed = lzw(high_and_low)
    return len(packed).to_bytes(4, "little") + b"\1\0" + int(-bends[0]).to_bytes(2, "little", signed=True) + packed


def as_differences(counts: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """What Philips stores of twelve leads: of four limb leads what others do not give."""
    one, two, three, right, left, foot = (counts[lead] for lead in LEADS[:6])
    rest = [counts[lead] for lead in LEADS[6:]]
    return [
        one,
        two,
        two - one - three,
        -right - (one + two) // 2,
        (one - three) // 2 - left,
        (two + three) // 2 - foot,
        *rest,
    ]


def philips_file(
    counts: Mapping[str, np.ndarray], version: str = "1.04", packing: str = "XLI", coding: str = "Base64"
) -> str:
    n_samples = len(counts["I"])
    if packing == "XLI":
        text = base64.b64encode(b"".join(map(xli_block, as_differences(counts)))).decode()
    elif coding == "Plain":
        text = " ".join(str(sample) for samples in counts.values() for sample in samples)
    else:
        text = in_base64(np.concatenate(list(counts.values())))
    duration = n_samples * 1000 // RATE
    if version == "1.03":
        how = f'compressflag="True" compressmethod="{packing}" dataencoding="{coding}" durationperchannel="{duration}"'
        resolution = "<signalresolution>5</signalresolution>"
    else:
        how = f"""compression="{packing}" dataencoding="{coding}" numberofleads="12" leadlabels="{" ".join(counts)}"
        durationperchannel="{duration}" samplespersecond="{RATE}" resolution="5" signaloffset="0" """
        resolution = "<resolution>5</resolution>"
    encoding = "UTF-8" if version == "1.03" else "utf-16"
    return f"""<?xml version="1.0" encoding="{encoding}"?><restingecgdata xmlns="http://www3.medical.philips.com">
    <documentinfo><documenttype>SierraECG</documenttype><documentversion>{version}</documentversion></documentinfo>
    <dataacquisition><signalcharacteristics><samplingrate>{RATE}</samplingrate>{resolution}
    <acquisitiontype>STD-12</acquisitiontype><numberchannelsallocated>12</numberchannelsallocated>
    </signalcharacteristics></dataacquisition>
    <waveforms><parsedwaveforms {how}>{text}</parsedwaveforms>
    <repbeats dataencoding="Base64"><repbeat leadname="I">AAAA</repbeat></repbeats></waveforms></restingecgdata>"""


def write_xml(path: Path, text: str) -> str:
    """In the encoding that the text names."""
    encoding = "utf-16" if 'encoding="utf-16"' in text else "latin-1" if "ISO-8859-1" in text else "utf-8"
    path.write_bytes(text.encode(encoding))
    return str(path)
