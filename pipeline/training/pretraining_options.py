"""What a user may say of a pretraining: options of train.py that need no labels, and those of the method."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from pipeline.errors import EcgFusionError
from pipeline.runs.card import PRETRAINING
from pipeline.training.options import TrainOptions

OF_METHOD = ("method", "method_set")
TAKEN = (
    *OF_METHOD,
    *("model", "set", "nb_filters", "dropout", "hidden_size", "n_layers", "n_heads"),
    *("data", "path_save_model", "limit", "dev_limit", "leads", "crop", "beat", "normalise"),
    *("epochs", "batch_size", "learning_rate", "optimizer", "weight_decay", "momentum"),
    *("scheduler", "warmup", "cycles", "floor", "clip_norm", "augment", "seed"),
    *("gpu_id", "precision", "threads", "workers"),
)
"""The options that a pretraining has; the others are of labels, images or fusions."""


@dataclass(frozen=True, kw_only=True)
class PretrainOptions(TrainOptions):
    """The options of ``python -m pipeline.training.pretraining``, by the names that are typed; see its ``--help``.

    Attributes:
        method: of ``models.pretraining``.
        method_set: options of the method, by name.
    """

    method: str | None = None
    method_set: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, where: str = "", /, **given: Any) -> "PretrainOptions":
        """As ``TrainOptions.of``."""
        options = super().of(where, **given)
        assert isinstance(options, PretrainOptions)
        return options

    @property
    def run_kind(self) -> str:
        return PRETRAINING

    def check_taken(self) -> None:
        """Refuses options of train.py that a training without labels does not have.

        Raises:
            EcgFusionError: with the first of them.
        """
        of_train = {each.name for each in fields(TrainOptions)} - {*TAKEN}
        for name in self.given:
            if name in of_train:
                raise EcgFusionError(
                    f"-{name} is of train.py, and a pretraining sees signals without labels: leave it out here"
                )
