"""The steps of a training: one pass after another over its items.

Every random number of a step is one of (seed, step), and the order of an epoch one of (seed, epoch). Nothing of a step
waits for the device: the loss of an epoch is asked for at its end.
"""

import warnings
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.inputs.batches import Items, Pick, load, training_picks
from pipeline.listening import progress_bar, remark
from pipeline.machine.devices import full_fp32
from pipeline.machine.group import the_group
from pipeline.machine.low_precision import keep_right
from pipeline.runs.learners import Change, Learner, Mix
from pipeline.training.contrast import Contrast
from pipeline.training.distillation import distillation_loss, softened
from pipeline.training.ema import Average
from pipeline.training.losses import make_loss, smoothed
from pipeline.training.mixup import drawn_mix
from pipeline.training.optimisation import Settings, make_optimizer, make_scheduler
from pipeline.training.resume import Progress
from pipeline.training.sharing import Part, Together, add_gradients, agree, gathered, part_of

_STEPS_BETWEEN_BARS = 20
_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Steps:
    """What stays the same from one step to the next.

    Attributes:
        learner: what is trained.
        optimizer: of its parameters.
        scheduler: of their rate, over all steps of the training.
        scaler: of the gradients in ``fp16``, else None.
        average: of the weights over the steps; None where they count as they are.
        contrast: what the features are compared with, whose layers are trained, too; None where they are with nothing.

    Args:
        learner: what is trained; it is on ``device``.
        items: what it learns from.
        labels: (items, classes), 0 or 1.
        settings: how to fit.
        device: where.
        taught: (items, classes) what a teacher says of each, probabilities of what is answered; None where nobody does.
        contrast: where a teacher sees each, on ``device``; None where nobody does. The learner is a ``NetworkLearner``.

    A subclass that learns of something else than labels has a ``_loss`` of its own.
    """

    def __init__(
        self,
        learner: Learner,
        items: Items,
        labels: np.ndarray,
        settings: Settings,
        device: torch.device,
        taught: np.ndarray | None = None,
        contrast: Contrast | None = None,
    ) -> None:
        self.learner, self._items, self._settings, self._device = learner, items, settings, device
        self._group = the_group()
        agree(learner.network, self._group)
        self._together = Together(learner, self._group)
        self._part: Part | None = None  # of the batch of a step; None where that is whole
        targets = torch.from_numpy(labels.astype(np.float32))
        self._targets = smoothed(targets, settings.kind, settings.label_smoothing).to(device)
        self._taught: Tensor | None = None
        if taught is not None:
            soft = softened(torch.from_numpy(taught), settings.kind, settings.temperature)
            self._taught = soft.to(device)
        self._loss_function = make_loss(settings.kind, settings.class_weights, settings.loss).to(device)
        self.contrast = contrast
        self._parameters = list(learner.network.parameters())
        groups = learner.parameter_groups(settings.learning_rate)
        if contrast is not None:
            self._parameters += contrast.parameters()
            groups += [{"params": list(contrast.parameters()), "lr": settings.learning_rate}]
        self._generators = generators_of(device)
        changes = settings.augment or settings.mixup
        self._drawn_by = torch.Generator(device) if changes else None
        self._change: Change | None = None  # of a step
        self.optimizer = make_optimizer(groups, settings)
        self.average = Average(learner.network, settings.ema) if settings.ema else None
        self._classes = labels.argmax(axis=1) if settings.sampling == "balanced" else None
        n_steps = len(self._picks(0))
        self.scheduler = make_scheduler(self.optimizer, settings, n_steps * settings.epochs)
        # the network itself is not handed over: accelerate would make it score in the training's precision too
        self._accelerator = _accelerator(settings.precision, device)
        if settings.precision in _DTYPES and device.type == "cpu":
            wrong = keep_right(learner.network, _DTYPES[settings.precision])
            if wrong:
                names = ", ".join(wrong)
                remark(
                    f"computed in fp32, since this processor gets them wrong in {settings.precision}, or hangs: {names}"
                )
        self.scaler = self._accelerator.scaler
        # accelerate's wrapper looks for a package on the disk in every step, and is of use to a scaler alone
        self._stepper = self._accelerator.prepare(self.optimizer) if self.scaler else self.optimizer

    def epoch(self, progress: Progress) -> float:
        """One pass over the items; gives the mean loss of an item in this epoch alone, and counts the steps."""
        parts = self._parts(progress)
        self.learner.train()
        total, n_items = torch.zeros((), device=self._device), 0
        batches = load(self._items, [part.pick for part in parts], self._settings.workers, self._device)
        with full_fp32() if self._settings.precision == "fp32" else nullcontext():
            for part, batch in zip(parts, self._bar(batches, progress.epoch, len(parts)), strict=True):
                seed = seed_of_step(self._settings.seed, progress.step)
                for generator in self._generators:
                    generator.manual_seed(seed)
                if self._drawn_by is not None:
                    self._drawn_by.manual_seed(seed)
                    self._change = Change(self._settings.augment, part.draws(self._drawn_by), part.mix)
                self._part = part
                with self._together.seeing(part, self._generators, self._settings.seed, progress.step):
                    total += self._step(batch.to(self._device)) * part.n_items
                n_items += part.n_items
                if self.average:
                    self.average.update(progress.step)
                progress.step += 1
                self._group.end_if_asked()
        self._part = None
        return float(self._group.add(total)) / n_items

    def as_scored(self) -> AbstractContextManager[None]:
        """Within it the network is what is scored and kept: its mean over the steps, where there is one."""
        return self.average.applied() if self.average else nullcontext()

    def _picks(self, epoch: int) -> list[Pick]:
        return training_picks(self._items, self._settings.batch_size, self._settings.seed, epoch, self._classes)

    def _parts(self, progress: Progress) -> list[Part]:
        """What this process does of each batch of the next epoch."""
        picks, lengths = self._picks(progress.epoch), self._items.lengths
        mixes = (self._mix(progress.step + number, len(pick.rows)) for number, pick in enumerate(picks))
        return [part_of(pick, mix, lengths, self._group) for pick, mix in zip(picks, mixes, strict=True)]

    def _mix(self, step: int, n_items: int) -> Mix | None:
        """How a step of so many items mixes them."""
        alpha, seed = self._settings.mixup, self._settings.seed
        return drawn_mix(alpha, seed, step, n_items) if alpha else None

    def _loss(self, batch: Any) -> Tensor:
        """The mean loss of the batch's items, of which a step takes the gradient; of a process, what it adds to it."""
        with self._accelerator.autocast():
            features, outputs = self.learner.learnt(batch, self._change)
        share = 1.0 if self._part is None else self._part.share
        losses = [share * weight * self._compared(logits.float(), batch.rows) for weight, logits in outputs]
        if features is not None:
            losses += self._losses_of_all(features.float(), batch.rows)
        loss: Tensor = sum(losses[1:], losses[0])
        return loss

    def _losses_of_all(self, features: Tensor, rows: Tensor) -> list[Tensor]:
        """What is added to the loss that looks at all items of the batch at once."""
        mix = self._change.mix if self._change else None
        penalty, of_whole = self.learner.penalty(features), 1.0
        if self._part is not None:
            of_whole = self._part.of_whole
            looks_at_all = penalty is not None or self.contrast is not None
            if looks_at_all and self._part.places is not None:
                features = gathered(features, self._part.first, self._part.n_items, self._group)
                rows, mix = torch.from_numpy(self._part.whole).to(rows.device), self._part.whole_mix
                penalty = self.learner.penalty(features)
        losses = [] if penalty is None else [of_whole * penalty]
        if self.contrast is not None:
            taught, labels = (
                x[rows] if mix is None else mix(x[rows]) for x in (self.contrast.taught, self.contrast.labels)
            )
            losses.append(of_whole * self.contrast(features, taught, labels))
        return losses

    def _step(self, batch: Any) -> Tensor:
        """Changes the network once; gives the mean loss of the batch's items, or what this process adds to it."""
        loss = self._loss(batch)
        self._accelerator.backward(loss)
        add_gradients(self._parameters, self._group)
        if self._settings.clip_norm:
            self._accelerator.clip_grad_norm_(self._parameters, self._settings.clip_norm)
        self._stepper.step()
        if not self._accelerator.optimizer_step_was_skipped:
            self.scheduler.step()
        self._stepper.zero_grad()
        return loss.detach()

    def _compared(self, logits: Tensor, rows: Tensor) -> Tensor:
        """The loss of what the network says, beside the labels of these items and what their teacher says."""
        of_labels: Tensor = self._loss_function(logits, self._mixed(self._targets[rows]))
        if self._taught is None:
            return of_labels
        kind, weight, temperature = self._settings.kind, self._settings.distill, self._settings.temperature
        taught = self._mixed(self._taught[rows])
        of_teacher = distillation_loss(self.learner.answered(logits), taught, kind, temperature)
        return (1 - weight) * of_labels + weight * of_teacher

    def _mixed(self, targets: Tensor) -> Tensor:
        return self._change.mix(targets) if self._change and self._change.mix else targets

    def _bar(self, batches: Iterable[Any], epoch: int, n_batches: int) -> Iterable[Any]:
        bar: Iterable[Any] = progress_bar(
            batches,
            f"epoch {epoch + 1}/{self._settings.epochs}",
            total=n_batches,
            unit="batches",
            miniters=_STEPS_BETWEEN_BARS if self._device.type == "cuda" else None,
            leave=False,
        )
        return bar


def seed_of_step(seed: int, step: int) -> int:
    """What every random number of a step is made of; steps are counted through all epochs."""
    return int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0])


def generators_of(device: torch.device) -> list[torch.Generator]:
    """Those that a step draws from; ``torch.manual_seed`` seeks out every device's, 0.13 ms each time."""
    if device.type != "cuda":
        return [torch.default_generator]
    torch.cuda.init()  # type: ignore[no-untyped-call]
    index = torch.cuda.current_device() if device.index is None else device.index
    return [torch.default_generator, torch.cuda.default_generators[index]]


def _accelerator(precision: str, device: torch.device) -> Any:
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)  # a second training in one process may choose anew
    threads = torch.get_num_threads()
    with warnings.catch_warnings():  # of several processes it warns that it has set the threads, which the card says
        warnings.simplefilter("ignore")
        made = Accelerator(cpu=device.type == "cpu", mixed_precision={"fp32": "no"}.get(precision, precision))
    torch.set_num_threads(threads)
    return made
