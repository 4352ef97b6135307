"""Makes a run of another's weights, without training: of another task, a smaller file, or other crops.

A network that has learnt all statements of PTB-XL (-task all, or -learn all) tells its superclasses, subclasses, forms
and rhythms, too: -task names which the new run answers. -half keeps its weights in half precision, which is half the
bytes; they are computed with in single precision as before. -stride has it score an item by crops that lie closer
together or further apart. Thresholds are chosen anew on dev.

    python -m pipeline.training.derive -run runs/all -task rhythm -path_save_model runs/all-rhythm
    python -m pipeline.training.derive -run runs/resnet1d_wang -half -path_save_model weights/signal
    python -m pipeline.training.derive -run runs/resnet1d_wang -stride 0.625 -path_save_model runs/denser
"""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.commands.parser import CommandParser, positive_float, positive_int, run_command
from pipeline.commands.terminal import Terminal, say_loading, told_to
from pipeline.errors import EcgFusionError
from pipeline.machine.streams import say

if TYPE_CHECKING:
    from pipeline.runs.card import Card
    from pipeline.store.reading import Store


@told_to(Terminal)
def main(words: Sequence[str] | None = None) -> None:
    """Makes the run and says what it reaches on dev."""
    options = parse(words)
    say_loading()
    card = derive(
        options.run,
        options.path_save_model,
        task=options.task,
        half=options.half,
        stride=options.stride,
        data=options.data,
        threads=options.threads,
        gpu_id=options.gpu_id,
    )
    say(f"{options.path_save_model}: {card.task}, dev macro-AUC {card.dev_macro_auroc:.4f}; its table: evaluate.py")


def parse(words: Sequence[str] | None = None) -> Namespace:
    """The command's options, or an exit with a sentence on what is wrong with them."""
    parser = CommandParser(prog="python -m pipeline.training.derive", description=__doc__)
    parser.option("run", type=Path, required=True, metavar="FOLDER", help="a finished run of one network")
    parser.option("path_save_model", type=Path, required=True, metavar="FOLDER", help="the new run's folder")
    parser.option("task", metavar="TASK", help="what the new run answers (default: what the old one does)")
    parser.option("half", action="store_true", help="keep the weights in half precision")
    crops = "seconds between the crops whose mean is an item's score (default: as it was)"
    parser.option("stride", type=positive_float, metavar="S", help=crops)
    parser.option("data", type=Path, metavar="FOLDER", help="stores with dev (default: those it was trained on)")
    parser.option("threads", type=positive_int, metavar="N", help="of the CPU (default: the cores that are free)")
    parser.option("gpu_id", type=int, metavar="N", help="which GPU (default: the first, if there is one)")
    options: Namespace = parser.parse_args(words)
    return options


def derive(
    origin: Path,
    folder: Path,
    *,
    task: str | None = None,
    half: bool = False,
    stride: float | None = None,
    data: Path | None = None,
    threads: int | None = None,
    gpu_id: int | None = None,
) -> "Card":
    """Makes a run of another's weights, whose card it gives; scores dev with it and chooses its thresholds there.

    Args:
        origin: a finished run of one network.
        folder: of the new run.
        task: what it answers; None for what the old one does.
        half: whether its weights are kept in half precision.
        stride: step between the crops that are averaged at scoring, s; None for the old one.
        data: folder of the stores; None for the one that the old card names.
        threads: of the CPU; None for the cores that are free.
        gpu_id: which GPU; None for the first, if there is one.

    Raises:
        EcgFusionError: nothing is asked for, the run is of several networks, its outputs do not tell the task, or it
            sees no crops that could lie otherwise.
    """
    from pipeline.machine.devices import choose_device, set_up_cpu
    from pipeline.machine.files import make_folder
    from pipeline.runs.card import CARD
    from pipeline.runs.card_file import read_card, write_card
    from pipeline.runs.folder import refuse_files_of_others
    from pipeline.runs.load import load_run, read_weights, save_tensors
    from pipeline.scoring.checks import check_fit, refuse_training_items
    from pipeline.scoring.partition import scores_of
    from pipeline.store.reading import open_partition
    from pipeline.training.network import complete
    from pipeline.training.transfer import read_origin

    if task is None and not half and stride is None:
        raise EcgFusionError("what is to be another? give -task, -half or -stride")
    if (folder / CARD).exists():
        raise EcgFusionError(f"{folder} holds a run already: name another folder with -path_save_model")
    refuse_files_of_others(folder)
    read_origin(origin)
    run = load_run(origin)
    dev = open_partition(data or Path(run.card.data.folder), "dev")
    check_fit(run.card, dev, origin)
    refuse_training_items(run.card, origin, dev)
    card = _on(dev, run.card if task in (None, run.card.task) else answering(run.card, str(task), dev))
    card = _elsewhere(card if stride is None else _by_crops(card, stride, origin), data)
    tensors = read_weights(origin, run.card)
    if half:
        tensors = {name: halved(tensor) for name, tensor in tensors.items()}
        run.network.load_state_dict(tensors)
    set_up_cpu(threads)
    make_folder(folder)
    derived = replace(run, folder=folder, card=card, spec=card.spec)
    scores = scores_of(derived, dev, choose_device(gpu_id), progress="scoring dev")
    write_card(folder, card)  # who stops the scoring leaves nothing that would have to be gone on with
    save_tensors(folder, tensors)
    complete(card, folder, scores, _result(run.card, scores))
    return read_card(folder)


def answering(card: "Card", task: str, dev: "Store") -> "Card":
    """The card of the same network, which answers another task by what its outputs are called.

    Args:
        card: of a finished run.
        task: what is answered.
        dev: the store that says what the task's classes are made of.

    Raises:
        EcgFusionError: the outputs do not tell it, or classes exclude each other.
    """
    from pipeline.runs.card_parts import LearntCard
    from pipeline.training.learnt import readings_of

    labels = dev.task(task)
    if "multiclass" in (card.kind, labels.kind):
        which = card.task if card.kind == "multiclass" else task
        raise EcgFusionError(
            f"the classes of {which} exclude each other: another task is read of multilabel ones alone"
        )
    learnt = LearntCard(
        tasks=card.learnt_tasks,
        classes=card.outputs,
        readings=readings_of(task, dev, card.learnt_tasks, card.outputs),
        chosen_on=card.learnt.chosen_on or card.task if card.learnt else card.task,
    )
    if learnt.tasks == (task,) and learnt.classes == labels.classes:
        return replace(card, task=task, classes=labels.classes, learnt=None)
    return replace(card, task=task, classes=labels.classes, learnt=learnt)


def _on(dev: "Store", card: "Card") -> "Card":
    """The card before its thresholds are chosen on a store."""
    import numpy as np

    from pipeline.runs.card_parts import CalibrationCard
    from pipeline.scoring.records import holds_windows
    from pipeline.store.reading import digest_of_items

    rows = np.flatnonzero(dev.task(card.task).labelled)
    on_dev, records = dev.columns["item_id"][rows], dev.columns["record_id"][rows]
    data = replace(
        card.data,
        n_dev_items=len(on_dev),
        n_dev_records=len(np.unique(records)) if holds_windows(dev) else None,
        dev_items_digest=digest_of_items(on_dev),
        dev_limit=None,
        contents=None,  # with which a training goes on, and this one is over
    )
    again = None if card.calibration is None else CalibrationCard()
    return replace(
        card, complete=False, data=data, thresholds=None, calibration=again, result=None, sha256=None, diverged=None
    )


def _elsewhere(card: "Card", data: Path | None) -> "Card":
    """The card without the places of the old run's machine; its stores are those that were named, as typed."""
    given = {name: value for name, value in card.given.items() if name not in ("data", "path_save_model")}
    return replace(card, given=given, data=replace(card.data, folder=str(data or card.data.folder)))


def _by_crops(card: "Card", stride: float, origin: Path) -> "Card":
    """The card with another step between the crops of an item, s."""
    from pipeline.inputs.plan import check_stride

    if card.spec.crop is None:
        raise EcgFusionError(f"{origin} sees no crops, and -stride is the step between them: leave it out")
    check_stride(stride, card.spec.crop, card.spec.sampling_rate)
    return replace(card, input=replace(card.spec, stride=stride))


def halved(tensor: Any) -> Any:
    """A tensor in half precision; as it is where that would change a number by more than rounding, or is no fraction.

    Half precision has 11 bits and numbers from 6e-8 to 65,504; batch norm's variances may be neither.
    """
    import torch

    if not tensor.is_floating_point():
        return tensor
    half = tensor.to(torch.float16)
    off = (half.to(tensor.dtype) - tensor).abs()
    fine = off <= 2**-11 * tensor.abs() + 2**-25  # half a step of the smallest numbers
    return half if bool(fine.all()) else tensor


def _result(card: "Card", scores: Any) -> Any:
    """How the old run's training went, and what the new one says of dev."""
    from pipeline.evaluation.metrics import macro_auroc
    from pipeline.runs.card_parts import Result

    return replace(
        card.result or Result(dev_macro_auroc=0.0), dev_macro_auroc=macro_auroc(scores.labels, scores.scores)
    )


if __name__ == "__main__":
    run_command(main)
