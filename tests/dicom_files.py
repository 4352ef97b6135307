"""Small DICOM waveforms of nobody, to be read and damaged."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, TwelveLeadECGWaveformStorage, generate_uid

LEADS = ("I", "II", "V2")
N_SAMPLES = 500
KINDS = {"i1": (8, "SB"), "u1": (8, "UB"), "i2": (16, "SS"), "u2": (16, "US"), "i4": (32, "SL"), "u4": (32, "UL")}
SCP = {"I": "5.6.3-9-1", "II": "5.6.3-9-2", "V1": "5.6.3-9-3", "V2": "5.6.3-9-4", "III": "5.6.3-9-61"}


def counts_of(n_leads: int = 3, n_samples: int = N_SAMPLES, seed: int = 0, kind: str = "i2") -> np.ndarray:
    """(samples, leads)"""
    limits = np.iinfo(kind)
    drawn = np.random.default_rng(seed).integers(max(limits.min, -900) // 2, min(limits.max, 900), (n_samples, n_leads))
    return drawn.astype(kind)


def code(value: str, scheme: str = "SCPECG", meaning: str = "") -> list[Dataset]:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return [item]


def channel(lead: str, unit: str | None = "uV", sensitivity: Any = 2.5, **changes: Any) -> Dataset:
    item = Dataset()
    item.ChannelSourceSequence = code(SCP.get(lead, "x"), "SCPECG" if lead in SCP else "99LOCAL", f"Lead {lead}")
    if sensitivity is not None:
        item.ChannelSensitivity = sensitivity
        item.ChannelSensitivityCorrectionFactor = 1
        item.ChannelBaseline = 0
    if unit is not None:
        item.ChannelSensitivityUnitsSequence = code(unit, "UCUM", unit)
    item.WaveformBitsStored = 16
    return changed(item, changes)


def group(
    counts: np.ndarray, leads: Sequence[str] = LEADS, rate: float = 250, label: str = "RHYTHM", **changes: Any
) -> Dataset:
    kind = counts.dtype.str[1:]
    item = Dataset()
    item.MultiplexGroupTimeOffset = 0
    item.WaveformOriginality = "ORIGINAL"
    item.NumberOfWaveformChannels, item.NumberOfWaveformSamples = counts.shape[1], counts.shape[0]
    item.SamplingFrequency = rate
    item.MultiplexGroupLabel = label
    item.ChannelDefinitionSequence = [channel(lead) for lead in leads]
    item.WaveformBitsAllocated, item.WaveformSampleInterpretation = KINDS[kind]
    item.WaveformData = counts.tobytes()
    item["WaveformData"].VR = "OW"
    return changed(item, changes)


def changed(item: Dataset, changes: Mapping[str, Any]) -> Dataset:
    """With other values; without those that are None."""
    for name, value in changes.items():
        if value is None:
            delattr(item, name)
        else:
            setattr(item, name, value)
            if name == "WaveformPaddingValue":
                item[name].VR = "OW"
    return item


def write(path: Path, *groups: Dataset, syntax: str = ExplicitVRLittleEndian, preamble: bool = True) -> str:
    """A file of these groups; samples are given as they are to stand there."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(syntax)
    meta.MediaStorageSOPClassUID = TwelveLeadECGWaveformStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    is_little = syntax != ExplicitVRBigEndian
    dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128, is_little_endian=is_little)
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.Modality, dataset.SpecificCharacterSet = "ECG", "ISO_IR 192"
    if groups:
        dataset.WaveformSequence = list(groups)
    dataset.save_as(path, enforce_file_format=True)
    if not preamble:
        data = path.read_bytes()
        start = 132 + 12 + int.from_bytes(data[140:144], "little")  # behind group 2
        path.write_bytes(data[start:])
    return str(path)
