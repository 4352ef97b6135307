"""What only a GPU can tell; see tests/representations/test_waits.py for what a CPU can tell of it."""

from collections.abc import Iterator

import pytest
import torch

from models import create_model
from pipeline import defaults
from pipeline.batches import load, training_picks
from pipeline.devices import placed
from pipeline.holding import store_items
from pipeline.inputs import InputSpec
from pipeline.learners import NetworkLearner
from pipeline.settings import CHOICES, Settings
from pipeline.steps import Steps
from pipeline.store import Store

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device, or not asked for with -m gpu"),
]


@pytest.fixture
def waits_are_errors() -> Iterator[None]:
    torch.cuda.set_sync_debug_mode("error")
    yield
    torch.cuda.set_sync_debug_mode("default")


@pytest.fixture
def gpu() -> torch.device:
    return torch.device("cuda", 0)


@pytest.fixture
def steps(store: Store, gpu: torch.device) -> Steps:
    """Of a network on pictures that are drawn while training, after a first step: what is kept is there then."""
    made_by = {form: store.image_parameters[form] for form in store.images}
    n_samples = store.signals.shape[2]
    spec = InputSpec(
        "image", store.image_leads, store.sampling_rate, store.gain, n_samples, representations=made_by, on_the_fly=True
    )
    labels = store.task(defaults.TASK)
    chosen = {name: defaults.training_defaults("resnet")[name] for name in CHOICES} | {"batch_size": 8}
    network = placed(create_model("resnet", in_channels=spec.n_channels, n_classes=len(labels.classes)), gpu)
    items = store_items(store, labels.labelled.nonzero()[0], spec, gpu)
    made = Steps(
        NetworkLearner(network, spec),
        items,
        labels.values[labels.labelled],
        Settings(kind=labels.kind, precision="bf16", **chosen),
        gpu,
    )
    take(made, items, gpu)
    torch.cuda.synchronize()
    return made


def take(steps: Steps, items, device: torch.device) -> torch.Tensor:
    """One step, as ``Steps.epoch`` takes it."""
    batch = next(load(items, training_picks(items, 8, seed=0, epoch=0)[:1])).to(device)
    return steps._step(batch) * len(batch.rows)


def test_a_training_step_waits_for_nothing(steps: Steps, gpu: torch.device, waits_are_errors):
    loss = take(steps, steps._items, gpu)
    torch.cuda.set_sync_debug_mode("default")
    assert loss.isfinite()
