"""What only a GPU can tell, and the same on a CPU, so that it is known to run; see also representations/test_waits.py.

Without ``-m gpu`` no GPU is to be seen, and with it only the tests of a GPU are taken, so that the commands, which take
the first GPU that there is, always work where their test says.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from cards import card_json
from kills import Killed, kill_at_call

import evaluate
import train
from models import create_model, describe_model, list_models
from pipeline.evaluation.scores import load_scores
from pipeline.inputs import placement
from pipeline.inputs.batches import Items, load, training_picks
from pipeline.inputs.placement import store_items
from pipeline.inputs.spec import InputSpec
from pipeline.machine.devices import choose_device, placed
from pipeline.representations import ImageRecipe
from pipeline.runs.card import WEIGHTS
from pipeline.runs.card_parts import CHOICES
from pipeline.runs.learners import NetworkLearner
from pipeline.runs.load import load_run
from pipeline.scoring.partition import scores_of
from pipeline.store.reading import Store, open_store
from pipeline.training import defaults
from pipeline.training.optimisation import Settings
from pipeline.training.steps import Steps, seed_of_step

pytestmark = pytest.mark.usefixtures("cpu_as_before")

ON_GPU = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device, or not asked for with -m gpu"),
]
on_each_device = pytest.mark.parametrize("kind", ["cpu", pytest.param("cuda", marks=ON_GPU)])

NETWORKS: list[tuple[str, dict[str, float]]] = [*((name, {}) for name in list_models()), ("gru", {"dropout": 0.3})]
TRAININGS = {
    "a convolutional network": "-model resnet1d_wang -crop 1",
    "a recurrent one with a dropout": "-model gru -hidden_size 6 -dropout 0.3 -crop 0.5 -leads I II V2",
    "pictures drawn in the step": "-model resnet -representation gaf rp -leads II -on_the_fly",
    "stored pictures": "-model resnet -representation gaf rp -leads II -no_on_the_fly",
    "stored pictures that a process reads ahead": "-model resnet -representation gaf -no_on_the_fly -workers 1",
}
TOLERANCE = 1e-2
"""Of scores in [0, 1]: some sums on a GPU have no fixed order, which some steps of a training make larger."""


@contextmanager
def waits_are_errors(device: torch.device) -> Iterator[None]:
    """Whatever makes the host wait for a GPU raises, but for copies that were asked to be waited for; a CPU is free."""
    if device.type == "cuda":
        torch.cuda.synchronize()
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        if device.type == "cuda":
            torch.cuda.set_sync_debug_mode("default")


def smallest_of(name: str) -> int:
    """Pixels or samples that a network takes at least."""
    with torch.device("meta"):
        return create_model(name, in_channels=3, n_classes=1).smallest_size


def spec_for(name: str, store: Store, on_the_fly: bool = True) -> InputSpec:
    """What a network sees of the store: three leads, or two of their pictures, as small as it takes them."""
    entry, leads = describe_model(name), ("I", "II", "V2")
    spec = InputSpec(entry.modality, leads, store.sampling_rate, store.gain, store.signals.shape[2])
    if not on_the_fly:
        return replace(spec, representations={form: store.image_parameters[form] for form in ("gaf", "rp")})
    smallest = smallest_of(name)
    if entry.modality == "signal":
        crop = max(1.0, 1.02 * smallest / store.sampling_rate)
        return replace(spec, crop=crop, stride=crop)
    recipe = ImageRecipe(representations=("gaf", "rp"), size=max(32, smallest))
    drawn = {form: recipe.parameters(form) for form in recipe.representations}
    return replace(spec, representations=drawn, on_the_fly=True)


def steps_for(
    name: str, options: dict[str, float], spec: InputSpec, store: Store, device: torch.device
) -> tuple[Steps, Items]:
    """The steps of a network with fresh weights, and what they learn from."""
    labels = store.task(defaults.TASK)
    family = defaults.training_defaults(describe_model(name).family)
    settings = Settings(labels.kind, **{name: family[name] for name in CHOICES} | {"batch_size": 4})
    settings = replace(settings, precision="bf16" if device.type == "cuda" else "fp32")
    torch.manual_seed(0)
    network = placed(create_model(name, in_channels=spec.n_channels, n_classes=len(labels.classes), **options), device)
    items = store_items(store, labels.labelled.nonzero()[0], spec, device)
    return Steps(NetworkLearner(network, spec), items, labels.values[labels.labelled], settings, device), items


def take(steps: Steps, items: Items, device: torch.device, number: int) -> torch.Tensor:
    """One step, as ``Steps.epoch`` takes it."""
    for generator in steps._generators:
        generator.manual_seed(seed_of_step(0, number))
    picks = training_picks(items, 4, seed=0, epoch=0)[number : number + 1]
    batch = next(load(items, picks, device=device)).to(device)
    return steps._step(batch) * len(batch.rows)


def assert_later_step_waits_for_nothing(steps: Steps, items: Items, device: torch.device, number: int = 1) -> None:
    steps.learner.train()
    take(steps, items, device, 0)  # what is kept is there then
    before = [parameter.detach().clone() for parameter in steps.learner.network.parameters()]
    with waits_are_errors(device):
        loss = take(steps, items, device, number)
    assert loss.isfinite()
    assert any(not torch.equal(*pair) for pair in zip(before, steps.learner.network.parameters(), strict=True))


@on_each_device
@pytest.mark.parametrize(("name", "options"), NETWORKS, ids=[" ".join([n, *o]) for n, o in NETWORKS])
def test_a_step_of_a_network_waits_for_nothing(name, options, kind, store: Store):
    device = torch.device(kind)
    steps, items = steps_for(name, options, spec_for(name, store), store, device)
    assert_later_step_waits_for_nothing(steps, items, device)


@on_each_device
@pytest.mark.parametrize("fit", [True, False], ids=["held", "on disk"])
def test_a_step_from_stored_pictures_waits_for_nothing(fit, kind, store: Store, monkeypatch):
    monkeypatch.setattr(placement, "fits", lambda *_: fit)
    device = torch.device(kind)
    steps, items = steps_for("resnet", {}, spec_for("resnet", store, on_the_fly=False), store, device)
    assert_later_step_waits_for_nothing(steps, items, device)


@on_each_device
@pytest.mark.parametrize("name", list_models("signal"))
def test_a_step_of_padded_signals_waits_for_nothing(name, kind, store: Store):
    device = torch.device(kind)
    spec, least = spec_for(name, store), smallest_of(name) / store.sampling_rate
    assert spec.crop is not None
    seconds = np.linspace(max(0.5, least), min(1.5 * spec.crop, 10.0), store.n_items).round(2)  # some are padded
    uneven = replace(store, columns={**store.columns, "length": seconds})
    steps, items = steps_for(name, {}, spec, uneven, device)
    picks = enumerate(training_picks(items, 4, seed=0, epoch=0))
    padded = next(number for number, pick in picks if number and items[pick].length is not None)
    assert_later_step_waits_for_nothing(steps, items, device, padded)


def trained(stores: Path, folder: Path, words: str) -> Path:
    train.main([*words.split(), "-data", str(stores), "-path_save_model", str(folder)])
    return folder


def scores_by_command(run: Path, out: Path) -> np.ndarray:
    evaluate.main(["-run", str(run), "-partition", "test", "-out", str(out), "-resamples", "0", "-threads", "1"])
    return load_scores(out / "scores.npz").scores


def scores_on_cpu(run: Path, stores: Path) -> np.ndarray:
    return scores_of(load_run(run), open_store(stores / "test.h5"), torch.device("cpu")).scores


def assert_scored_as_on_a_cpu(run: Path, stores: Path) -> None:
    ours = scores_by_command(run, run / "table")
    assert np.ptp(ours) > 0
    np.testing.assert_allclose(ours, scores_on_cpu(run, stores), atol=TOLERANCE)


@on_each_device
@pytest.mark.parametrize("fit", [True, False], ids=["held", "on disk"])
@pytest.mark.parametrize("words", TRAININGS.values(), ids=TRAININGS)
def test_two_epochs_are_scored_as_on_a_cpu(words, fit, kind, small_store_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(placement, "fits", lambda *_: fit)
    assert choose_device().type == kind
    run = trained(small_store_folder, tmp_path / "run", f"{words} -epochs 2 -batch_size 8")
    assert card_json(run)["complete"]
    assert_scored_as_on_a_cpu(run, small_store_folder)


@on_each_device
@pytest.mark.parametrize("words", TRAININGS.values(), ids=TRAININGS)
def test_a_resumed_training_is_an_uninterrupted_one(words, kind, small_store_folder, tmp_path, monkeypatch):
    """To the bit on a CPU, to rounding on a GPU; in fp32, where rounding is least."""
    words = f"{words} -epochs 2 -batch_size 8 -precision fp32 -threads 1"
    whole = trained(small_store_folder, tmp_path / "whole", words)
    with monkeypatch.context() as patch:
        kill_at_call(patch, NetworkLearner, "learnt", 6)  # in the second epoch: 30 items in batches of 8 are 4 steps
        with pytest.raises(Killed):
            trained(small_store_folder, tmp_path / "killed", words)
    resumed = trained(small_store_folder, tmp_path / "killed", "-resume")
    if kind == "cpu":
        assert (resumed / WEIGHTS).read_bytes() == (whole / WEIGHTS).read_bytes()
    ours, theirs = (scores_on_cpu(run, small_store_folder) for run in (resumed, whole))
    np.testing.assert_allclose(ours, theirs, atol=TOLERANCE)


@pytest.mark.parametrize("kind", [pytest.param("cuda", marks=ON_GPU)])
def test_half_precision_trains_and_resumes(kind, small_store_folder, tmp_path, monkeypatch):
    """Which a CPU refuses. The scale of the gradients is part of the resume file."""
    words = f"{TRAININGS['stored pictures']} -epochs 3 -batch_size 8 -precision fp16"
    with monkeypatch.context() as patch:
        kill_at_call(patch, NetworkLearner, "learnt", 6)
        with pytest.raises(Killed):
            trained(small_store_folder, tmp_path / "run", words)
    assert torch.load(tmp_path / "run" / "resume.pt", weights_only=True)["scaler"]["scale"] > 0
    run = trained(small_store_folder, tmp_path / "run", "-resume")
    assert_scored_as_on_a_cpu(run, small_store_folder)


@pytest.fixture
def branches(small_store_folder: Path, tmp_path: Path) -> list[str]:
    """A network on signals and one on pictures, both of whole items."""
    words = {"gru": "-model gru -hidden_size 6 -leads I II V2", "resnet": TRAININGS["stored pictures"]}
    made = [trained(small_store_folder, tmp_path / name, f"{given} -epochs 1") for name, given in words.items()]
    return [str(run) for run in made]


@on_each_device
@pytest.mark.parametrize(
    "words",
    [
        "late -combine mean",
        "intermediate -combine gated -epochs 2 -batch_size 8",
        "intermediate -combine attention -finetune -epochs 2 -batch_size 8",
    ],
)
def test_a_fusion_is_scored_as_on_a_cpu(words, kind, branches, small_store_folder, tmp_path):
    assert choose_device().type == kind
    words = f"-model {words} -branches {' '.join(branches)}"
    assert_scored_as_on_a_cpu(trained(small_store_folder, tmp_path / "fused", words), small_store_folder)
