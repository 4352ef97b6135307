"""What can be chosen in a training, and what is taken where the user does not: one table, by the network's family.

What was tried for it, on fold 8 of PTB-XL, stands in docs/training.md; the older study's values are a recipe, in
docs/older_study.md. Those of mobilenet and torchvision are untried: they are what fine-tuning usually starts from.
"""

from typing import Any

from pipeline.errors import EcgFusionError

DATA = "data/ptbxl-images"
TASK = "disease"
SEED = 0
BALANCED_TASKS = ("disease",)
CLASS_WEIGHT_CAP = 20.0
OPTIMIZER = "adamw"
MOMENTUM = 0.9
PRECISIONS = ("fp32", "bf16", "fp16")
SAMPLINGS = ("balanced", "smote")
CYCLES = 4

_COMMON: dict[str, Any] = {
    "optimizer": OPTIMIZER,
    "weight_decay": 1e-2,
    "momentum": MOMENTUM,
    "scheduler": "onecycle",
    "clip_norm": 1.0,
}

FAMILIES: dict[str, dict[str, Any]] = {
    "alexnet": _COMMON | {"learning_rate": 3e-4, "batch_size": 64, "epochs": 15, "patience": 5},
    "vgg": _COMMON | {"learning_rate": 3e-3, "batch_size": 64, "epochs": 20, "patience": 6},
    "resnet": _COMMON | {"learning_rate": 3e-3, "batch_size": 64, "epochs": 20, "patience": 6},
    "cnn": _COMMON | {"learning_rate": 3e-3, "batch_size": 64, "epochs": 20, "patience": 6},
    "mobilenet": _COMMON | {"learning_rate": 3e-3, "batch_size": 64, "epochs": 20, "patience": 6},
    "torchvision": _COMMON | {"learning_rate": 3e-4, "batch_size": 32, "epochs": 15, "patience": 5},
    "recurrent": _COMMON | {"learning_rate": 2e-3, "batch_size": 128, "epochs": 30, "patience": 8},
    "resnet1d": _COMMON | {"learning_rate": 1e-2, "batch_size": 128, "epochs": 30, "patience": 8},
    "convnext": _COMMON | {"learning_rate": 3e-3, "batch_size": 128, "epochs": 30, "patience": 8},
    "lstm": _COMMON | {"learning_rate": 1e-3, "batch_size": 128, "epochs": 30, "patience": 8},
    "surveyed": _COMMON | {"weight_decay": 1e-3, "learning_rate": 1e-3, "batch_size": 128, "epochs": 30, "patience": 8},
    "s4": _COMMON
    | {"weight_decay": 1e-3, "scheduler": "none", "learning_rate": 1e-3, "batch_size": 32, "epochs": 30, "patience": 8},
    "mina": _COMMON
    | {"optimizer": "adam", "weight_decay": 0.0, "scheduler": "none"}
    | {"learning_rate": 3e-3, "batch_size": 128, "epochs": 30, "patience": 8},
    "mvms": _COMMON
    | {"optimizer": "adam", "weight_decay": 0.0, "scheduler": "none"}
    | {"learning_rate": 1e-3, "batch_size": 64, "epochs": 30, "patience": 8},
    "rhythm": _COMMON | {"learning_rate": 3e-3, "batch_size": 64, "epochs": 30, "patience": 8},
    "transformer": _COMMON | {"learning_rate": 1e-3, "batch_size": 64, "epochs": 30, "patience": 8},
    "hybrid": _COMMON | {"weight_decay": 1e-3, "learning_rate": 1e-3, "batch_size": 128, "epochs": 30, "patience": 8},
    "heartbeat": _COMMON | {"learning_rate": 1e-3, "batch_size": 256, "epochs": 20, "patience": 5},
    "fusion": _COMMON | {"learning_rate": 1e-3, "batch_size": 128, "epochs": 20, "patience": 6},
    "joint": _COMMON | {"learning_rate": 1e-3, "batch_size": 64, "epochs": 5, "patience": 3},
    "mlp": _COMMON | {"learning_rate": 1e-3, "batch_size": 128, "epochs": 20, "patience": 20},
}
"""Those of fusions: ``fusion`` of frozen branches, ``joint`` with its branches, ``mlp`` of their answers."""

LONG_SAMPLES = 2500
"""Of items that are seen longer than this, a batch has so many fewer by default that it needs no more memory.

In training on a CPU a sample of an item takes 12 kB of ``resnet1d_wang``, 20 kB of ``gru``, 50 kB of
``bigru`` and 240 kB of ``s4d``, whose batch is smaller for it.
"""

BRANCH_RATE = 0.1
"""Highest rate of the branches in ``joint``, of that of the fusion."""
PRETRAINING_RATE = 1e-3
"""Highest rate of a pretraining, whatever the network's family."""
INIT_RATE = 0.1
"""Highest rate of weights that ``-init`` takes over, of that of fresh ones."""
DISTILL = 0.5
"""Weight of what ``-teacher`` says in the loss."""
TEMPERATURE = 1.0
CONTRAST_TEMPERATURE = 0.1
"""Of the cosines of ``-contrast``."""
AUXILIARY = 0.3
CROSS_FITTING_FOLDS = 5


def training_defaults(family: str) -> dict[str, Any]:
    """Optimizer, rate, batch, epochs and patience of a family of networks."""
    if family not in FAMILIES:
        raise EcgFusionError(
            f"the family {family} has no training defaults: add a line to pipeline/training/defaults.py"
        )
    return dict(FAMILIES[family])


def usual_batch_size(usual: int, n_samples: int) -> int:
    """A family's batch, or a smaller one where signals are so long that it would not fit into a usual memory.

    Args:
        usual: items of a batch, 2 or more.
        n_samples: samples that a network sees of an item at once.

    Shape:
        - output: ``usual``, up to ``LONG_SAMPLES``; else a power of two that gives no more samples a batch, at least 2
    """
    if n_samples <= LONG_SAMPLES:
        return usual
    return max(2, 1 << max(0, (usual * LONG_SAMPLES // n_samples).bit_length() - 1))
