"""What was asked beside a table: its text below it, and its files beside it."""

from collections.abc import Callable
from pathlib import Path

from pipeline.evaluation.decision import Decisions
from pipeline.evaluation.figures import Evaluation
from pipeline.evaluation.scores import Scores
from pipeline.machine.files import write_text
from pipeline.report.calibrations import calibration_lines, calibration_parts, reliability_lines
from pipeline.report.conformals import conformal_lines, conformal_parts, set_lines
from pipeline.report.decisions import decision_lines, decision_parts
from pipeline.report.files import write_csv
from pipeline.report.referrals import referral_parts, referred_lines
from pipeline.report.subgroups import gap_lines, group_lines, subgroup_parts

FILES = (
    "calibration.csv",
    "reliability.csv",
    "reliability.png",
    "referred.csv",
    "rest.md",
    "conformal.csv",
    "conformal_sets.csv",
    "decision.csv",
    "decision.png",
    "subgroups.csv",
    "subgroup_gaps.csv",
)


def further_parts(evaluation: Evaluation) -> list[str]:
    """The parts of the text, in order; none where nothing was asked."""
    return [
        *calibration_parts(evaluation),
        *conformal_parts(evaluation),
        *referral_parts(evaluation),
        *decision_parts(evaluation),
        *subgroup_parts(evaluation),
    ]


def further_files(
    evaluation: Evaluation, scores: Scores | None, as_text: Callable[[Evaluation], str], head: Callable[[], list[str]]
) -> dict[str, Callable[[Path], object]]:
    """Name of a file to what writes it.

    Args:
        evaluation: the figures.
        scores: of the items, at the temperatures; None for no file that names single items.
        as_text: makes the text of a table, for that of the rest.
        head: gives what stands over the table, for the diagram.
    """
    files: dict[str, Callable[[Path], object]] = {}
    if calibration := evaluation.calibration:
        files["calibration.csv"] = lambda path: write_csv(path, calibration_lines(calibration))
        files["reliability.csv"] = lambda path: write_csv(path, reliability_lines(calibration))
        files["reliability.png"] = lambda path: _draw(path, evaluation, head())
    if sets := evaluation.conformal:
        files["conformal.csv"] = lambda path: write_csv(path, conformal_lines(sets))
        if scores is not None:
            files["conformal_sets.csv"] = lambda path: write_csv(path, set_lines(sets, scores))
    if referral := evaluation.referral:
        files["rest.md"] = lambda path: write_text(path, as_text(referral.rest))
        if scores is not None:
            files["referred.csv"] = lambda path: write_csv(path, referred_lines(evaluation, scores))
    if curves := evaluation.decision:
        files["decision.csv"] = lambda path: write_csv(path, decision_lines(curves))
        files["decision.png"] = lambda path: _draw_decisions(path, curves, head())
    if evaluation.subgroups:
        files["subgroups.csv"] = lambda path: write_csv(path, group_lines(evaluation))
        files["subgroup_gaps.csv"] = lambda path: write_csv(path, gap_lines(evaluation))
    return files


def _draw_decisions(path: Path, curves: Decisions, head: list[str]) -> None:
    from pipeline.report.decision_drawing import draw_decisions  # here, because matplotlib takes its time

    draw_decisions(path, curves, head)


def _draw(path: Path, evaluation: Evaluation, head: list[str]) -> None:
    from pipeline.report.reliability_drawing import draw_reliability  # here, because matplotlib takes its time

    if evaluation.calibration:
        draw_reliability(path, evaluation.calibration, head)
