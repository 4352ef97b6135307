"""The folder of a training: which one it is, that it is free, and that nobody else trains in it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from models import list_models
from pipeline.errors import EcgFusionError
from pipeline.machine.files import file_error, make_folder
from pipeline.machine.group import the_group
from pipeline.machine.locks import locked
from pipeline.machine.places import local
from pipeline.runs.card import CARD, FUSIONS, Card
from pipeline.runs.card_file import read_card
from pipeline.runs.folder import refuse_diverged, refuse_files_of_others
from pipeline.training.options import FUSION_ONLY, TrainOptions


def folder_of_run(options: TrainOptions, resume: bool) -> Path:
    """The folder that was named, else that of the network's name below ``runs``.

    Raises:
        EcgFusionError: there is nothing to call it by.
    """
    if options.model is None and not resume:
        for name in FUSION_ONLY:
            if name in options.given:
                raise EcgFusionError(f"-{name} is for fusions: give -model {' or '.join(FUSIONS)} too")
        raise EcgFusionError(
            f"which network? give -model with one of {', '.join(list_models())} or torchvision:NAME, "
            f"or fuse trained runs with -model {' or '.join(FUSIONS)}"
        )
    if options.path_save_model:
        return local(options.path_save_model)
    if options.model is None:
        raise EcgFusionError("-resume goes on with the run in a folder: name it with -path_save_model")
    return Path("runs") / options.model.replace(":", "-")


def refuse_what_is_there(folder: Path) -> None:
    """Refuses a folder that has a run, finished or begun, or anything else."""
    if (folder / CARD).exists():
        card = read_card(folder)
        refuse_diverged(card, folder)
        if card.complete:
            raise EcgFusionError(
                f"{folder} holds a finished run: name another folder with -path_save_model, "
                f"or {what_next(card, folder)}"
            )
        raise EcgFusionError(
            f"{folder} holds a run already: go on with it with -resume -path_save_model {folder}, "
            f"or name another folder with -path_save_model"
        )
    refuse_files_of_others(folder)


def what_next(card: Card, folder: Path) -> str:
    """What a finished run is there for, as an order."""
    if card.pretraining is not None:
        return f"train it on with python train.py -init {folder}"
    return f"see what it has learnt with python evaluate.py -run {folder}"


@contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """Makes the folder of a new run; what was not begun leaves none, what was begun is not empty."""
    group = the_group()
    group.lead(lambda: make_folder(folder))
    try:
        yield
    except EcgFusionError:
        with suppress(OSError):
            if group.leads:
                folder.rmdir()
        raise


def only_trainer(folder: Path, wait_s: float = 0.0) -> AbstractContextManager[None]:
    """Keeps others from a folder that this process trains in, or the first of those that train together."""
    busy = (
        f"{folder} is being trained by another process: wait for it, or name another folder; several that train one "
        f"run together are started by torchrun or accelerate launch"
    )
    return locked(folder / CARD, busy, wait_s) if the_group().leads else nullcontext()


@contextmanager
def way_on_told(folder: Path) -> Iterator[None]:
    """Has what the disk refuses followed by how the training goes on, which depends on how far it came."""
    try:
        yield
    except OSError as problem:
        told = file_error(problem, problem.filename or folder)
        if (folder / CARD).exists():
            told = told.followed_by(f"go on with python train.py -resume -path_save_model {folder}")
        raise told from None
