"""How near a training epoch comes to a bare PyTorch loop over tensors that are in memory already.

Both train the same network on the same batches with the same optimizer, scheduler and clipping of gradients, in turn,
in one process. Ours reads its items from a store of simulated recordings, makes the network's input of them (from
stored pictures, or drawn from signals in the step), seeds each step, counts the loss and shows a bar; the bare loop has
its float32 input ready. On a CPU both must first come to equal weights. Beside the ratio stand our rate and the share
of our time in which neither the forward nor the backward pass runs. A last row sets images of all forms that are drawn
in the step against stored ones; the network is the same. On a CPU worker processes read the stored ones ahead (one for
each core but one, eight at most), which start in the turn that does not count; a GPU holds them.

    python -m benchmarks.training -device cpu
"""

import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.ratio import Row, Waiting, medians
from benchmarks.training_setup import (
    DEVICES,
    DRAWN,
    DRAWN_ALL,
    SIGNALS,
    STORED,
    STORED_ALL,
    Case,
    Setup,
    on_device,
    print_rows,
    set_up,
    store_for_training,
)
from pipeline.commands.parser import run_command

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from pipeline.store.reading import Store
    from pipeline.training.steps import Steps

    Batches = Sequence[tuple[Tensor, Tensor]]

CASES = (SIGNALS, STORED, DRAWN)
AIM = 0.95


def measure(turns: int = 7, devices: Sequence[str] = DEVICES) -> list[Row | Waiting]:
    """The claim of each network on each device; times are those of one step."""
    from pipeline.machine.devices import set_up_cpu

    set_up_cpu(1)
    with tempfile.TemporaryDirectory() as folder:
        store = store_for_training(Path(folder))
        rows = [_against_bare_loop(case, name, store, turns) for name in devices for case in CASES]
        return rows + [_drawn_against_stored(name, store, turns) for name in devices]


def _against_bare_loop(case: Case, name: str, store: "Store", turns: int) -> Row | Waiting:
    what = f"a training step of {case.on(name)}, against a bare loop"
    return on_device(name, what, AIM, lambda device: _measure(what, set_up(case, store, device, turns + 1), turns))


def _drawn_against_stored(name: str, store: "Store", turns: int) -> Row | Waiting:
    workers = 0 if name == "cuda" else stored_workers()
    what = f"a training step of {DRAWN_ALL.on(name)}, against stored images that {_holder(workers)}"

    def measured(device: "torch.device") -> Row:
        drawn = set_up(DRAWN_ALL, store, device, turns + 1)
        stored = set_up(STORED_ALL, store, device, turns + 1, workers=workers)
        ways = {"drawn": drawn, "stored": stored}
        found = medians({way: partial(_our_epoch, of.steps()) for way, of in ways.items()}, turns)
        n_steps = len(drawn.items) / drawn.settings.batch_size
        read = "the stored ones were read from disk" if stored.items.on_disk and not workers else ""
        return Row(what, found["drawn"] / n_steps, found["stored"] / n_steps, 1, read)

    return on_device(name, what, 1, measured)


def _holder(workers: int) -> str:
    if not workers:
        return "the GPU holds"
    return "a worker process reads" if workers == 1 else f"{workers} worker processes read"


def stored_workers() -> int:
    """Processes that read stored images ahead, as many as leave the training a core."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(8, cores - 1))


def _measure(what: str, setup: Setup, turns: int) -> Row:
    batches = setup.ready_batches()
    if setup.device.type == "cpu":
        _require_agreement(setup, batches)
    bare, steps = BareLoop(setup), setup.steps()
    runs = {
        "ours": partial(_our_epoch, steps),
        "bare": partial(bare.epoch, batches),
        "network": partial(bare.network_alone, batches),
    }
    found = medians(runs, turns)
    n_items = sum(len(x) for x, _ in batches)
    outside = max(0.0, 1 - found["network"] / found["ours"])
    note = f"{n_items / found['ours']:,.0f} items a second, {outside:.0%} of the time outside the network"
    return Row(what, found["ours"] / len(batches), found["bare"] / len(batches), AIM, note)


def _our_epoch(steps: "Steps") -> None:
    from pipeline.training.resume import Progress

    steps.epoch(Progress())


class BareLoop:
    """What a user would write who has the batches as tensors."""

    def __init__(self, setup: Setup) -> None:
        from pipeline.training.losses import make_loss
        from pipeline.training.optimisation import make_optimizer, make_scheduler

        self.network, self._device, settings = setup.network().train(), setup.device, setup.settings
        self._parameters = list(self.network.parameters())
        self._optimizer = make_optimizer([{"params": self._parameters, "lr": settings.learning_rate}], settings)
        n_steps = len(setup.items) // settings.batch_size
        self._scheduler = make_scheduler(self._optimizer, settings, n_steps * settings.epochs)
        self._loss_function, self._clip_norm = make_loss(settings.kind, None), settings.clip_norm
        self._precision = settings.precision

    def epoch(self, batches: "Batches", seeds: Sequence[int] = ()) -> None:
        """A pass over the batches; with ``seeds``, each step has its own."""
        import torch

        for number, (x, y) in enumerate(batches):
            if seeds:
                torch.manual_seed(seeds[number])
            self._backward(x, y)
            torch.nn.utils.clip_grad_norm_(self._parameters, self._clip_norm)
            self._optimizer.step()
            self._scheduler.step()
            self._optimizer.zero_grad()
        self._wait()

    def network_alone(self, batches: "Batches") -> None:
        """Forward, loss and backward of the same batches; nothing is learnt."""
        for x, y in batches:
            self._backward(x, y)
            self._optimizer.zero_grad()
        self._wait()

    def _backward(self, x: "Tensor", y: "Tensor") -> None:
        with self._autocast():
            logits = self.network(x)
        self._loss_function(logits.float(), y).backward()

    def _autocast(self) -> AbstractContextManager[object]:
        import torch

        return torch.autocast(self._device.type, torch.bfloat16) if self._precision == "bf16" else nullcontext()

    def _wait(self) -> None:
        import torch

        if self._device.type == "cuda":
            torch.cuda.synchronize()


def _require_agreement(setup: Setup, batches: "Batches") -> None:
    import torch

    from pipeline.training.resume import Progress
    from pipeline.training.steps import seed_of_step

    bare, ours = BareLoop(setup), setup.steps()
    bare.epoch(batches, [seed_of_step(setup.settings.seed, step) for step in range(len(batches))])
    ours.epoch(Progress())
    pairs = zip(bare.network.parameters(), ours.learner.network.parameters(), strict=True)
    if not all(torch.equal(one, other) for one, other in pairs):
        sys.exit("the bare loop and ours do not learn the same, so their times cannot be compared")


if __name__ == "__main__":
    run_command(lambda words: print_rows(words, "training", __doc__, measure, 7))
