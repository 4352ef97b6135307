"""The trials of a search: trainings as of train.py, each judged on dev alone, given up where others were better."""

import csv
import math
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optuna import TrialPruned
from tqdm import tqdm

from pipeline.errors import EcgFusionError
from pipeline.listening import EpochEnded, Event, Listener, Warned, listening, remark, who_listens
from pipeline.runs.card import CARD, LOG
from pipeline.runs.card_file import read_card
from pipeline.runs.kinds import kind_named
from pipeline.store.reading import digest_of_items, open_partition
from pipeline.training import defaults
from pipeline.training.data import folder_of_stores
from pipeline.training.loop import DivergedError
from pipeline.training.options import TrainOptions
from pipeline.training.run import train_run
from pipeline.training.search_space import Space, one_by_one, with_choices
from pipeline.training.search_study import SharedStudy
from pipeline.training.transfer import with_its_network

if TYPE_CHECKING:
    from optuna import Trial

OF_MACHINE = ("data", "gpu_id", "threads", "workers")
"""Options of a training that another process may give other values."""


def check_space(base: Mapping[str, Any], space: Space, where: str) -> None:
    """Refuses options that the network does not have, each end and choice by itself, before anything is trained.

    Args:
        base: the options that every trial has.
        space: what may be chosen.
        where: the file, for the sentences.

    Raises:
        EcgFusionError: a network is unknown or missing, or does not have an option.
    """
    for chosen in one_by_one(space):
        options = with_its_network(TrainOptions.of(where, **with_choices(base, chosen)))
        if options.model is None:
            raise EcgFusionError(f'{where} names no network: write a line such as model = "resnet1d_wang" into it')
        try:
            kind_named(options.run_kind).check(options)
        except EcgFusionError as problem:
            raise EcgFusionError(f"{where}, with {described(chosen)}: {problem}") from None


def items_of(options: TrainOptions) -> dict[str, str]:
    """The digests of the items of train and dev, from which trials learn and by which they are judged."""
    folder = folder_of_stores(options)
    stores = {name: open_partition(folder, name) for name in ("train", "dev")}
    return {name: digest_of_items(store.columns["item_id"]) for name, store in stores.items()}


def run_trials(
    shared: SharedStudy, machine: Mapping[str, Any], most: int, minutes: float | None, ended: Callable[[], None]
) -> None:
    """Runs trials until the study has enough of them, or the time is over.

    Args:
        shared: the study.
        machine: options of the trainings that are of this machine.
        most: trials of the study.
        minutes: behind which no trial begins; None for any.
        ended: is called behind each trial.

    Raises:
        EcgFusionError: the stores are not those that the study was begun with; the choices of a trial do not go
            together, and no trial before it has shown that others do.
        OSError: the disk refuses something: the trial is tried again when the search goes on.
    """
    started = time.monotonic()
    while minutes is None or time.monotonic() - started < 60 * minutes:
        _check_items(shared, machine)
        trial = shared.next_trial(most)
        if trial is None:
            return
        _run(shared, trial, machine)
        ended()
    remark(f"{minutes:g} minutes are over: the same command goes on")


def _check_items(shared: SharedStudy, machine: Mapping[str, Any]) -> None:
    """Before each trial, so that a disk that has gone away is no fault of the trial's."""
    if items_of(TrainOptions.of(**{**shared.plan.options, **machine})) != shared.plan.items:
        raise EcgFusionError(
            f"{shared.folder} was begun with other recordings in train or dev: name their stores with -data"
        )


def _run(shared: SharedStudy, trial: "Trial", machine: Mapping[str, Any]) -> None:
    """Runs one trial and tells the study what came of it."""
    chosen = shared.chosen(trial)
    remark(f"trial {trial.number}: {described(chosen)}")
    same = shared.taken_from_another(trial)
    if same is not None:
        remark(f"trial {trial.number} is trial {same.number} once more: dev macro-AUC {same.value:.4f}")
        return
    best = shared.completed[:1]
    try:
        value = _value_of(shared, trial, chosen, machine)
    except TrialPruned:
        shared.prune(trial)
        remark(f"trial {trial.number} is given up: others were better by now")
    except DivergedError as problem:
        shared.prune(trial, str(problem))
        remark(f"trial {trial.number} came to no result: {problem}")
    except OSError:
        raise
    except EcgFusionError as problem:
        if not best:
            raise
        shared.refuse(trial, str(problem))
        remark(f"trial {trial.number} is refused: {problem}")
    else:
        shared.complete(trial, value)
        mark = " (best so far)" if not best or value > (best[0].value or 0.0) else ""
        remark(f"trial {trial.number}: dev macro-AUC {value:.4f}{mark}")


def _value_of(shared: SharedStudy, trial: "Trial", chosen: Mapping[str, Any], machine: Mapping[str, Any]) -> float:
    """The dev macro-AUC of a trial, the mean over its seeds; what is finished or begun of it is not begun again."""
    folder, values = shared.runs_of(trial), []
    for number, options in enumerate(trainings_of(shared, chosen)):
        place = folder if shared.plan.seeds == 1 else folder / f"seed-{options.get('seed', defaults.SEED)}"
        watch = _Watch(shared, trial, who_listens(), prunes=number == 0)
        with listening(watch):
            values.append(_trained({**options, **machine}, place, watch))
    return sum(values) / len(values)


def trainings_of(shared: SharedStudy, chosen: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The options of each training of a trial: those of the first are the recipe's, others have the next seeds."""
    options = with_choices(shared.plan.options, chosen)
    first = options.get("seed", defaults.SEED)
    return [options, *({**options, "seed": first + number} for number in range(1, shared.plan.seeds))]


def _trained(options: Mapping[str, Any], folder: Path, watch: "_Watch") -> float:
    """Trains a run, goes on with it, or finds it finished; gives its dev macro-AUC."""
    card = read_card(folder) if (folder / CARD).exists() else None
    if card is None:
        train_run(TrainOptions.of(**{**options, "path_save_model": folder}))
    elif card.diverged:
        raise DivergedError(card.diverged)
    elif not card.complete:
        watch.catch_up(folder, card.training.epochs or 0)
        free = {name: options[name] for name in OF_MACHINE if name in options and name != "threads"}
        train_run(TrainOptions.of(path_save_model=folder, **free), resume=True)
    value = read_card(folder).dev_macro_auroc
    if not math.isfinite(value):
        raise EcgFusionError(f"{folder} has no macro-AUC: dev lacks items with a class, or without it")
    return value


class _Watch(Listener):
    """Hears a training: its epochs, those of a trial's first network, are compared with those of other trials.

    Of k-fold members, of further seeds and of what fusions fit aside, epochs are told and not compared, since one step
    of a trial is one number.
    """

    def __init__(self, shared: SharedStudy, trial: "Trial", outer: Listener, prunes: bool) -> None:
        self._shared, self._trial, self._outer, self._prunes = shared, trial, outer, prunes
        self._last = max(shared.reported(trial), default=0)

    def hear(self, event: Event) -> None:
        if isinstance(event, EpochEnded):
            reported = self._report(event.epoch, event.dev_macro_auroc)
            self._outer.hear(event)
            if reported and event.epoch < event.epochs:  # behind the last one nothing is saved
                self._judge()
        elif isinstance(event, Warned):
            self._outer.hear(event)

    def bar(self, iterable: Iterable[Any] | None, name: str | None, **keywords: Any) -> tqdm:
        return self._outer.bar(iterable, name, **keywords)

    def catch_up(self, folder: Path, epochs: int) -> None:
        """Reports the epochs that a run of so many has finished and whose report a kill has prevented."""
        if not (folder / LOG).exists():
            return
        with (folder / LOG).open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            if int(row["epoch"]) > self._last:
                self._report(int(row["epoch"]), float(row["dev_macro_auroc"]))
        if self._prunes and 0 < self._last < epochs and not self._shared.is_over(self._trial):
            self._judge()

    def _report(self, epoch: int, auroc: float | None) -> bool:
        if not self._prunes or self._shared.is_over(self._trial) or auroc is None or not math.isfinite(auroc):
            return False
        if epoch <= self._last:
            self._shared.end_of_first(self._trial)
            return False
        self._trial.report(auroc, epoch)
        self._last = epoch
        return True

    def _judge(self) -> None:
        if self._trial.should_prune():
            raise TrialPruned


def described(chosen: Mapping[str, Any]) -> str:
    """Choices as a line: ``learning_rate 0.00123, optimizer adam``."""
    return ", ".join(f"{name} {spelled(value)}" for name, value in chosen.items())


def spelled(value: Any) -> str:
    """One choice as it is typed, but for a long fraction, of which four digits are shown."""
    if isinstance(value, list | tuple):
        return " ".join(map(spelled, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
