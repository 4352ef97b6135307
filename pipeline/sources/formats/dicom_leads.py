"""Which lead a channel of a DICOM waveform is: by its code, in two schemes, or by what people call it.

Reference: DICOM PS3.16 CID 3001 (ECG Leads); ISO/IEEE 11073-10102 and EN 1064, whose numbers of leads are the same.
"""

import re

from pipeline.signals.leads import LEADS, canonical_lead
from pipeline.sources.formats.scp_leads import NAMES

_NUMBERS = {number: name for number, name in NAMES.items() if name in LEADS}
_SCP = re.compile(r"5\.6\.3-9-(?P<number>[0-9]{1,3})")
_MDC = re.compile(r"(?:MDC[_ ]?)?2:(?P<number>[0-9]{1,5})")
_MDC_NAME = re.compile(r"MDC_ECG_LEAD_(?P<name>[A-Z0-9_]+)")
_MDC_PARTITION = 2 * 2**16  # of a code that is one number, the leads' part of the terms
_REMARK = re.compile(r"\s*(?:\([^)]*\)|,.*)\s*")


def lead_of_code(code: str, scheme: str) -> str | None:
    """The canonical name of a lead by its code; None where it is none of the twelve, or its scheme is another.

    >>> lead_of_code("5.6.3-9-61", "SCPECG"), lead_of_code("2:62", "MDC"), lead_of_code("MDC_ECG_LEAD_V2", "MDC")
    ('III', 'aVR', 'V2')
    >>> lead_of_code("131073", "MDC"), lead_of_code("5.6.3-9-65", "SCPECG"), lead_of_code("2:1", "99LOCAL")
    ('I', None, None)
    """
    code, scheme = code.strip(), scheme.strip().upper()
    found = {"SCPECG": _SCP, "MDC": _MDC}.get(scheme)
    number = found.fullmatch(code) if found else None
    if number:
        return _NUMBERS.get(int(number["number"]))
    if scheme != "MDC":
        return None
    named = _MDC_NAME.fullmatch(code.upper())
    if named:
        name = canonical_lead(named["name"])
        return name if name in LEADS else None
    return _NUMBERS.get(int(code) - _MDC_PARTITION) if re.fullmatch("[0-9]{1,9}", code) else None


def lead_of_meaning(text: str) -> str:
    """What a lead is called, canonical where it is one of the twelve; else as it stands there.

    >>> lead_of_meaning("Lead I (Einthoven)"), lead_of_meaning("aVR, augmented voltage, right")
    ('I', 'aVR')
    >>> lead_of_meaning("Lead V3R"), lead_of_meaning("CM5 (modified)")
    ('V3R', 'CM5 (modified)')
    """
    short = canonical_lead(_REMARK.sub("", text.strip()))
    return short if short in LEADS else canonical_lead(text)
