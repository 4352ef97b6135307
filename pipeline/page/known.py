"""What the page is made of: a run, or a scores file, with its figures."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.evaluation.figures import Evaluation
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.scores import Scores


@dataclass(frozen=True, eq=False)
class Known:
    """One run, or scores file.

    Attributes:
        name: what the page calls it.
        evaluation: its figures.
        scores: as the model gave them.
        dev: what thresholds were chosen on; None where it is gone.
        folder: of the run; None of a scores file.
    """

    name: str
    evaluation: Evaluation
    scores: Scores
    dev: Scores | None
    folder: Path | None = None

    @property
    def judged(self) -> Scores:
        """The scores that the figures are of: at the temperatures, where the run has some."""
        calibration = self.evaluation.calibration
        return calibration.scores if calibration else self.scores


@dataclass(frozen=True)
class Wanted:
    """How much is shown.

    Attributes:
        pictures: recordings of the worst mistakes; 0 for none.
        explanations: of so many of these, which part of the trace moved the score.
        partition: that was judged.
        data: folder of the stores; None for those of the training.
        resampling: how patients are drawn; None for no intervals.
    """

    pictures: int = 0
    explanations: int = 0
    partition: str = "test"
    data: Path | None = None
    resampling: Resampling | None = None
