"""A run and the store of a partition → a scores file."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import Scores
from pipeline.labels import INTRA_PATIENT
from pipeline.listening import remark
from pipeline.machine.devices import choose_device, set_up_cpu
from pipeline.runs.build import Run
from pipeline.runs.load import load_run
from pipeline.scoring.checks import check_fit, check_items, refuse_dev_items, refuse_training_items
from pipeline.scoring.predict import probabilities
from pipeline.scoring.records import answered_rows, check_records
from pipeline.store.reading import Store, open_partition


def scores_of(run: Run, store: Store, device: torch.device, **how: Any) -> Scores:
    """The scores of every item of a store that the run's task labels, or of their records, where it joins windows.

    ``how`` is as in ``probabilities``.
    """
    task = run.card.task
    rows = np.flatnonzero(store.task(task).labelled)
    if not len(rows):
        raise EcgFusionError(f"{store.path} holds no item that {task} labels: choose another -task or partition")
    check_items(run, store, rows)
    return as_scores(probabilities(run, store, rows, device, **how), store, task, rows, run.card.join)


def as_scores(values: np.ndarray, store: Store, task: str, rows: np.ndarray, join: str | None = None) -> Scores:
    """Probabilities of some rows of a store beside their labels and names.

    Args:
        values: of the items, or of their records where their windows are joined.
        store: the items' store.
        task: whose labels.
        rows: of the items.
        join: how they were joined; None where each item answers for itself.

    Shape:
        values (items, classes), or (records, classes) in the order in which they come.
    """
    labels, rows = store.task(task), answered_rows(store, rows, join)
    joined = None if join is None else f"items are records, each with the scores of its windows joined by {join}"
    return Scores(
        scores=values,
        labels=labels.values[rows],
        item_id=store.columns["item_id" if join is None else "record_id"][rows],
        classes=labels.classes,
        kind=labels.kind,
        record_id=store.columns["record_id"][rows],
        patient_id=store.columns["patient_id"][rows],
        task=task,
        none_name=labels.none_name,
        remark="; ".join(filter(None, (INTRA_PATIENT if store.intra_patient else None, joined))) or None,
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
    store = open_partition(data or Path(run.card.data.folder), partition)
    check_fit(run.card, store, run.folder)
    if run.card.join is not None:
        check_records(run.card.task, store)
    if partition != "train":
        refuse_training_items(run.card, run.folder, store)
    if partition != "dev":
        refuse_dev_items(run.card, run.folder, store)
    labelled = store.task(run.card.task).labelled
    if not labelled.all():
        remark(f"{store.path}: {int((~labelled).sum())} of {len(labelled)} items bear no label of {run.card.task}")
    if run.card.join is not None:
        n_records = len(np.unique(store.columns["record_id"][labelled]))
        remark(f"{store.path}: {int(labelled.sum())} windows of {n_records} records, whose scores are joined")
    set_up_cpu(threads)
    return scores_of(run, store, choose_device(gpu_id), batch_size=batch_size, progress=f"scoring {partition}")
