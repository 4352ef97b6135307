"""Philips' Sierra XML, versions 1.03 and 1.04: the waveforms of a resting ECG, compressed (XLI) or not.

Representative beats (``repbeats``) stand beside them, and are never read as the recording; nor is the calibration
pulse that some machines write behind it, the same in all leads.

Reference: https://github.com/sixlettervariables/sierra-ecg-tools, whose counts are the same. Compressed, III holds
II - I - III, aVR -aVR - (I + II) / 2, aVL (I - III) / 2 - aVL and aVF (II + III) / 2 - aVF, rounded down.
"""

from xml.etree.ElementTree import Element

import numpy as np

from pipeline.signals.leads import LEADS, canonical_lead
from pipeline.signals.limb_leads import LIMB_LEADS
from pipeline.sources.formats.opened import OpenedFile, Said
from pipeline.sources.formats.philips_xli import unpacked_leads
from pipeline.sources.formats.recording import MOST_SAMPLES, RecordError, shown
from pipeline.sources.formats.xml_files import (
    base64_bytes,
    base64_counts,
    number_of,
    numbers,
    opened_leads,
    parsed,
    rate_of,
    root_name,
    text_of,
    the_wanted,
)

_ROOT = "restingecgdata"
_VERSIONS = ("1.03", "1.04")
_TWELVE = ("STD-12", "10-WIRE")
_LONGEST = 10**9  # ms of a channel
_LEAST_PULSE = 0.1  # s


def is_philips(path: str) -> bool:
    """Whether a file is of this format, by its root."""
    return root_name(path) == _ROOT


def open_philips(path: str, said: Said) -> OpenedFile:
    """The waveforms of all leads, as they were recorded.

    Raises:
        RecordError: it is damaged, of another version, or holds no waveforms.
    """
    root = parsed(path, _ROOT)
    version = text_of(root, "documentinfo/documentversion")
    if not version.startswith(_VERSIONS):
        raise RecordError(f"{path} is of version {shown(version) or 'unknown'}, and read are {', '.join(_VERSIONS)}")
    waveforms = root.findall("waveforms/parsedwaveforms")
    if not waveforms:
        raise RecordError(f"{path} holds no waveforms (parsedwaveforms): export the recording itself")
    waveform = the_wanted(path, waveforms, "waveforms", said.array)
    about = root.find("dataacquisition/signalcharacteristics")
    rate = rate_of(path, waveform.get("samplespersecond") or text_of(about, "samplingrate"))
    if rate is None:
        raise RecordError(f"{path} does not say its sampling rate: export it again")
    leads = _leads(path, waveform, about)
    counts = _without_pulse(_counts(path, waveform, leads, rate), round(_LEAST_PULSE * rate))
    resolution = waveform.get("resolution") or text_of(about, "resolution") or text_of(about, "signalresolution")
    zero = waveform.get("signaloffset") or text_of(about, "signaloffset") or "0"
    microvolts = (counts - number_of(path, "its offset", zero)) * number_of(path, "its resolution", resolution)
    return opened_leads(path, list(zip(leads, microvolts, strict=True)), ["uV"], rate, said)


def _leads(path: str, waveform: Element, about: Element | None) -> tuple[str, ...]:
    """Canonical names in the order of the waveforms; a recording of twelve leads need not name them."""
    labels = (waveform.get("leadlabels") or "").split()
    announced = waveform.get("numberofleads") or (text_of(about, "numberchannelsallocated") if not labels else "")
    count = number_of(path, "the number of its leads", announced) if announced else len(labels)
    kind = text_of(about, "acquisitiontype")
    if not labels and kind not in _TWELVE:
        raise RecordError(f"{path} does not name the leads of its acquisition {shown(kind)}, which is not read")
    named = tuple(map(canonical_lead, labels)) if labels else LEADS
    return named[: int(min(max(count, 1), len(named)))]


def _counts(path: str, waveform: Element, leads: tuple[str, ...], rate: float) -> np.ndarray:
    """What is stored of each lead, as whole numbers."""
    duration = number_of(path, "the duration of a channel", waveform.get("durationperchannel") or "")
    n_samples = round(duration * rate / 1000)
    if not 0 < duration <= _LONGEST or not 0 < n_samples * len(leads) <= MOST_SAMPLES:
        raise RecordError(
            f"{path} announces {duration:g} ms of {len(leads)} leads, and no more than {MOST_SAMPLES} samples are read"
        )
    packing = waveform.get("compressmethod") or waveform.get("compression") or "Uncompressed"
    coding, text = waveform.get("dataencoding") or "", text_of(waveform)
    if (
        coding not in ("Base64", "Plain")
        or packing not in ("XLI", "Uncompressed")
        or (coding, packing)
        == (
            "Plain",
            "XLI",
        )
    ):
        raise RecordError(f"{path} has waveforms in {shown(coding)}, {shown(packing)}, which are not read")
    if packing == "XLI":
        counts = unpacked_leads(path, base64_bytes(path, "waveforms", text), len(leads), n_samples)
        if leads[:6] == LIMB_LEADS:
            return _rebuilt(counts)
        if set(leads) & set(LIMB_LEADS[2:]):
            raise RecordError(f"{path} has compressed limb leads in an order of which nobody knows what they hold")
        return counts
    flat = (numbers if coding == "Plain" else base64_counts)(path, "waveforms", text)
    if len(flat) < n_samples * len(leads):
        raise RecordError(
            f"{path} announces {n_samples} samples of {len(leads)} leads and has {len(flat)} of all: export it again"
        )
    return flat[: n_samples * len(leads)].reshape(len(leads), n_samples)


def _rebuilt(counts: np.ndarray) -> np.ndarray:
    """The limb leads of what they differ from those that two others give."""
    one, two, three, right, left, foot = counts[:6]
    three = two - one - three
    right = -right - (one + two) // 2
    left = (one - three) // 2 - left
    foot = (two + three) // 2 - foot
    return np.concatenate([np.stack([one, two, three, right, left, foot]), counts[6:]])


def _without_pulse(counts: np.ndarray, least: int) -> np.ndarray:
    """The recording without the calibration pulse at its end: samples that are the same in all leads, and not 0.

    Args:
        counts: of all leads.
        least: samples that a pulse has.

    Shape:
        (leads, time).
    """
    differing = np.flatnonzero((counts != counts[0]).any(axis=0))
    last = int(differing[-1]) + 1 if len(differing) else counts.shape[1]
    is_pulse = counts.shape[1] - last >= least and counts[0, last:].any()
    return counts[:, :last] if is_pulse else counts
