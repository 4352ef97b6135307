"""What somebody says of files in options, checked as it enters."""

from collections.abc import Sequence

from pipeline.errors import EcgFusionError
from pipeline.signals.leads import canonical_lead
from pipeline.sources.formats.arrays import LEAST_RATE, MOST_RATE
from pipeline.sources.formats.opened import Said
from pipeline.sources.formats.recording import is_unit

SEXES = ("male", "female")
OLDEST = 130  # years


def said_of_files(
    unit: str | None = None,
    sampling_rate: float | None = None,
    leads: Sequence[str] = (),
    array: str | None = None,
    rate_option: str = "--sampling_rate",
    age: float | None = None,
    sex: str | None = None,
) -> Said:
    """What the options say of files that do not say it themselves.

    Args:
        unit: of voltage, as it was typed.
        sampling_rate: Hz.
        leads: names of the leads, however they are spelt.
        array: which array of a file.
        rate_option: what the option is called that says the rate.
        age: of the patient, years.
        sex: ``male`` or ``female``.

    Raises:
        EcgFusionError: one is not what it should be.
    """
    if unit is not None and not is_unit(unit):
        raise EcgFusionError(f"--unit {unit} is no unit of voltage: write mV or uV")
    if sampling_rate is not None and not LEAST_RATE <= sampling_rate <= MOST_RATE:
        raise EcgFusionError(f"{rate_option} {sampling_rate:g} is no sampling rate: give hertz")
    words = [leads] if isinstance(leads, str) else list(leads)
    names = tuple(canonical_lead(lead) for lead in words)
    if len(set(names)) != len(names):
        raise EcgFusionError(f"--leads_of_file {' '.join(words)} names a lead twice: name each lead once, in order")
    if any("," in name for name in names):
        raise EcgFusionError(f"--leads_of_file {' '.join(words)}: write blanks between leads, as in I II V2")
    if age is not None and not 0 <= age <= OLDEST:
        raise EcgFusionError(f"--age {age:g} is no age: give years from 0 to {OLDEST}")
    if sex is not None and sex not in SEXES:
        raise EcgFusionError(f"--sex {sex} is neither {' nor '.join(SEXES)}: write one of them, or leave it out")
    return Said(unit, sampling_rate, names, array, age=age, sex=None if sex is None else SEXES.index(sex))
