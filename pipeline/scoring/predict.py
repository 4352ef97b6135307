"""Run + store → scores."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.fusion.late import LateFusion
from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import Scores, load_scores
from pipeline.fusion.learners import fusion_items, fusion_learner
from pipeline.inputs.batches import Items, load, scoring_picks
from pipeline.inputs.maker import InputSpec
from pipeline.inputs.placement import store_items, streaming_workers
from pipeline.machine.devices import choose_device, full_fp32, placed, set_up_cpu
from pipeline.machine.progress import progress_bar
from pipeline.runs.folder import DEV_SCORES, Run, kind_of, leaves, load_run
from pipeline.runs.learners import Learner, NetworkLearner
from pipeline.store.reading import Store, digest_of_items, open_store, store_path


@torch.no_grad()
@full_fp32()
def predict_probabilities(
    learner: Learner,
    items: Items,
    kind: str,
    batch_size: int,
    device: torch.device,
    workers: int = 0,
    progress: str | None = None,
) -> np.ndarray:
    """Probabilities of each item, the mean over its crops; independent of the batch size but for rounding.

    Args:
        learner: gives logits; its mode is restored afterwards.
        items: what to score.
        kind: ``multilabel`` (sigmoid) or ``multiclass`` (softmax).
        batch_size: crops at once.
        device: where the learner is.
        workers: processes that read ahead.
        progress: the name of a bar, or None for no bar.

    Shape:
        (items, classes) float32.
    """
    was_training = learner.training
    learner.eval()
    picks = scoring_picks(items, batch_size)
    answers: list[torch.Tensor] = []  # on the device, which nothing waits for until all are there
    batches = progress_bar(
        load(items, picks, workers, device), progress, total=len(picks), disable=progress is None, leave=False
    )
    for batch in batches:
        logits = learner(batch.to(device)).float()
        answers.append(logits.sigmoid() if kind == "multilabel" else logits.softmax(-1))
    learner.train(was_training)
    if not answers:
        raise ValueError("there is no item to score")
    return _means_over_crops(torch.cat(answers).cpu(), np.concatenate([pick.rows for pick in picks]), len(items))


def _means_over_crops(answers: torch.Tensor, rows: np.ndarray, n_items: int) -> np.ndarray:
    """(crops, classes) to (items, classes): added on the CPU, one crop after another; a GPU adds in no fixed order."""
    totals = torch.zeros(n_items, answers.shape[1]).index_add_(0, torch.from_numpy(rows), answers)
    n_crops = np.bincount(rows, minlength=n_items).astype(np.float32)
    # rounding can carry a mean of ones a little beyond 1
    return np.clip(totals.numpy() / n_crops[:, None], 0, 1)


def probabilities(run: Run, store: Store, rows: np.ndarray, device: torch.device, **how: Any) -> np.ndarray:
    """Probabilities that a run gives some items of a store.

    Args:
        run: a loaded run; what it consists of goes to ``device``.
        store: the items' store, which fits the run.
        rows: their row numbers.
        device: where to compute.
        how: ``batch_size`` (None for the run's own), ``workers`` (None for some where signals stream from the disk)
            and ``progress`` of ``predict_probabilities``.

    Shape:
        (items, classes) float32.
    """
    return _PREDICTORS[kind_of(run.card)](run, store, rows, device, **how)


def _by_network(
    run: Run, store: Store, rows: np.ndarray, device: torch.device, workers: int | None = None, **how: Any
) -> np.ndarray:
    workers = streaming_workers(store, len(rows), [run.spec], device) if workers is None else workers
    learner = placed(NetworkLearner(run.network, run.spec), device)
    return _predict(run, learner, store_items(store, rows, run.spec, device), device, workers=workers, **how)


def _by_late_fusion(run: Run, store: Store, rows: np.ndarray, device: torch.device, **how: Any) -> np.ndarray:
    answers = {name: probabilities(branch, store, rows, device, **how) for name, branch in run.parts.items()}
    return fuse(run.network, answers)


def _by_intermediate_fusion(
    run: Run, store: Store, rows: np.ndarray, device: torch.device, workers: int | None = None, **how: Any
) -> np.ndarray:
    specs = [part.spec for part in run.parts.values()]
    workers = streaming_workers(store, len(rows), specs, device) if workers is None else workers
    learner = placed(fusion_learner(run.card, run.network, run.parts), device)
    items = fusion_items(run.card, run.network, run.parts, store, rows, device, workers)
    return _predict(run, learner, items, device, workers=workers, **how)


def _by_members(run: Run, store: Store, rows: np.ndarray, device: torch.device, **how: Any) -> np.ndarray:
    total = np.zeros((len(rows), len(run.card["classes"])))
    for member in run.parts.values():
        total += probabilities(member, store, rows, device, **how)
    return (total / len(run.parts)).astype(np.float32)


_PREDICTORS: dict[str, Callable[..., np.ndarray]] = {
    "network": _by_network,
    "members": _by_members,
    "late": _by_late_fusion,
    "intermediate": _by_intermediate_fusion,
}


def _predict(
    run: Run, learner: Learner, items: Items, device: torch.device, batch_size: int | None = None, **how: Any
) -> np.ndarray:
    batch_size = batch_size or run.card["training"]["batch_size"]
    return predict_probabilities(learner, items, run.card["kind"], batch_size, device, **how)


@torch.no_grad()
def fuse(fusion: LateFusion, answers: Mapping[str, np.ndarray]) -> np.ndarray:
    """What a late fusion makes of its branches' probabilities, (items, classes) float32."""
    logits = fusion({name: torch.from_numpy(values) for name, values in answers.items()})
    fused = logits.sigmoid() if fusion.kind == "multilabel" else logits.softmax(-1)
    return fused.numpy().astype(np.float32)


def scores_of(run: Run, store: Store, device: torch.device, **how: Any) -> Scores:
    """The scores of every item of a store that the run's task labels; ``how`` as in ``probabilities``."""
    task = run.card["task"]
    rows = np.flatnonzero(store.task(task).labelled)
    if not len(rows):
        raise EcgFusionError(f"{store.path} holds no item that {task} labels: choose another -task or partition")
    return as_scores(probabilities(run, store, rows, device, **how), store, task, rows)


def as_scores(values: np.ndarray, store: Store, task: str, rows: np.ndarray) -> Scores:
    """Probabilities (items, classes) of some rows of a store beside their labels and names."""
    labels = store.task(task)
    return Scores(
        scores=values,
        labels=labels.values[rows],
        item_id=store.columns["item_id"][rows],
        classes=labels.classes,
        kind=labels.kind,
        record_id=store.columns["record_id"][rows],
        patient_id=store.columns["patient_id"][rows],
        task=task,
    )


def score_partition(
    run_folder: Path,
    data: Path | None,
    partition: str,
    batch_size: int | None = None,
    threads: int | None = None,
    gpu_id: int | None = None,
) -> Scores:
    """Scores a partition with a run.

    Args:
        run_folder: a finished run.
        data: folder of the stores; None for the one that its card names.
        partition: ``train``, ``dev`` or ``test``.
        batch_size: crops at once; None for the run's own.
        threads: of the CPU; None for the cores that are free.
        gpu_id: which GPU; None for the first, if there is one.

    Raises:
        EcgFusionError: the store is missing, or does not fit the run.
    """
    run = load_run(run_folder)
    store = open_store(store_path(data or Path(run.card["data"]["folder"]), partition))
    check_fit(run.card, store, run.folder)
    if partition != "train":
        refuse_training_items(run.card, run.folder, store)
    if partition != "dev":
        _refuse_dev_items(run, store)
    labelled = store.task(run.card["task"]).labelled
    if not labelled.all():
        print(f"{store.path}: {int((~labelled).sum())} of {len(labelled)} items bear no label of {run.card['task']}")
    set_up_cpu(threads)
    return scores_of(run, store, choose_device(gpu_id), batch_size=batch_size, progress=f"scoring {partition}")


def check_fit(card: Mapping[str, Any], store: Store, folder: Path) -> None:
    """Refuses a store whose items are not what the run in ``folder`` is trained to see."""
    for inner, place in leaves(card, folder):
        _check_network_fits(inner, store, place)


def _check_network_fits(card: Mapping[str, Any], store: Store, folder: Path) -> None:
    spec, found = InputSpec.from_card(card["input"]), store.attributes
    wanted = {"sampling_rate": spec.sampling_rate, "band": card["data"]["band"], "gain": spec.gain}
    for name, value in wanted.items():
        if found[name] != value:
            raise EcgFusionError(
                f"{store.path} has {name} {found[name]} and {folder} is for {value}: "
                f"make a store with create_images.py as its training store was made"
            )
    check_pictures(spec, store)  # before the leads, since a store without pictures has none of these either
    there, what = (store.leads, "") if spec.takes_signals else (store.image_leads, "images of ")
    absent = [lead for lead in spec.leads if lead not in there]
    if absent:
        raise EcgFusionError(
            f"{store.path} lacks {what}lead {', '.join(absent)}, which {folder} needs: name other stores with -data"
        )
    classes = store.task(card["task"]).classes
    if list(classes) != list(card["classes"]):
        raise EcgFusionError(f"{store.path} has other classes of {card['task']} than {folder}: make it anew")


def check_pictures(spec: InputSpec, store: Store) -> None:
    """Refuses a store whose pictures were made otherwise than the spec says."""
    if spec.modality != "image" or spec.on_the_fly:
        return
    for form, parameters in spec.representations.items():
        if form not in store.images:
            raise EcgFusionError(
                f"{store.path} holds no {form}: make a store with --representations {form}, or name one that has it "
                f"with -data (signals of all leads are in it, too)"
            )
        if store.image_parameters[form] != dict(parameters):
            raise EcgFusionError(
                f"{store.path} holds {form} of other parameters: make it as the training store was made"
            )


def refuse_training_items(card: Mapping[str, Any], folder: Path, store: Store) -> None:
    """Refuses a store of items that any network of a run was trained on."""
    for inner, _ in leaves(card, folder):
        _refuse_items_of(inner["data"], folder, store)


def _refuse_dev_items(run: Run, store: Store) -> None:
    """Refuses a store of items that a run's thresholds were chosen on, before they are scored."""
    file, data = run.folder / DEV_SCORES, run.card["data"]
    if not file.exists() or data["source"] != store.attributes["source"]:
        return
    shared = np.intersect1d(load_scores(file).item_id, store.columns["item_id"])
    if len(shared):
        raise EcgFusionError(
            f"{store.path} holds {len(shared)} items, {str(shared[0])!r} first, that the thresholds of {run.folder} "
            f"were chosen on: name stores of the folds it was trained with, as in {data['folder']}"
        )


def _refuse_items_of(data: Mapping[str, Any], folder: Path, store: Store) -> None:
    trained_on = set(data["folds"].get("train", []))
    shared = sorted(trained_on & {int(fold) for fold in store.columns["fold"]} - {0})
    if data["source"] == store.attributes["source"] and shared:
        raise EcgFusionError(
            f"{store.path} holds fold {shared[0]}, which {folder} was trained on: choose a store of other folds"
        )
    if digest_of_items(store.columns["item_id"]) == data["train_items_digest"]:
        raise EcgFusionError(f"{store.path} holds the very items that {folder} was trained on")
