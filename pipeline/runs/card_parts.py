"""What a card says, part by part: the items of a training, how it was fitted, what came of it, where it began."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.inputs.spec import InputSpec
from pipeline.typed import at_least, left_out, one_of


@dataclass(frozen=True, kw_only=True)
class DataCard:
    """The items of a training.

    Attributes:
        folder: where the stores lay.
        source: name of the data set.
        source_version: as published.
        folds: partition to the folds that make it.
        band: of the filter, Hz; None for none.
        cut: how items are cut from records, as a store says it; None for whole records.
        scheme: how the folds were made; None for the data set's own.
        scheme_seed: of how they were drawn; None where they were not.
        intra_patient: true where items of one patient are in train and test; None where none are.
        leads: of the stores, where some are none of the usual twelve; else None.
        min_likelihood: of PTB-XL's diagnostic statements, percent.
        limit: so many items only; None for all.
        sampled: whether these are a sample in the classes' shares; None for the first ones, as earlier programs took.
        dev_limit: the epoch and the thresholds are chosen on a sample of so many dev items; None for all.
        n_train_items: items that are trained on.
        train_items_digest: of their ``item_id``, whatever their order.
        n_dev_items: items that the epoch and the thresholds are chosen on.
        n_dev_records: of which these are windows, and whose joined scores they are chosen on; None where items answer
            for themselves.
        dev_items_digest: of their ``item_id``, whatever their order.
        contents: of ``train`` and ``dev``, digests of labels, signals and images; see ``training.contents``.
        held_out: of a member of a k-fold run, which fold of the patients it never sees, from 1.
        of: how many members there are.
        folds_seed: of how the patients were dealt; of a k-fold run itself, where it is not that of the training.
    """

    folder: str
    source: str
    source_version: str = "unknown"
    folds: Mapping[str, tuple[int, ...]]
    band: tuple[float, float] | None
    cut: Mapping[str, Any] | None = field(default=None, metadata=left_out())
    scheme: str | None = field(default=None, metadata=left_out())
    scheme_seed: int | None = field(default=None, metadata=left_out() | at_least(0))
    intra_patient: bool | None = field(default=None, metadata=left_out())
    leads: tuple[str, ...] | None = field(default=None, metadata=left_out())
    min_likelihood: float = 0.0
    limit: int | None = field(metadata=at_least(1))
    sampled: bool | None = field(default=None, metadata=left_out())
    dev_limit: int | None = field(default=None, metadata=left_out() | at_least(1))
    n_train_items: int = field(default=0, metadata=at_least(0))
    train_items_digest: str
    n_dev_items: int = field(metadata=at_least(0))
    n_dev_records: int | None = field(default=None, metadata=left_out() | at_least(1))
    dev_items_digest: str | None = field(default=None, metadata=left_out())
    contents: Mapping[str, Mapping[str, str]] | None = field(default=None, metadata=left_out())
    held_out: int | None = field(default=None, metadata=left_out() | at_least(1))
    of: int | None = field(default=None, metadata=left_out() | at_least(2))
    folds_seed: int | None = field(default=None, metadata=left_out() | at_least(0))


@dataclass(frozen=True, kw_only=True)
class TrainingCard:
    """How a run was fitted; of a late fusion, which has no steps, most of it is None.

    Attributes:
        batch_size: items of a step, and crops scored at once.
        precision: of a step.
        seed: of weights, order and crops.
        threads: of the CPU; None until it begins.
        workers: processes that read ahead.
        class_weights: (classes,); None for none.
        branch_learning_rate: highest rate of branches that are trained on with their fusion.

    The others are those of ``Settings``.
    """

    optimizer: str | None = field(default=None, metadata=left_out())
    learning_rate: float | None = field(default=None, metadata=left_out() | at_least(0))
    weight_decay: float | None = field(default=None, metadata=left_out() | at_least(0))
    momentum: float | None = field(default=None, metadata=left_out() | at_least(0))
    scheduler: str | None = field(default=None, metadata=left_out())
    warmup: int | None = field(default=None, metadata=left_out() | at_least(1))
    cycles: int | None = field(default=None, metadata=left_out() | at_least(1))
    floor: float | None = field(default=None, metadata=left_out() | at_least(0))
    clip_norm: float | None = field(default=None, metadata=left_out() | at_least(0))
    batch_size: int | None = field(metadata=at_least(1))
    epochs: int | None = field(default=None, metadata=left_out() | at_least(1))
    patience: int | None = field(default=None, metadata=left_out() | at_least(1))
    loss: str | None = field(default=None, metadata=left_out())
    sampling: str | None = field(default=None, metadata=left_out() | one_of("balanced", "smote"))
    augment: tuple[str, ...] | None = field(default=None, metadata=left_out())
    label_smoothing: float | None = field(default=None, metadata=left_out() | at_least(0))
    mixup: float | None = field(default=None, metadata=left_out() | at_least(0))
    ema: float | None = field(default=None, metadata=left_out() | at_least(0))
    precision: str = field(metadata=one_of("fp32", "bf16", "fp16"))
    seed: int = field(metadata=at_least(0))
    threads: int | None = field(metadata=at_least(1))
    workers: int = field(metadata=at_least(0))
    class_weights: tuple[float, ...] | None
    branch_learning_rate: float | None = field(default=None, metadata=left_out() | at_least(0))


CHOICES = (
    "optimizer",
    "learning_rate",
    "weight_decay",
    "momentum",
    "scheduler",
    "clip_norm",
    "batch_size",
    "epochs",
    "patience",
)
"""What says how something is learnt step by step; each family of networks has defaults for it."""


OF_SCHEDULE = ("warmup", "cycles", "floor")
"""What further says how the rate goes; None where the scheduler has no such."""

OF_STEPS = ("sampling", "label_smoothing", "mixup", "ema")
"""What else of it a step needs to know; None for none."""


@dataclass(frozen=True, kw_only=True)
class LearntCard:
    """What the network's outputs are, where they are not the classes that the run answers for.

    Attributes:
        tasks: whose classes they are; a class that several tasks have is one output.
        classes: in the order of the outputs.
        readings: of each class that is answered for, one or more lists of outputs; see ``models.noisy_or``.
        chosen_on: the task whose dev figure chose the epoch; None for the one that is answered.
    """

    tasks: tuple[str, ...]
    classes: tuple[str, ...]
    readings: Mapping[str, tuple[tuple[str, ...], ...]]
    chosen_on: str | None = field(default=None, metadata=left_out())


@dataclass(frozen=True, kw_only=True)
class FusionOptions:
    """What ``options`` of a fused run says beside the options of the fusion's own network.

    Attributes:
        combine: which fusion.
        finetune: of an intermediate one, whether its branches are trained on.
        auxiliary: of an intermediate one, weight of the branches' own losses.
    """

    combine: str
    finetune: bool = False
    auxiliary: float = field(default=0.0, metadata=at_least(0))


@dataclass(frozen=True, kw_only=True)
class BranchCard:
    """A run that a fusion is made of.

    Attributes:
        folder: where it lay.
        model: its network.
        options: of its network.
        input: what it sees; None of a fusion, whose branches have their own.
        seed: of its training.
        dev_macro_auroc: of its own.
        sha256: of its cards and weights, by their place in it.
    """

    folder: str
    model: str
    options: Mapping[str, Any]
    input: InputSpec | None = None
    seed: int | None = None
    dev_macro_auroc: float
    sha256: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class FittedOn:
    """What a fusion was fitted on: a late one on scores, an intermediate one with frozen branches on features.

    Attributes:
        scores: of a late one, ``dev``, or ``out_of_fold`` of the training items.
        features: of an intermediate one, of the training items: ``in_sample``, by branches that were trained on them,
            or ``out_of_fold``, by members that never saw them. Cards of earlier programs do not say that it is the
            former.
        cross_fitting_folds: of dev, so that no patient's fused score comes from weights that saw it; of an intermediate
            fusion, where what dev has fitted is how its answers become probabilities.
        branches_stopped_on_these_items: whose epoch dev chose.
        branches_fitted_on_these_items: whose own weights come from dev.
        weights: of each branch, once they are fitted.
    """

    scores: str | None = field(default=None, metadata=left_out() | one_of("dev", "out_of_fold"))
    features: str | None = field(default=None, metadata=left_out() | one_of("in_sample", "out_of_fold"))
    cross_fitting_folds: int | None = field(default=None, metadata=left_out())
    branches_stopped_on_these_items: tuple[str, ...] | None = field(default=None, metadata=left_out())
    branches_fitted_on_these_items: tuple[str, ...] | None = field(default=None, metadata=left_out())
    weights: Mapping[str, float] | None = field(default=None, metadata=left_out())


@dataclass(frozen=True, kw_only=True)
class ThresholdsCard:
    """One threshold a class, and what chose them on dev: a criterion, or a number.

    Attributes:
        criterion: that is best at them.
        values: of each class.
        not_chosen: classes that dev has no positive or no negative of.
    """

    criterion: str | float | None
    values: Mapping[str, float]
    not_chosen: tuple[str, ...] | None = field(default=None, metadata=left_out())


@dataclass(frozen=True, kw_only=True)
class CalibrationCard:
    """One temperature a class, fitted on the dev scores of the run; all but where is None until they are.

    The run's own scores files, thresholds and weights are as without it: the temperatures are applied to what it says.

    Attributes:
        fitted_on: which partition.
        temperatures: of each class; of a multiclass task all are one.
        without: classes whose temperature is 1, because dev has no positive or no negative of them.
        unbounded: classes whose temperature is 1, because dev tells of no best one.
        brier_before: macro mean of the Brier score on dev.
        brier_after: with the temperatures.
        ece_before: macro mean of the expected calibration error on dev, in 15 bins of one width.
        ece_after: with the temperatures.
    """

    fitted_on: str = field(default="dev", metadata=one_of("dev"))
    temperatures: Mapping[str, float] | None = field(default=None, metadata=left_out())
    without: tuple[str, ...] | None = field(default=None, metadata=left_out())
    unbounded: tuple[str, ...] | None = field(default=None, metadata=left_out())
    brier_before: float | None = field(default=None, metadata=left_out() | at_least(0))
    brier_after: float | None = field(default=None, metadata=left_out() | at_least(0))
    ece_before: float | None = field(default=None, metadata=left_out() | at_least(0))
    ece_after: float | None = field(default=None, metadata=left_out() | at_least(0))


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of a training; a fusion that only combines scores has no epochs."""

    best_epoch: int | None = field(default=None, metadata=left_out())
    epochs: int | None = field(default=None, metadata=left_out())
    dev_macro_auroc: float
    out_of_fold_macro_auroc: float | None = field(default=None, metadata=left_out())
    seconds: float | None = field(default=None, metadata=left_out())


@dataclass(frozen=True, kw_only=True)
class PretrainingCard:
    """What a run has learnt without labels; all but method and options is None until it is finished.

    Attributes:
        method: of ``models.pretraining``.
        options: of the method, all of them.
        trained: the tensors of the network that the method trains, which are those that the run keeps.
        epochs: how many it took, all of them.
        figures: of the last epoch, by the names of the log.
    """

    method: str
    options: Mapping[str, Any]
    trained: tuple[str, ...] | None = field(default=None, metadata=left_out())
    epochs: int | None = field(default=None, metadata=left_out() | at_least(1))
    figures: Mapping[str, float] | None = field(default=None, metadata=left_out())


@dataclass(frozen=True, kw_only=True)
class InitCard:
    """The run whose weights a training has begun with.

    Attributes:
        folder: where it lay.
        model: its network.
        sha256: of its weights file.
        taken: the tensors that were taken over, as the network calls them.
        left: those of the run that fit nothing here, or were left for its own task.
        fresh: those of the network that nothing was taken for.
        pretraining: the method by which the run has learnt, without labels; None of a run that answers.
        freeze: ``features``: everything but the head stays as it was; None where all is trained on.
        learning_rate: highest rate of the weights that were taken over; None where they stay.
        trained_on: the items that these weights have seen: of the run, and of the runs that it began with.
    """

    folder: str
    model: str
    sha256: str
    taken: tuple[str, ...]
    left: tuple[str, ...] = ()
    fresh: tuple[str, ...] = ()
    pretraining: str | None = field(default=None, metadata=left_out())
    freeze: str | None = field(default=None, metadata=left_out() | one_of("features"))
    learning_rate: float | None = field(default=None, metadata=left_out() | at_least(0))
    trained_on: tuple[DataCard, ...]


@dataclass(frozen=True, kw_only=True)
class TeacherCard:
    """The run whose probabilities of the training items a training has learnt from, beside the labels.

    Attributes:
        folder: where it lay.
        model: its network, or ``late`` or ``intermediate``.
        seal: of its card, which holds the digests of its files.
        weight: of what it says in the loss, from 0 to 1; the labels have the rest.
        temperature: that its logits, and those of the network, are divided by.
        scores: SHA-256 of the scores file with what it says of the training items; None until that is there.
        contrast: weight of the contrast with where it sees them; None where that is not compared.
        contrast_temperature: of that; None likewise.
        features: SHA-256 of the file with where it sees them; None until that is there.
        trained_on: the items that it has learnt from, and those of the runs that it began with or heard.
    """

    folder: str
    model: str
    seal: str
    weight: float = field(metadata=at_least(0))
    temperature: float = field(metadata=at_least(1e-3))
    scores: str | None = field(default=None, metadata=left_out())
    contrast: float | None = field(default=None, metadata=left_out() | at_least(0))
    contrast_temperature: float | None = field(default=None, metadata=left_out() | at_least(1e-3))
    features: str | None = field(default=None, metadata=left_out())
    trained_on: tuple[DataCard, ...]
