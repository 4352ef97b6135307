"""Who the patients of a simulated PTB-XL are, and which statements their records bear."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.sources.simulation import pathologies, rhythms
from pipeline.sources.simulation.heart import Heart, draw_electrodes, draw_heart, replace_electrodes
from pipeline.sources.simulation.statements import Statement, of_kind

N_FOLDS = 10
CHANGES = pathologies.CHANGES | rhythms.CHANGES
_OVER_89 = 300.0  # how PTB-XL writes an age above 89

# which superclasses come together, in how many records of folds 1-9; the first are none at all
_COMBINATIONS = {
    "": 371, "NORM": 8157, "MI": 2276, "STTC": 2158, "CD": 1524, "HYP": 479, "CD MI": 1164, "HYP STTC": 708,
    "MI STTC": 538, "CD STTC": 433, "CD NORM": 362, "HYP MI STTC": 320, "CD HYP": 273, "CD MI STTC": 202,
    "CD HYP STTC": 186, "HYP MI": 166, "CD HYP MI STTC": 140, "CD HYP MI": 112, "NORM STTC": 24,
}  # fmt: skip

# the share of a superclass's records that bear a form statement; of several superclasses the largest counts
_FORMS = {
    "ABQRS": {"NORM": 0.02, "MI": 0.50, "STTC": 0.14, "CD": 0.19, "HYP": 0.17},
    "PVC": {"NORM": 0.02, "MI": 0.09, "STTC": 0.09, "CD": 0.08, "HYP": 0.09},
    "STD_": {"NORM": 0.01, "MI": 0.07, "STTC": 0.14, "CD": 0.05, "HYP": 0.16},
    "VCLVH": {"NORM": 0.01, "MI": 0.03, "STTC": 0.06, "CD": 0.03, "HYP": 0.25},
    "QWAVE": {"MI": 0.08, "STTC": 0.03, "CD": 0.04, "HYP": 0.04},
    "LOWT": {"MI": 0.03, "STTC": 0.07, "CD": 0.02, "HYP": 0.05},
    "NT_": {"NORM": 0.01, "MI": 0.01, "STTC": 0.05, "CD": 0.01, "HYP": 0.02},
    "PAC": {"NORM": 0.01, "MI": 0.02, "STTC": 0.03, "CD": 0.03, "HYP": 0.03},
    "LPR": {"NORM": 0.01, "MI": 0.02, "STTC": 0.02, "CD": 0.04, "HYP": 0.03},
    "INVT": {"MI": 0.03, "STTC": 0.04, "CD": 0.02, "HYP": 0.04},
    "LVOLT": {"NORM": 0.01, "MI": 0.01, "STTC": 0.01, "CD": 0.01},
    "HVOLT": {"NORM": 0.004, "HYP": 0.007},
    "TAB_": {"NORM": 0.002, "CD": 0.005},
    "STE_": {"NORM": 0.001, "STTC": 0.002},
    "PRC(S)": {"MI": 0.001, "CD": 0.001},
}  # fmt: skip

_SINUS_RHYTHMS = ("SR", "SARRH", "SBRAD", "STACH")
_HEALTHY_RHYTHMS = ("SR", "SARRH", "SBRAD")
_SEEN_IN_P_WAVES = {"1AVB", "2AVB", "3AVB", "LAO/LAE", "RAO/RAE", "WPW"}

# how sure the statement is (percent, 0 unknown), how often, and how severe the illness is then
_LIKELIHOODS, _SHARES = (100.0, 80.0, 50.0, 35.0, 15.0, 0.0), (0.50, 0.10, 0.13, 0.04, 0.06, 0.17)
_SEVERITIES = {100.0: 1.05, 80.0: 0.95, 50.0: 0.75, 35.0: 0.65, 15.0: 0.5, 0.0: 0.9}


@dataclass
class Patient:
    """One patient: what stays the same from record to record.

    Attributes:
        patient_id: unique.
        age: years at the first record.
        sex: 0 male, 1 female.
        superclasses: of the diagnoses; may be empty.
        diagnoses: statement to likelihood in percent.
        rhythm: statement, or empty where none is made.
        heart: with the diagnoses in it.
        electrodes: what each sees of the heart, (9, 3).
        n_records: how many recordings there are.
        fold: 1 to 10.
    """

    patient_id: int
    age: int
    sex: int
    superclasses: tuple[str, ...]
    diagnoses: dict[str, float]
    rhythm: str
    heart: Heart
    electrodes: np.ndarray
    n_records: int
    fold: int = 0


@dataclass(frozen=True)
class Visit:
    """One recording to be: its statements with their likelihoods, the age as PTB-XL writes it, the heart."""

    codes: dict[str, float]
    age: float
    heart: Heart
    electrodes: np.ndarray


def draw_patients(n_records: int, rng: np.random.Generator) -> list[Patient]:
    """Patients with so many records in all, dealt into ten folds that resemble each other."""
    counts = np.minimum(1 + (rng.random((n_records, 3)) < [0.2, 0.07, 0.02]).sum(axis=1), 4)
    n_patients = int(np.searchsorted(np.cumsum(counts), n_records)) + 1
    counts = counts[:n_patients]
    counts[-1] -= counts.sum() - n_records
    combinations = _spread_evenly(n_patients, rng)
    ids = rng.choice(10 * n_patients, size=n_patients, replace=False) + 1
    patients = [
        _draw_patient(int(patient_id), tuple(combination.split()), int(count), rng)
        for patient_id, combination, count in zip(ids, combinations, counts, strict=True)
    ]
    _deal_folds(patients, rng)
    return patients


def _spread_evenly(n_patients: int, rng: np.random.Generator) -> list[str]:
    """Combinations in PTB-XL's proportions, by less chance than drawing: small sets get every class too."""
    frequencies = np.cumsum(list(_COMBINATIONS.values())) / sum(_COMBINATIONS.values())
    quantiles = (np.arange(n_patients) + rng.random()) / n_patients
    names = list(_COMBINATIONS)
    return [names[number] for number in rng.permutation(np.searchsorted(frequencies, quantiles))]


def _draw_patient(patient_id: int, superclasses: tuple[str, ...], n_records: int, rng: np.random.Generator) -> Patient:
    diagnoses = {"NORM": float(rng.choice([100.0, 80.0], p=[0.9, 0.1]))} if "NORM" in superclasses else {}
    for superclass in sorted({*superclasses} - {"NORM"}):
        for code in _draw(of_kind("D", superclass), rng, 2 if rng.random() < 0.15 else 1):
            diagnoses[code] = float(rng.choice(_LIKELIHOODS, p=_SHARES))
    heart = draw_heart(rng)
    for code, likelihood in diagnoses.items():
        if code in CHANGES:
            CHANGES[code](heart, _SEVERITIES[likelihood] * rng.lognormal(0, 0.35), rng)
    mean, spread = (52, 17) if "NORM" in superclasses else (66, 14)
    return Patient(
        patient_id=patient_id,
        age=int(np.clip(rng.normal(mean, spread), 18, 95)),
        sex=int(rng.random() < 0.48),
        superclasses=superclasses,
        diagnoses=diagnoses,
        rhythm=_draw_rhythm(superclasses, diagnoses, rng),
        heart=heart,
        electrodes=draw_electrodes(rng),
        n_records=n_records,
    )


def _draw(statements: Sequence[Statement], rng: np.random.Generator, size: int = 1) -> list[str]:
    frequencies = np.array([statement.frequency for statement in statements], float)
    size = min(size, len(statements))
    chosen = rng.choice(len(statements), size=size, replace=False, p=frequencies / frequencies.sum())
    return [statements[number].code for number in chosen]


def _draw_rhythm(superclasses: tuple[str, ...], diagnoses: dict[str, float], rng: np.random.Generator) -> str:
    if superclasses and rng.random() < 0.03:
        return ""
    if _SEEN_IN_P_WAVES & set(diagnoses):
        return "SR"
    if "NORM" in superclasses:
        allowed = [s for s in of_kind("R") if s.code in _SINUS_RHYTHMS]
    elif not superclasses:  # in PTB-XL these are pacemakers and arrhythmias
        allowed = [s for s in of_kind("R") if s.code not in _HEALTHY_RHYTHMS]
    elif rng.random() < 0.7:
        return "SR"
    else:
        allowed = [s for s in of_kind("R") if s.code != "SR"]
    return _draw(allowed, rng)[0]


def _deal_folds(patients: list[Patient], rng: np.random.Generator) -> None:
    """Each patient into the fold that has fewest records of the same superclasses, and fewest at all."""
    totals = np.zeros(N_FOLDS)
    like: dict[tuple[str, ...], np.ndarray] = {}
    for patient in patients:
        same = like.setdefault(patient.superclasses, np.zeros(N_FOLDS))
        fold = int(np.lexsort((rng.random(N_FOLDS), totals, same))[0])
        same[fold] += patient.n_records
        totals[fold] += patient.n_records
        patient.fold = fold + 1


def draw_visit(patient: Patient, number: int, rng: np.random.Generator) -> Visit:
    """The patient's recording of that number, 0 the first: the same heart, a little changed and older."""
    heart = patient.heart.copy()
    heart.vary(rng)
    codes = dict(patient.diagnoses)
    for code in _draw_forms(patient, rng):
        CHANGES[code](heart, rng.lognormal(0, 0.2), rng)
        codes[code] = 0.0
    if patient.rhythm:
        codes[patient.rhythm] = 0.0
        if patient.rhythm in CHANGES:
            CHANGES[patient.rhythm](heart, 1.0, rng)
    age = patient.age + 2 * number
    return Visit(codes, _OVER_89 if age > 89 else float(age), heart, replace_electrodes(patient.electrodes, rng))


def _draw_forms(patient: Patient, rng: np.random.Generator) -> list[str]:
    return [
        code
        for code, shares in _FORMS.items()
        if rng.random() < max((shares.get(name, 0.0) for name in patient.superclasses), default=0.0)
    ]
