"""The 71 statements of PTB-XL: their kinds, their classes and how common they are there.

A row: code, kinds (D diagnostic, F form, R rhythm), class, subclass, how many of the 19,601 records in folds
1–9 bear it, description. The order is that of PTB-XL's own table.

Reference: Wagner et al., PTB-XL, a large publicly available electrocardiography dataset, Sci Data 2020.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

_CLASSES = ("diagnostic_class", "diagnostic_subclass")


@dataclass(frozen=True)
class Statement:
    """One row of the table; ``superclass`` and ``subclass`` are empty for what is not diagnostic."""

    code: str
    kinds: str
    superclass: str
    subclass: str
    frequency: int
    description: str


def _parse(row: str) -> Statement:
    code, kinds, superclass, subclass, frequency, description = row.split(maxsplit=5)
    return Statement(code, kinds, superclass.strip("-"), subclass.strip("-"), int(frequency), description)


_TABLE = """
NDT      DF STTC STTC       1643 non-diagnostic T abnormalities
NST_     DF STTC NST_        690 non-specific ST changes
DIG      DF STTC STTC        163 digitalis-effect
LNGQT    DF STTC STTC        106 long QT-interval
NORM     D  NORM NORM       8551 normal ECG
IMI      D  MI   IMI        2409 inferior myocardial infarction
ASMI     D  MI   AMI        2123 anteroseptal myocardial infarction
LVH      D  HYP  LVH        1918 left ventricular hypertrophy
LAFB     D  CD   LAFB/LPFB  1461 left anterior fascicular block
ISC_     D  STTC ISC_       1144 non-specific ischemic
IRBBB    D  CD   IRBBB      1006 incomplete right bundle branch block
1AVB     D  CD   _AVB        714 first degree AV block
IVCD     D  CD   IVCD        708 non-specific intraventricular conduction disturbance
ISCAL    D  STTC ISCA        593 ischemic in anterolateral leads
CRBBB    D  CD   CRBBB       487 complete right bundle branch block
CLBBB    D  CD   CLBBB       482 complete left bundle branch block
ILMI     D  MI   IMI         430 inferolateral myocardial infarction
LAO/LAE  D  HYP  LAO/LAE     384 left atrial overload/enlargement
AMI      D  MI   AMI         318 anterior myocardial infarction
ALMI     D  MI   AMI         261 anterolateral myocardial infarction
ISCIN    D  STTC ISCI        196 ischemic in inferior leads
INJAS    D  MI   AMI         192 subendocardial injury in anteroseptal leads
LMI      D  MI   LMI         181 lateral myocardial infarction
ISCIL    D  STTC ISCI        161 ischemic in inferolateral leads
LPFB     D  CD   LAFB/LPFB   159 left posterior fascicular block
ISCAS    D  STTC ISCA        152 ischemic in anteroseptal leads
INJAL    D  MI   AMI         131 subendocardial injury in anterolateral leads
ISCLA    D  STTC ISCA        127 ischemic in lateral leads
RVH      D  HYP  RVH         114 right ventricular hypertrophy
ANEUR    D  STTC STTC         94 ST-T changes compatible with ventricular aneurysm
RAO/RAE  D  HYP  RAO/RAE      89 right atrial overload/enlargement
EL       D  STTC STTC         87 electrolytic disturbance or drug
WPW      D  CD   WPW          71 Wolff-Parkinson-White syndrome
ILBBB    D  CD   ILBBB        69 incomplete left bundle branch block
IPLMI    D  MI   IMI          46 inferoposterolateral myocardial infarction
ISCAN    D  STTC ISCA         40 ischemic in anterior leads
IPMI     D  MI   IMI          30 inferoposterior myocardial infarction
SEHYP    D  HYP  SEHYP        27 septal hypertrophy
INJIN    D  MI   IMI          16 subendocardial injury in inferior leads
INJLA    D  MI   AMI          15 subendocardial injury in lateral leads
PMI      D  MI   PMI          15 posterior myocardial infarction
3AVB     D  CD   _AVB         14 third degree AV block
INJIL    D  MI   IMI          13 subendocardial injury in inferolateral leads
2AVB     D  CD   _AVB         13 second degree AV block
ABQRS    F  -    -          3005 abnormal QRS
PVC      F  -    -          1029 ventricular premature complex
STD_     F  -    -           908 non-specific ST depression
VCLVH    F  -    -           788 voltage criteria (QRS) for left ventricular hypertrophy
QWAVE    F  -    -           493 Q waves present
LOWT     F  -    -           394 low amplitude T-waves
NT_      F  -    -           381 non-specific T-wave changes
PAC      F  -    -           358 atrial premature complex
LPR      F  -    -           306 prolonged PR interval
INVT     F  -    -           265 inverted T-waves
LVOLT    F  -    -           164 low QRS voltages in the frontal and horizontal leads
HVOLT    F  -    -            56 high QRS voltage
TAB_     F  -    -            32 T-wave abnormality
STE_     F  -    -            25 non-specific ST elevation
PRC(S)   F  -    -             9 premature complex(es)
SR       R  -    -         15074 sinus rhythm
AFIB     R  -    -          1362 atrial fibrillation
STACH    R  -    -           744 sinus tachycardia
SARRH    R  -    -           695 sinus arrhythmia
SBRAD    R  -    -           573 sinus bradycardia
PACE     R  -    -           266 normal functioning artificial pacemaker
SVARR    R  -    -           143 supraventricular arrhythmia
BIGU     R  -    -            74 bigeminal pattern (unknown origin, SV or Ventricular)
AFLT     R  -    -            66 atrial flutter
SVTAC    R  -    -            24 supraventricular tachycardia
PSVT     R  -    -            22 paroxysmal supraventricular tachycardia
TRIGU    R  -    -            18 trigeminal pattern (unknown origin, SV or Ventricular)
"""

STATEMENTS = tuple(_parse(row) for row in _TABLE.strip().splitlines())


def of_kind(kind: str, superclass: str | None = None) -> tuple[Statement, ...]:
    """The statements of one kind (D, F or R), and of one superclass where that is named."""
    return tuple(s for s in STATEMENTS if kind in s.kinds and superclass in (None, s.superclass))


def write_statements(path: Path) -> None:
    """Writes the table as PTB-XL's ``scp_statements.csv``, without its columns of foreign codes."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["", "description", "diagnostic", "form", "rhythm", *_CLASSES])
        for s in STATEMENTS:
            flags = ["1.0" if kind in s.kinds else "" for kind in "DFR"]
            writer.writerow([s.code, s.description, *flags, s.superclass, s.subclass])
