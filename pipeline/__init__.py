"""Electrocardiograms as signals, as images, and as both: recordings → stores → runs → figures.

The door of the library; what the commands do is these calls, and no more. It prints nothing: what happens is told to a
listener (``pipeline.listening``). What is refused raises ``EcgFusionError`` with one sentence.

    >>> from pipeline import EcgFusionError, train
    >>> try:
    ...     train(model="gru", lerning_rate=9.0)
    ... except EcgFusionError as problem:
    ...     print(problem)
    there is no option lerning_rate: did you mean learning_rate or init_learning_rate or branch_learning_rate?
"""

from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.errors import EcgFusionError as EcgFusionError
    from pipeline.runs.load import load_run as load_run
    from pipeline.scoring.files import predict_files as predict_files
    from pipeline.scoring.judge import compare as compare
    from pipeline.scoring.judge import evaluate as evaluate
    from pipeline.sources import open_source as open_source
    from pipeline.store.create import create_stores as create_stores
    from pipeline.store.reading import open_store as open_store
    from pipeline.training.pretrained import pretrain as pretrain
    from pipeline.training.run import train as train

_DOOR = {
    "EcgFusionError": "pipeline.errors:EcgFusionError",
    "open_source": "pipeline.sources:open_source",
    "create_stores": "pipeline.store.create:create_stores",
    "open_store": "pipeline.store.reading:open_store",
    "pretrain": "pipeline.training.pretrained:pretrain",
    "train": "pipeline.training.run:train",
    "load_run": "pipeline.runs.load:load_run",
    "predict_files": "pipeline.scoring.files:predict_files",
    "evaluate": "pipeline.scoring.judge:evaluate",
    "compare": "pipeline.scoring.judge:compare",
}
__all__ = list(_DOOR)


def __getattr__(name: str) -> Any:
    """What the door has, imported when it is asked for, since torch takes seconds."""
    if name not in _DOOR:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return resolve_name(_DOOR[name])


def __dir__() -> list[str]:
    return sorted([*globals(), *_DOOR])
