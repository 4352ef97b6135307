"""What may be asked beside the table: calibrated probabilities, the items to refer, conformal sets; and its answers."""

from dataclasses import dataclass, replace

from pipeline.errors import EcgFusionError
from pipeline.evaluation.calibration import Temperatures, calibrated, fitted_temperatures
from pipeline.evaluation.calibration_figures import Calibration, probabilities_of
from pipeline.evaluation.conformal import check_coverage, conformal
from pipeline.evaluation.decision import decision_curves
from pipeline.evaluation.figures import Evaluation, evaluate, evaluate_dev
from pipeline.evaluation.grouping import Grouping
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.referral import check_part, referral, referred_rows, without_rows
from pipeline.evaluation.scores import Scores
from pipeline.evaluation.subgroups import subgroups
from pipeline.evaluation.thresholds import Thresholds

OF_DEV_ITSELF = (
    "-conformal is calibrated on dev, and says nothing of dev itself: take another -partition, or leave it out"
)


@dataclass(frozen=True)
class Asked:
    """What is asked beside the table.

    Attributes:
        calibrate: Whether temperatures are fitted on dev, where a run has none.
        refer: The part of the items that a person is to see; None for no such.
        conformal: The coverage of conformal sets; None for no such.
        decision: Whether decision curves are drawn.
        groupings: The groups of items that have figures of their own.

    Raises:
        EcgFusionError: A number is out of its range.
    """

    calibrate: bool = False
    refer: float | None = None
    conformal: float | None = None
    decision: bool = False
    groupings: tuple[Grouping, ...] = ()

    def __post_init__(self) -> None:
        if self.refer is not None:
            check_part(self.refer)
        if self.conformal is not None:
            check_coverage(self.conformal)

    @property
    def of_dev(self) -> tuple[str, ...]:
        """The options that need dev scores."""
        return tuple(name for name, asked in (("calibrate", self.calibrate), ("conformal", self.conformal)) if asked)


NOTHING = Asked()


def answer(
    asked: Asked,
    scores: Scores,
    dev: Scores | None,
    threshold: str | float | None = None,
    note: str = "",
    resampling: Resampling | None = None,
    chosen: Thresholds | None = None,
    temperatures: Temperatures | None = None,
) -> Evaluation:
    """Every figure of some scores, and of what is asked beside.

    Args:
        asked: What.
        scores: What is judged, as the model gave them.
        dev: What all is chosen and fitted on, as the model gave them; ``scores`` itself where dev is judged.
        threshold: As of ``figures.evaluate``; a number is of the probabilities at the temperatures.
        note: What to say over the table; of dev it is known.
        resampling: How to draw intervals, or None for none.
        chosen: Thresholds that were chosen before on the scores as the model gave them.
        temperatures: That a run has; None to fit some where it is asked for.

    Raises:
        EcgFusionError: Something asked needs dev scores that are not there, or says nothing of dev itself.
    """
    on_dev = dev is scores
    if asked.of_dev and dev is None and not (temperatures and not asked.conformal):
        raise EcgFusionError(
            f"-{asked.of_dev[-1]} is fitted on dev scores, and there are none: name theirs with -dev_scores, or leave "
            f"it out"
        )
    if asked.conformal is not None and on_dev:
        raise EcgFusionError(OF_DEV_ITSELF)
    if temperatures is None and asked.calibrate and dev is not None:
        temperatures = fitted_temperatures(dev)
    judged, of_dev = scores, dev
    if temperatures is not None:
        judged, chosen = calibrated(scores, temperatures.values, chosen)
        of_dev = judged if on_dev else dev and calibrated(dev, temperatures.values)[0]
    found = _evaluated(judged, of_dev, threshold, note, resampling, chosen)
    if temperatures is not None:
        before, after = probabilities_of(scores), probabilities_of(judged)
        found = replace(found, calibration=Calibration(temperatures, judged, before, after))
    if asked.conformal is not None and of_dev is not None:
        found = replace(found, conformal=conformal(judged, of_dev, asked.conformal))
    if asked.refer is not None:
        rows = referred_rows(judged, found.thresholds, asked.refer)
        others = without_rows(judged, rows)
        rest = _evaluated(others, others if on_dev else of_dev, threshold, note, resampling, found.thresholds)
        found = replace(found, referral=referral(judged, found.thresholds, asked.refer, rows, rest))
    if asked.decision:
        found = replace(found, decision=decision_curves(judged, resampling, temperatures is not None))
    if asked.groupings:
        of_groups = (subgroups(judged, found.thresholds, each, resampling) for each in asked.groupings)
        found = replace(found, subgroups=tuple(of_groups))
    return found


def _evaluated(
    scores: Scores,
    dev: Scores | None,
    threshold: str | float | None,
    note: str,
    resampling: Resampling | None,
    chosen: Thresholds | None,
) -> Evaluation:
    if dev is scores:
        return evaluate_dev(scores, threshold, resampling, chosen)
    return evaluate(scores, dev, threshold, note, resampling, chosen)
