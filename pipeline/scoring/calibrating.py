"""Temperatures of a run, from its dev scores, for its card: at the end of its training, or of a finished one."""

from dataclasses import replace
from pathlib import Path

from pipeline.evaluation.calibration import Temperatures, calibrated, fitted_temperatures
from pipeline.evaluation.reliability import brier, calibration_error
from pipeline.evaluation.scores import Scores
from pipeline.listening import remark
from pipeline.machine.files import FileError
from pipeline.machine.locks import locked
from pipeline.runs.card import BRANCHES, CARD, DEV_SCORES, MEMBERS, Card
from pipeline.runs.card_file import write_card
from pipeline.runs.card_parts import CalibrationCard
from pipeline.runs.folder import scores_of_run


def with_temperatures(card: Card, folder: Path) -> Card:
    """The card of a finished run with temperatures: its own, else fitted on its dev scores and kept in ``run.json``.

    Not kept, which a remark says, are those of a part of another run, which knows its parts by their cards, and of a
    run that cannot be written into. A run whose dev scores are gone stays as it is.

    Raises:
        EcgFusionError: the dev scores are damaged or of another run; or another process writes the card.
    """
    if card.calibration is not None:
        return card
    dev = scores_of_run(card, folder, DEV_SCORES)
    if dev is None:
        return card
    card = replace(card, calibration=calibrated_on(dev))
    whole = folder.resolve().parent.parent
    if folder.resolve().parent.name in (MEMBERS, BRANCHES) and (whole / CARD).exists():
        remark(f"the temperatures are of this evaluation alone: {folder} is a part of {whole}, whose card knows its")
        return card
    try:
        with locked(folder / CARD, f"{folder} is being written by another process: wait for it"):
            write_card(folder, card)
    except FileError as problem:
        remark(f"the temperatures are of this evaluation alone: {problem}")
    else:
        remark(f"they are kept in {folder / CARD}: what predict.py and load_run say of it is calibrated from now on")
    return card


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
