"""The steps of a pretraining, which take the method's own loss, and what the method says of dev."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.pretraining.method import Method, Outcome
from pipeline.inputs.batches import Batch, Items, load, training_picks
from pipeline.inputs.maker import InputMaker
from pipeline.inputs.spec import InputSpec
from pipeline.listening import progress_bar
from pipeline.machine.devices import full_fp32
from pipeline.runs.learners import Change, Learner
from pipeline.store.reading import Store
from pipeline.training.loop import Judged, diverged
from pipeline.training.optimisation import Settings
from pipeline.training.resume import Progress
from pipeline.training.steps import Steps, generators_of, seed_of_step

_DEV_SEED = 0  # of what is hidden or drawn of dev, so that epochs and runs are compared by the same


def patients_of(store: Store, rows: np.ndarray, device: torch.device) -> Tensor:
    """A number for the patient of each of some items, (items,)."""
    numbers = np.unique(store.columns["patient_id"][rows], return_inverse=True)[1]
    return torch.from_numpy(numbers.reshape(-1).astype(np.int64)).to(device)


class PretrainingLearner(Learner):
    """A method and how the signals that it sees are made of a batch; ``network`` is the method.

    Args:
        method: whose encoder is trained.
        spec: how its input is made.
    """

    network: Method

    def __init__(self, method: Method, spec: InputSpec) -> None:
        super().__init__()
        self.network = method
        self._maker = InputMaker(spec)

    def outcome(self, batch: Batch, patients: Tensor, change: Change | None = None) -> Outcome:
        """What the method says of a batch.

        Args:
            batch: of the items.
            patients: (items,) a number for the patient of each of all items, on the batch's device.
            change: how signals are changed at random; None leaves them.
        """
        if change is None:
            x = self._maker(batch.raw, batch.length)
        else:
            x = self._maker.augmented(batch.raw, change.generator, change.names, batch.length)
        found: Outcome = self.network(x, batch.length, patients[batch.rows])
        return found


class PretrainingSteps(Steps):
    """Steps that take the method's own loss; arguments as of ``Steps``, and the patient of each item."""

    learner: PretrainingLearner

    def __init__(
        self, learner: PretrainingLearner, items: Items, patients: Tensor, settings: Settings, device: torch.device
    ) -> None:
        super().__init__(learner, items, np.zeros((len(items), 1), np.uint8), settings, device)
        self._patients = patients

    def _loss(self, batch: Any) -> Tensor:
        with self._accelerator.autocast():
            return self.learner.outcome(batch, self._patients, self._change).loss


def judge(
    learner: PretrainingLearner,
    items: Items,
    patients: Tensor,
    settings: Settings,
    device: torch.device,
    progress: Progress,
) -> Judged:
    figures = figures_of(learner, items, patients, settings, device)
    if not np.isfinite(figures["dev_loss"]):
        raise diverged(f"the loss of dev is {figures['dev_loss']}", progress, settings)
    return Judged(None, figures)


@torch.no_grad()
@full_fp32()
def figures_of(
    learner: PretrainingLearner, items: Items, patients: Tensor, settings: Settings, device: torch.device
) -> dict[str, float]:
    """What the method says of items that it does not learn of, by the names of the log; means over items.

    What is cropped, hidden or drawn is the same whenever it is asked, so that epochs can be compared.
    """
    learner.eval()
    picks = training_picks(items, settings.batch_size, _DEV_SEED, 0)
    totals: dict[str, Tensor] = {}
    batches = progress_bar(load(items, picks, settings.workers, device), "dev", total=len(picks), leave=False)
    for number, batch in enumerate(batches):
        for generator in generators_of(device):
            generator.manual_seed(seed_of_step(_DEV_SEED, number))
        outcome = learner.outcome(batch.to(device), patients)
        for name, value in {"loss": outcome.loss, **outcome.figures}.items():
            totals[name] = totals.get(name, torch.zeros((), device=device)) + value.float() * len(batch.rows)
    n_items = sum(len(pick.rows) for pick in picks)
    return {f"dev_{name}": float(total) / n_items for name, total in totals.items()}
