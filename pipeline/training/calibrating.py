"""The last step of a training that was asked for it: temperatures from its dev scores, for its card."""

from pipeline.evaluation.calibration import Temperatures, calibrated, fitted_temperatures
from pipeline.evaluation.reliability import brier, calibration_error
from pipeline.evaluation.scores import Scores
from pipeline.listening import remark
from pipeline.runs.card_parts import CalibrationCard


def calibrated_on(dev: Scores) -> CalibrationCard:
    """The temperatures of a run, fitted on its dev scores, and how far its probabilities were off before and after."""
    found = fitted_temperatures(dev)
    after, _ = calibrated(dev, found.values)
    errors = [float(of(dev.labels, each.scores).mean()) for of in (brier, calibration_error) for each in (dev, after)]
    _tell(found, errors)
    return CalibrationCard(
        temperatures=dict(found.values),
        without=found.without,
        unbounded=found.unbounded,
        brier_before=errors[0],
        brier_after=errors[1],
        ece_before=errors[2],
        ece_after=errors[3],
    )


def _tell(found: Temperatures, errors: list[float]) -> None:
    of_all = len({*found.values.values()}) == 1 and len(found.values) > 1
    each = [f"{name} {value:.3g}" for name, value in found.values.items()]
    said = f"{next(iter(found.values.values())):.3g} for all classes" if of_all else ", ".join(each)
    remark(
        f"temperatures from {found.n_dev:,} dev items: {said}; on these same items the mean Brier score goes from "
        f"{errors[0]:.4f} to {errors[1]:.4f}, the calibration error from {errors[2]:.4f} to {errors[3]:.4f}"
    )
    if found.without:
        remark(f"temperature 1, because dev has no positive or no negative: {', '.join(found.without)}")
    if found.unbounded:
        remark(f"temperature 1, because dev tells of no best one: {', '.join(found.unbounded)}")
