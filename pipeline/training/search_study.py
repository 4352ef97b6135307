"""A study of Optuna in a journal: what several processes, on several machines, try in turn and nobody tries twice.

Optuna proposes, keeps and prunes. What stands here is whose trial is whose. A process holds a lock as long as it
lives, and its trials bear its name; a trial that runs and whose process is gone is failed, and tried again as it was.
"""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.machine.files import AGAIN, make_folder
from pipeline.machine.locks import locked, one_at_a_time
from pipeline.training.search_engine import (
    Plan,
    decoded,
    distributions,
    grid_of,
    no_sampler,
    pruner_of,
    sampler_at,
)
from pipeline.training.search_space import Space

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

JOURNAL = "journal.log"
MOST_TRIES = 4
"""Of one trial, whose process is killed each time."""

_NAME = "search"  # of every study in its journal, so that a folder can be given another one
_WORKERS = "workers"
_WORKER, _TRIES, _REFUSED, _DIVERGED, _LIKE, _OVER = "worker", "tries", "refused", "diverged", "like", "over"


class SharedStudy:
    """A study that this process takes part in, while the block of ``taking_part`` runs.

    Attributes:
        folder: of the study.
        plan: what it was begun with.
        space: what may be chosen.
        study: Optuna's.
        worker: the name of this process.
    """

    def __init__(self, folder: Path, plan: Plan, space: Space, study: "Study", worker: str) -> None:
        self.folder, self.plan, self.space, self.study, self.worker = folder, plan, space, study, worker

    def next_trial(self, most: int) -> "Trial | None":
        """A trial to run, None where the study has as many as it shall: one that was killed, else a new one.

        Args:
            most: trials of the study, those that are running elsewhere among them.
        """
        with self.in_turn():
            self._fail_those_of_the_dead()
            trials = self.study.get_trials(deepcopy=False)
            n_counted = sum(map(counts, trials))
            waits = any(trial.state.name == "WAITING" for trial in trials)
            n_all = self.n_of_grid
            if not waits and n_counted >= (most if n_all is None else min(most, n_all)):
                return None
            self.study.sampler = sampler_at(self.plan, self.space, n_counted)
            trial = self.study.ask(distributions(self.space))
            self.study.sampler = no_sampler()
            trial.set_user_attr(_WORKER, self.worker)
            return trial

    def in_turn(self) -> AbstractContextManager[None]:
        """Keeps other processes from asking, and from writing what a study leaves, while the block runs."""
        return _in_turn(self.folder)

    @property
    def n_of_grid(self) -> int | None:
        """How many trials a grid has, None for other samplers."""
        if self.plan.sampler != "grid":
            return None
        return int(np.prod([len(values) for values in grid_of(self.space).values()]))

    def _fail_those_of_the_dead(self) -> None:
        for trial in self.study.get_trials(deepcopy=True):
            if trial.state.name != "RUNNING" or _lives(self.folder, trial.user_attrs.get(_WORKER), self.worker):
                continue
            # first the new one, so that a kill between both loses none
            tries = [*trial.user_attrs.get(_TRIES, []), trial.number]
            if _WORKER in trial.user_attrs and len(tries) < MOST_TRIES:
                self._wait_for_another_try(trial, tries)
            self.study.tell(trial.number, state=_state("FAIL"))

    def _wait_for_another_try(self, trial: "FrozenTrial", tries: list[int]) -> None:
        from optuna.trial import create_trial

        waiting = (each.user_attrs.get(_TRIES) for each in self.study.get_trials(states=(_state("WAITING"),)))
        if tries in waiting:
            return
        again = create_trial(
            state=_state("WAITING"),
            params=trial.params,
            distributions=trial.distributions,
            user_attrs={**trial.user_attrs, _TRIES: tries},
            system_attrs=trial.system_attrs,
            intermediate_values=trial.intermediate_values,
        )
        self.study.add_trial(again)

    def chosen(self, trial: "Trial | FrozenTrial") -> dict[str, Any]:
        """What a trial has chosen, by the names of the space."""
        return {name: decoded(self.space[name], value) for name, value in trial.params.items()}

    def runs_of(self, trial: "Trial | FrozenTrial") -> Path:
        """Where the run of a trial lies, or its runs, if they are several: one folder, however often it is tried."""
        first = [*trial.user_attrs.get(_TRIES, []), trial.number][0]
        return self.folder / "trials" / str(trial.user_attrs.get(_LIKE, first))

    def taken_from_another(self, trial: "Trial") -> "FrozenTrial | None":
        """The trial with the same choices that came to its end, which is this one's, too; None if there is none."""
        finished = self.study.get_trials(deepcopy=False, states=(_state("COMPLETE"),))
        other = next((each for each in finished if each.params == trial.params), None)
        if other is not None:
            trial.set_user_attr(_LIKE, int(self.runs_of(other).name))
            self.complete(trial, value_of(other) or 0.0)
        return other

    def reported(self, trial: "Trial") -> dict[int, float]:
        """What is known of a trial's epochs: epoch → dev macro-AUC."""
        return self.study.get_trials(deepcopy=False)[trial.number].intermediate_values

    def is_over(self, trial: "Trial") -> bool:
        """Whether the network of a trial whose epochs are compared is trained, so that those of others are not."""
        return bool(trial.user_attrs.get(_OVER))

    def end_of_first(self, trial: "Trial") -> None:
        """Says that it is."""
        trial.set_user_attr(_OVER, True)

    def refuse(self, trial: "Trial", why: str) -> None:
        """Counts a trial as one whose choices do not go together."""
        trial.set_user_attr(_REFUSED, why)
        self.study.tell(trial, state=_state("FAIL"))

    def prune(self, trial: "Trial", diverged: str | None = None) -> None:
        """Counts a trial as one that was given up, worse than all that came to an end; why, where it diverged."""
        if diverged:
            trial.set_user_attr(_DIVERGED, diverged)
        self.study.tell(trial, state=_state("PRUNED"))

    def complete(self, trial: "Trial", value: float) -> None:
        """Counts a trial with its dev macro-AUC."""
        self.study.tell(trial, value)

    @property
    def trials(self) -> "list[FrozenTrial]":
        """Those that count, in their order."""
        return [trial for trial in self.study.get_trials() if counts(trial)]

    @property
    def completed(self) -> "list[FrozenTrial]":
        """Those that came to an end, the best first; of equal ones the first."""
        finished = self.study.get_trials(states=(_state("COMPLETE"),))
        return sorted(finished, key=lambda trial: (-(value_of(trial) or 0.0), trial.number))

    def importances(self) -> dict[str, float] | None:
        """The share of each choice in how completed trials differ, the largest first; None of too few, or equal ones.

        Reference: F. Hutter, H. Hoos, K. Leyton-Brown, An efficient approach for assessing hyperparameter importance
        (fANOVA), ICML 2014; as Optuna computes it, by random forests of one seed.
        """
        from optuna.importance import FanovaImportanceEvaluator, get_param_importances

        finished = self.completed
        fewest = max(4, 2 * len(self.space))
        if len(finished) < fewest or len({value_of(trial) for trial in finished}) < 2:
            return None
        return get_param_importances(self.study, evaluator=FanovaImportanceEvaluator(seed=0))


def value_of(trial: "FrozenTrial") -> float | None:
    """The dev macro-AUC of a trial that came to its end; of one that was given up, too, Optuna has a value."""
    return trial.value if trial.state.name == "COMPLETE" else None


def reached(trial: "FrozenTrial") -> float | None:
    """The highest dev macro-AUC of its epochs, None where none is over."""
    return max(trial.intermediate_values.values(), default=None)


def _state(name: str) -> Any:
    from optuna.trial import TrialState

    return TrialState[name]


def counts(trial: "FrozenTrial") -> bool:
    """Whether a trial is one of those that a study shall have: all but those that a kill ended."""
    if trial.state.name != "FAIL":
        return True
    return _REFUSED in trial.user_attrs or len(trial.user_attrs.get(_TRIES, [])) >= MOST_TRIES - 1


def what_came_of(trial: "FrozenTrial") -> str:
    """A word or a sentence on a trial, for a table."""
    refused = trial.user_attrs.get(_REFUSED)
    if trial.state.name == "FAIL":
        return f"refused: {refused}" if refused else f"killed {MOST_TRIES} times"
    if _DIVERGED in trial.user_attrs:
        return f"no result: {trial.user_attrs[_DIVERGED]}"
    return {"COMPLETE": "complete", "PRUNED": "given up", "RUNNING": "running", "WAITING": "waiting"}[trial.state.name]


def plan_of(folder: Path) -> Plan | None:
    """What a study was begun with, None where there is none yet.

    Raises:
        EcgFusionError: its journal is damaged.
    """
    if not (folder / JOURNAL).exists():
        return None
    with _in_turn(folder):
        return _begun_with(_opened(folder))


@contextmanager
def taking_part(folder: Path, plan: Plan, space: Space) -> Iterator[SharedStudy]:
    """Opens a study, or begins it, and has this process take part in it.

    Args:
        folder: of the study.
        plan: what it is begun with.
        space: of the plan.

    Raises:
        EcgFusionError: it was begun with something else, or its journal is damaged.
    """
    make_folder(folder / _WORKERS)
    worker = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"
    with locked(folder / _WORKERS / worker, f"{folder} has a worker {worker} already: {AGAIN}"):
        with _in_turn(folder):
            study = _opened(folder)
            begun = _begun_with(study)
            if begun is None:
                study.set_user_attr("plan", vars(plan))
            else:
                _refuse_another(folder, begun, plan)
            study.pruner = pruner_of(plan)
        yield SharedStudy(folder, plan, space, study, worker)


def _in_turn(folder: Path) -> AbstractContextManager[None]:
    return one_at_a_time(folder / JOURNAL, f"{folder} is kept by another process for ten minutes: end it, and {AGAIN}")


def _lives(folder: Path, worker: str | None, own: str) -> bool:
    """Whether the process of a trial goes on; one without a name was killed before it had one, in its turn."""
    if worker is None or not (folder / _WORKERS / f".{worker}.lock").exists():
        return False
    if worker == own:
        return True
    try:
        with locked(folder / _WORKERS / worker, "it lives"):
            return False
    except EcgFusionError as problem:
        if isinstance(problem, OSError):
            raise
        return True


def _opened(folder: Path) -> "Study":
    """The study in a folder's journal, in this process's turn.

    Raises:
        EcgFusionError: it is damaged.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    path = (folder / JOURNAL).resolve()
    lock = JournalFileOpenLock(str(path))
    _cut_torn_line(path, lock)
    try:
        storage = JournalStorage(JournalFileBackend(str(path), lock_obj=lock))
        if _NAME in optuna.get_all_study_names(storage):
            return optuna.load_study(study_name=_NAME, storage=storage, sampler=no_sampler())
        return optuna.create_study(study_name=_NAME, storage=storage, direction="maximize", sampler=no_sampler())
    except (ValueError, KeyError, TypeError, AssertionError) as problem:  # whatever Optuna meets in a line
        raise EcgFusionError(
            f"{folder / JOURNAL} is damaged: put a whole copy of it there, or begin anew with another -study"
        ) from problem


def _cut_torn_line(path: Path, lock: Any) -> None:
    """Takes away what a power cut has left of a last line, which Optuna would write the next one behind."""
    if not path.exists():
        return
    lock.acquire()
    try:
        text = path.read_bytes()
        if text and not text.endswith(b"\n"):
            os.truncate(path, text.rfind(b"\n") + 1)
    finally:
        lock.release()


def _begun_with(study: "Study") -> Plan | None:
    found = study.user_attrs.get("plan")
    return None if found is None else Plan(**found)


def _refuse_another(folder: Path, begun: Plan, plan: Plan) -> None:
    """Refuses to go on with a study that is another's; options of the recipe are named one by one."""
    before, now = (json.loads(json.dumps(vars(each))) for each in (begun, plan))
    for name in before:
        if name == "data" or before[name] == now[name]:
            continue
        if name == "items":
            raise EcgFusionError(
                f"{folder} was begun with other recordings in train or dev: name their stores with -data, "
                "or begin another -study"
            )
        if isinstance(before[name], dict):
            inner = next(key for key in {**before[name], **now[name]} if before[name].get(key) != now[name].get(key))
            place = inner if name == "options" else f"[search] {inner}"
            old, new = (each[name].get(inner, "left out") for each in (before, now))
        else:
            place, old, new = f"-{name}", before[name], now[name]
        raise EcgFusionError(
            f"{folder} was begun with {place} {old}, not {new}: leave it as it was to go on, or begin another -study"
        )
