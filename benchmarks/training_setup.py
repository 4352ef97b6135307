"""What is trained in the benchmarks of training: a store of simulated recordings, and networks with their settings."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.ratio import Row, Waiting
from benchmarks.simulated_store import make_store, simulate
from pipeline.commands.parser import CommandParser, positive_int

if TYPE_CHECKING:
    import torch

    from pipeline.inputs.spec import InputSpec
    from pipeline.store.reading import Store
    from pipeline.training.optimisation import Settings
    from pipeline.training.steps import Steps

RECORDINGS = 128
THREE_FORMS = ("gaf", "mtf", "rp")
ALL_FORMS = (*THREE_FORMS, "stft")
TASK = "superdiagnostic"
GPU_BATCH = 256
DEVICES = ("cpu", "cuda")


@dataclass(frozen=True)
class Case:
    """A network and what it sees: a signal, or pictures of some forms; ``steps`` of an epoch on a CPU and on a GPU."""

    what: str
    model: str
    steps: tuple[int, int]
    crop: float | None = None
    forms: tuple[str, ...] = THREE_FORMS
    on_the_fly: bool = False

    def on(self, device: str) -> str:
        """What it is called where it is trained."""
        batch = f", batches of {GPU_BATCH}, bf16" if device == "cuda" else ""
        return f"{self.what}, {'GPU' if device == 'cuda' else 'CPU'}{batch}"


SIGNALS = Case("resnet1d_wang (12 leads, crops of 2.5 s)", "resnet1d_wang", (8, 100), crop=2.5)
STORED = Case("alexnet (GAF, MTF, RP of 3 leads at 256, stored)", "alexnet", (4, 20))
DRAWN = Case("alexnet (the same, drawn in the step)", "alexnet", (4, 20), on_the_fly=True)
STORED_ALL = Case("alexnet (all forms of 3 leads at 256, stored)", "alexnet", (12, 50), forms=ALL_FORMS)
DRAWN_ALL = replace(STORED_ALL, what="alexnet (all forms of 3 leads at 256, drawn in the step)", on_the_fly=True)


@dataclass(frozen=True)
class Setup:
    """One case on one device.

    Attributes:
        items: of the product, as many as an epoch has.
        rows: their row numbers in the store.
        labels: (items, classes).
        spec: how the network's input is made of them.
        settings: how it is fitted.
        device: where.
        untrained: the network, which is copied before it is trained.
    """

    items: Any
    rows: np.ndarray
    labels: np.ndarray
    spec: "InputSpec"
    settings: "Settings"
    device: "torch.device"
    untrained: Any

    def network(self) -> Any:
        """The network, untrained."""
        return copy.deepcopy(self.untrained)

    def steps(self) -> "Steps":
        """The product's own steps on an untrained network."""
        from pipeline.runs.learners import NetworkLearner
        from pipeline.training.steps import Steps

        learner = NetworkLearner(self.network(), self.spec)
        return Steps(learner, self.items, self.labels, self.settings, self.device)

    def ready_batches(self) -> list[tuple["torch.Tensor", "torch.Tensor"]]:
        """The input and the targets of each step of the first epoch, on the device."""
        import torch

        from pipeline.inputs.batches import load, training_picks
        from pipeline.inputs.maker import InputMaker

        maker = InputMaker(self.spec)
        picks = training_picks(self.items, self.settings.batch_size, self.settings.seed, 0)
        read = (batch.to(self.device) for batch in load(self.items, picks))
        targets = [torch.from_numpy(self.labels[pick.rows].astype(np.float32)).to(self.device) for pick in picks]
        return [(maker(batch.raw, batch.length), y) for batch, y in zip(read, targets, strict=True)]


def on_device(name: str, what: str, aim: float | None, measure: Callable[["torch.device"], Row]) -> Row | Waiting:
    """A claim measured on the device of that name; it waits where the machine has none."""
    import torch

    from pipeline.machine.devices import choose_device

    device = choose_device() if name == "cuda" else torch.device("cpu")
    return measure(device) if device.type == name else Waiting(what, "a GPU", aim)


def print_rows(
    words: Sequence[str], module: str, doc: str | None, measure: Callable[..., Sequence[Row | Waiting]], turns: int
) -> None:
    """A benchmark's own command: measures on the device that is named, else on both, and prints the rows."""
    parser = CommandParser(prog=f"python -m benchmarks.{module}", description=doc)
    parser.option("device", choices=DEVICES, help="default: both; without a GPU its rows wait")
    parser.option("turns", type=positive_int, default=turns, help="default %(default)s")
    options = parser.parse_args(words)
    for row in measure(options.turns, [options.device] if options.device else DEVICES):
        print(row, flush=True)


def store_for_training(folder: Path) -> "Store":
    """Signals, and all forms of the default leads at 256 pixels."""
    return make_store(simulate(folder, RECORDINGS), folder, ("--size", "256", "--representations", *ALL_FORMS))


def set_up(case: Case, store: "Store", device: "torch.device", epochs: int, **changed: Any) -> Setup:
    """A case with its family's settings for so many epochs; ``changed`` are other settings.

    The store's items come again until the epoch has its steps.
    """
    import torch

    from models import create_model, describe_model
    from pipeline.inputs.placement import store_items
    from pipeline.machine.devices import placed
    from pipeline.runs.card_parts import CHOICES
    from pipeline.training import defaults
    from pipeline.training.optimisation import Settings

    family = defaults.training_defaults(describe_model(case.model).family)
    labels = store.task(TASK)
    chosen = {name: family[name] for name in CHOICES} | {"epochs": epochs}
    if device.type == "cuda":
        chosen |= {"batch_size": GPU_BATCH, "precision": "bf16"}
    settings = replace(Settings(kind=labels.kind, **chosen), **changed)
    n_steps = case.steps[device.type == "cuda"]
    rows = np.resize(np.flatnonzero(labels.labelled), n_steps * settings.batch_size)
    spec = _spec(case, store)
    torch.manual_seed(settings.seed)
    network = placed(create_model(case.model, in_channels=spec.n_channels, n_classes=len(labels.classes)), device)
    return Setup(store_items(store, rows, spec, device), rows, labels.values[rows], spec, settings, device, network)


def _spec(case: Case, store: "Store") -> "InputSpec":
    from models import describe_model
    from pipeline.inputs.spec import InputSpec

    n_samples = store.signals.shape[2]
    if describe_model(case.model).modality == "image":
        leads, made_by = tuple(store.image_leads), {form: store.image_parameters[form] for form in case.forms}
        how: dict[str, Any] = {"representations": made_by, "on_the_fly": case.on_the_fly}
        return InputSpec("image", leads, store.sampling_rate, store.gain, n_samples, **how)
    how = {"crop": case.crop, "stride": case.crop, "normalise": "global", "scale_mv": 0.2}
    return InputSpec("signal", tuple(store.leads), store.sampling_rate, store.gain, n_samples, **how)
