"""What a user may say of a training: one frozen value, filled by a command line, by a recipe, or by keyword."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from pipeline.errors import EcgFusionError
from pipeline.evaluation.joining import JOINS
from pipeline.inputs.options import InputOptions
from pipeline.runs.card import run_kind
from pipeline.training.defaults import PRECISIONS, SAMPLINGS
from pipeline.training.optimisation import OPTIMIZERS, SCHEDULERS
from pipeline.typed import FieldError, as_json, at_least, from_json, near_names, one_of

NETWORK_OPTIONS = ("nb_filters", "dropout", "head", "hidden_size", "n_layers", "n_heads", "pretrained")
"""Options of single networks that train.py has an option for; ``set`` has the others."""

FUSION_OPTIONS = ("fuse_on", "hidden_size", "dropout", "branch_dropout", "n_heads", "n_layers", "max_tokens")
"""The same, of fusions."""

FUSION_ONLY = (
    "branches",
    "combine",
    "fuse_on",
    "fit_on",
    "finetune",
    "branch_learning_rate",
    "auxiliary",
    "branch_dropout",
    "max_tokens",
)


@dataclass(frozen=True, kw_only=True)
class TrainOptions(InputOptions):
    """The options of train.py, by the names that are typed; see its ``--help``. What is None was not given.

    Attributes:
        set: further options of the network or fusion, by name.
    """

    model: str | None = None
    data: str | None = None
    path_save_model: str | None = None
    task: str | None = None
    learn: tuple[str, ...] | None = None
    limit: int | None = field(default=None, metadata=at_least(1))
    dev_limit: int | None = field(default=None, metadata=at_least(1))
    join: str | None = field(default=None, metadata=one_of(*JOINS))

    nb_filters: int | None = field(default=None, metadata=at_least(1))
    dropout: float | None = None
    head: str | None = field(default=None, metadata=one_of("mean", "flatten"))
    hidden_size: int | None = field(default=None, metadata=at_least(1))
    n_layers: int | None = field(default=None, metadata=at_least(1))
    pretrained: bool | None = None
    set: Mapping[str, Any] | None = None
    init: str | None = None
    init_input: bool | None = None
    freeze: str | None = field(default=None, metadata=one_of("features"))
    init_learning_rate: float | None = field(default=None, metadata=at_least(1e-12))
    teacher: str | None = None
    distill: float | None = None
    temperature: float | None = None
    contrast: float | None = None
    contrast_temperature: float | None = None

    branches: tuple[str, ...] | None = None
    combine: str | None = None
    fuse_on: str | None = field(default=None, metadata=one_of("probabilities", "logits"))
    fit_on: str | None = field(default=None, metadata=one_of("dev", "out_of_fold"))
    finetune: bool | None = None
    branch_learning_rate: float | None = field(default=None, metadata=at_least(1e-12))
    branch_dropout: float | None = None
    auxiliary: float | None = None
    n_heads: int | None = field(default=None, metadata=at_least(1))
    max_tokens: int | None = field(default=None, metadata=at_least(1))

    epochs: int | None = field(default=None, metadata=at_least(1))
    batch_size: int | None = field(default=None, metadata=at_least(1))
    learning_rate: float | None = None
    optimizer: str | None = field(default=None, metadata=one_of(*OPTIMIZERS))
    weight_decay: float | None = None
    momentum: float | None = None
    scheduler: str | None = field(default=None, metadata=one_of(*SCHEDULERS))
    warmup: int | None = field(default=None, metadata=at_least(1))
    cycles: int | None = field(default=None, metadata=at_least(1))
    floor: float | None = None
    clip_norm: float | None = None
    patience: int | None = field(default=None, metadata=at_least(1))
    kfold: int | None = None
    folds_seed: int | None = None
    member: int | None = field(default=None, metadata=at_least(1))
    loss: str | None = None
    label_smoothing: float | None = None
    mixup: float | None = None
    ema: float | None = None
    calibrate: bool | None = None
    class_weights: str | None = field(default=None, metadata=one_of("balanced", "none"))
    sampling: str | None = field(default=None, metadata=one_of(*SAMPLINGS))
    augment: tuple[str, ...] | None = None
    seed: int | None = None

    gpu_id: int | None = None
    precision: str | None = field(default=None, metadata=one_of(*PRECISIONS))
    threads: int | None = field(default=None, metadata=at_least(1))
    workers: int | None = None

    @classmethod
    def of(cls, where: str = "", /, **given: Any) -> "TrainOptions":
        """The options of some keywords; None is as good as not given.

        Args:
            where: the file that they come from, for the sentence on a wrong one.
            given: by name.

        Raises:
            EcgFusionError: a name is unknown, or a value is of another type or out of its range.
        """
        source = f"{where}: " if where else ""
        names = [each.name for each in fields(cls)]
        for name in given:
            if name not in names:
                near = near_names(name, names, "see python train.py --help")
                raise EcgFusionError(f"{source}there is no option {name}: {near}")
        plain = {name: _plain(value) for name, value in given.items() if value is not None}
        try:
            return from_json(cls, plain)
        except FieldError as problem:
            raise EcgFusionError(f"{source}{problem}") from None

    @property
    def given(self) -> dict[str, Any]:
        """What was given, by name, as a card keeps it."""
        return {name: value for name, value in as_json(self).items() if value is not None}

    @property
    def run_kind(self) -> str:
        """What the run is to be."""
        return run_kind(self.model, self.kfold)

    def of_network(self, names: tuple[str, ...]) -> dict[str, Any]:
        """What was given of some options of the network or fusion, and all of ``set``.

        Raises:
            EcgFusionError: ``set`` has an option that has a name of its own here.
        """
        own = {each.name for each in fields(self)}
        for name, value in (self.set or {}).items():
            if name in own:
                raise EcgFusionError(f"-set {name}={value} has an option of its own: give -{name} instead")
        chosen = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        return {**chosen, **(self.set or {})}


def _plain(value: Any) -> Any:
    """A value as JSON would have it; paths are text."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value
