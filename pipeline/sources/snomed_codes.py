"""What SNOMED CT codes of electrocardiograms say: codes → the classes of the tasks that are published over them.

Two codes that the challenges score as one (complete and plain bundle branch blocks, premature beats by either name) are
one class in each task.

Reference: Liu et al., An open access database for evaluating the algorithms of ECG rhythm and morphology abnormality
    detection (CPSC 2018), JMIHI 2018;
    Zheng et al., A 12-lead electrocardiogram database for arrhythmia research covering more than 10,000 patients,
    Scientific Data 2020;
    Reyna et al., Will two do? Varying dimensions in electrocardiography: the PhysioNet/Computing in Cardiology
    Challenge 2021, CinC 2021, and its evaluation's dx_mapping_scored.csv.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.labels import Labels, wrong_name
from pipeline.sources.tables import first_twice, read_table, whole_number

MOST_CLASSES = 1000
OWN_TASK = "classes"
_REMEDY = "write code,name in its first line and a class in each line below, such as 164889003,AF"


@dataclass(frozen=True)
class CodeTask:
    """A task over codes.

    Attributes:
        classes: name → the codes that stand for it.
        kind: ``multilabel`` or ``multiclass``.
        is_closed: whether a record must bear one of the classes to be labelled; else a record without any is a
            negative one, as in the challenges of 2020 and 2021.
    """

    classes: Mapping[str, Sequence[str]]
    kind: str = "multilabel"
    is_closed: bool = False

    def labels(self, rows_of: Mapping[str, np.ndarray], has_codes: np.ndarray) -> Labels:
        """The labels of records.

        Args:
            rows_of: code → numbers of the records that bear it.
            has_codes: whether anything is known of a record.

        Shape:
            has_codes (records,); labels (records, classes).
        """
        values = np.zeros((len(has_codes), len(self.classes)), np.uint8)
        for column, codes in enumerate(self.classes.values()):
            for code in codes:
                values[rows_of.get(code, np.array([], int)), column] = 1
        labelled = has_codes & values.any(axis=1) if self.is_closed else has_codes.copy()
        if self.kind == "multiclass":
            labelled &= values.sum(axis=1) == 1
        values[~labelled] = 0
        return Labels(tuple(self.classes), self.kind, values, labelled)


_AFIB, _AFL = ("164889003",), ("164890007",)
_SR, _SB, _ST = ("426783006",), ("426177001",), ("427084000",)
_SI, _SVT, _AT = ("427393009",), ("426761007",), ("713422000",)
_AVNRT, _AVRT = ("233896004",), ("233897008",)
_SAAWR = ("195101003", "17366009")  # wandering atrial pacemaker, in PhysioNet's set and in the challenges'
_IAVB = ("270492004",)
_LBBB = ("164909002", "733534002")
_RBBB = ("59118001", "713427006")
_PAC = ("284470004", "63593006")
_PVC = ("427172004", "17338001")

TASKS = {
    "cpsc9": CodeTask(
        {
            "Normal": _SR,
            "AF": _AFIB,
            "I-AVB": _IAVB,
            "LBBB": _LBBB,
            "RBBB": _RBBB,
            "PAC": _PAC,
            "PVC": ("164884008", *_PVC),  # the challenges' headers of CPSC 2018 say ventricular ectopics
            "STD": ("429622005",),
            "STE": ("164931005",),
        },
        is_closed=True,
    ),
    "chapman4": CodeTask(
        {
            "AFIB": (*_AFIB, *_AFL),
            "GSVT": (*_ST, *_SVT, *_AT, *_AVNRT, *_AVRT, *_SAAWR),
            "SB": _SB,
            "SR": (*_SR, *_SI),
        },
        "multiclass",
        is_closed=True,
    ),
    "chapman11": CodeTask(
        {
            "SB": _SB,
            "SR": _SR,
            "AFIB": _AFIB,
            "ST": _ST,
            "AF": _AFL,  # flutter, by the names of that set
            "SI": _SI,
            "SVT": _SVT,
            "AT": _AT,
            "AVNRT": _AVNRT,
            "AVRT": _AVRT,
            "SAAWR": _SAAWR,
        },
        "multiclass",
        is_closed=True,
    ),
    "cinc2021": CodeTask(
        {
            "AF": _AFIB,
            "AFL": _AFL,
            "BBB": ("6374002",),
            "Brady": ("426627000",),
            "CLBBB|LBBB": _LBBB,
            "CRBBB|RBBB": _RBBB,
            "IAVB": _IAVB,
            "IRBBB": ("713426002",),
            "LAD": ("39732003",),
            "LAnFB": ("445118002",),
            "LPR": ("164947007",),
            "LQRSV": ("251146004",),
            "LQT": ("111975006",),
            "NSIVCB": ("698252002",),
            "NSR": _SR,
            "PAC|SVPB": _PAC,
            "PR": ("10370003",),
            "PRWP": ("365413008",),
            "PVC|VPB": _PVC,
            "QAb": ("164917005",),
            "RAD": ("47665007",),
            "SA": _SI,
            "SB": _SB,
            "STach": _ST,
            "TAb": ("164934002",),
            "TInv": ("59931005",),
        }
    ),
}
"""The published tasks, by name."""
_USUAL, _FITS = ("cpsc9", "chapman4", "cinc2021"), 0.9


def tasks_of(
    rows_of: Mapping[str, np.ndarray], has_codes: np.ndarray, own: CodeTask | None = None
) -> dict[str, Labels]:
    """The tasks of which some record bears a class, the one that is usual for them first.

    That is somebody's own; else the first of cpsc9, chapman4 and cinc2021 of which nine in ten of the records that have
    codes bear a class; else the one of which most of them do.

    Args:
        rows_of: code → numbers of the records that bear it.
        has_codes: whether anything is known of a record, (records,).
        own: somebody's own task.
    """
    found = {name: task.labels(rows_of, has_codes) for name, task in TASKS.items()}
    bearers = {name: int(labels.values.any(axis=1).sum()) for name, labels in found.items()}
    there = [name for name in TASKS if bearers[name]]
    fitting = [name for name in there if name in _USUAL and bearers[name] >= _FITS * has_codes.sum()]
    first = [*fitting, *sorted(there, key=lambda name: -bearers[name])][:1]
    mine = {} if own is None else {OWN_TASK: own.labels(rows_of, has_codes)}
    return mine | {name: found[name] for name in (*first, *there)}


def read_classes(path: Path) -> CodeTask:
    """Somebody's own task: a CSV of ``code,name``; several codes of one name are one class.

    Raises:
        EcgFusionError: the file is no such table, a code or a name is none, or a code stands there twice.
    """
    table = read_table(path, ("code", "name"), remedy=_REMEDY)
    codes, names = table.each("code", code_number), table.columns["name"]
    twice = first_twice(codes)
    if twice:
        raise EcgFusionError(f"{path} line {table.lines[twice[1]]}: the code {codes[twice[0]]} again: give it one name")
    wrong = wrong_name("class", names)
    if wrong:
        raise EcgFusionError(f"{path}: {wrong}: rename it")
    classes: dict[str, list[str]] = {}
    for code, name in zip(codes, names, strict=True):
        classes.setdefault(name, []).append(code)
    if not 0 < len(classes) <= MOST_CLASSES:
        raise EcgFusionError(f"{path} names {len(classes):,} classes, and a task has 1 to {MOST_CLASSES:,}: {_REMEDY}")
    return CodeTask(classes)


def code_number(text: str) -> str:
    """A SNOMED CT code as it is written.

    >>> code_number("164889003")
    '164889003'

    Raises:
        ValueError: it is none: a code has 6 to 18 digits, the first of them not 0.
    """
    number = whole_number(text, "write the 6 to 18 digits of a SNOMED CT code")
    if not 6 <= len(number) <= 18 or number[0] == "0":
        raise ValueError(f"is {number[:30]!r}, which is no SNOMED CT code: one has 6 to 18 digits")
    return number


def rows_of_codes(codes: Iterable[Iterable[str]]) -> dict[str, np.ndarray]:
    """Code → numbers of the records that bear it, from the codes of each record."""
    rows: dict[str, list[int]] = {}
    for row, of_record in enumerate(codes):
        for code in of_record:
            rows.setdefault(code, []).append(row)
    return {code: np.array(found) for code, found in rows.items()}
