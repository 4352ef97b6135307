"""How far probabilities are what they say, as a model gave them and at temperatures of dev."""

import math

from pipeline.evaluation.calibration import Temperatures, calibrated, fitted_temperatures
from pipeline.evaluation.calibration_figures import Probabilities, probabilities_of
from pipeline.page.known import Known
from pipeline.page.model import Calibrating, Table

_COLUMNS = {"said": "mean score", "brier": "Brier score", "ece": "calibration error"}


def calibrating_of(known: Known) -> Calibrating:
    """Before, and after where there are temperatures: those of the run, or what dev would give."""
    own = known.evaluation.calibration
    if own:
        return _view(known, own.before, own.after, own.temperatures, True)
    before = probabilities_of(known.scores)
    if known.dev is None or known.dev is known.scores:
        return _view(known, before, None, None, False)
    temperatures = fitted_temperatures(known.dev)
    after = probabilities_of(calibrated(known.scores, temperatures.values)[0])
    return _view(known, before, after, temperatures, False)


def _view(
    known: Known, before: Probabilities, after: Probabilities | None, found: Temperatures | None, is_kept: bool
) -> Calibrating:
    head = ["class", "prevalence", *(["temperature"] if found else []), *_COLUMNS.values()]
    shares = known.scores.labels.mean(0)
    rows = [
        (
            name,
            f"{shares[i]:.3f}",
            *([f"{found.values[name]:.2f}"] if found else []),
            *(_both(before, after, figure, name) for figure in _COLUMNS),
        )
        for i, name in enumerate(known.scores.classes)
    ]
    return Calibrating(before, after, is_kept, Table("", tuple(head), tuple(rows), tuple(_notes(found, is_kept))))


def _both(before: Probabilities, after: Probabilities | None, figure: str, name: str) -> str:
    values = [getattr(each, figure)[name] for each in (before, after) if each is not None]
    return " → ".join("–" if math.isnan(value) else f"{value:.3f}" for value in values)


def _notes(found: Temperatures | None, is_kept: bool) -> list[str]:
    if found is None:
        return ["As the model says it: without dev scores no temperature can be fitted."]
    notes = [
        f"Before → with temperatures that were fitted on {found.n_dev:,} dev items. Above 1 the scores were too sure."
    ]
    if not is_kept:
        notes.append(
            "The run does not have them yet, and nothing else on this page does: evaluate.py -calibrate keeps them."
        )
    for names, why in ((found.without, "no positive or no negative"), (found.unbounded, "no best one")):
        if names:
            notes.append(f"Temperature 1, because dev has {why}: {', '.join(names)}.")
    return notes
