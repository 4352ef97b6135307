"""Mixed pairs and smoothed labels: inputs and targets by hand, every modality, repeated exactly, refused where not."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cards import card_json
from kills import Killed, kill_at_call
from made_stores import write_stores

import train
from models import BranchShape, beside_features, create_fusion, create_model
from pipeline.errors import EcgFusionError
from pipeline.fusion.frozen import KeptItems, KeptLearner
from pipeline.inputs.batches import Batch, Pick, training_picks
from pipeline.inputs.placement import store_items
from pipeline.inputs.spec import FeatureScale, InputSpec
from pipeline.representations import ImageRecipe
from pipeline.runs.card import DEV_SCORES, LOG, WEIGHTS
from pipeline.runs.card_file import read_card
from pipeline.runs.learners import Change, Mix, NetworkLearner
from pipeline.runs.load import load_run
from pipeline.scoring.partition import score_partition
from pipeline.signals.counts import PADDING
from pipeline.store.reading import open_store
from pipeline.training.losses import LOSSES, make_loss
from pipeline.training.mixup import drawn_mix
from pipeline.training.options import TrainOptions
from pipeline.training.ranges import check_ranges

pytestmark = pytest.mark.usefixtures("cpu_as_before")

SPEC = InputSpec(
    modality="signal",
    leads=("I", "II"),
    sampling_rate=100.0,
    gain=1000.0,
    n_samples=80,
    normalise="global",
    scale_mv=0.5,
)
CHANGE = Change((), torch.Generator())
SMALL = "-epochs 2 -threads 1 -batch_size 8"
GRU = f"-model gru -hidden_size 4 -n_layers 2 -dropout 0.3 {SMALL}"
UNCHANGED = "-learning_rate 1e-30 -weight_decay 0 -optimizer sgd -scheduler none -epochs 1"


def test_the_weight_and_the_partners_are_those_of_seed_and_step():
    mix = drawn_mix(0.4, 3, 7, 9)
    assert sorted(mix.partners.tolist()) == [*range(9)]
    assert 0 <= mix.weight <= 1
    again = drawn_mix(0.4, 3, 7, 9)
    assert (again.weight, again.partners.tolist()) == (mix.weight, mix.partners.tolist())
    others = [drawn_mix(0.4, seed, step, 9).weight for seed, step in ((3, 8), (4, 7))]
    assert mix.weight not in others


@pytest.mark.parametrize("alpha", [0.2, 1.0, 5.0])
def test_the_weights_are_of_a_beta_distribution(alpha: float):
    weights = np.array([drawn_mix(alpha, 0, step, 2).weight for step in range(2000)])
    assert weights.mean() == pytest.approx(0.5, abs=0.03)
    assert weights.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.1)


def signals(lengths: list[int] | None = None, features: bool = False) -> Batch:
    draw = torch.Generator().manual_seed(1)
    raw = torch.randint(-900, 900, (4, 2, 80), generator=draw, dtype=torch.int16)
    for row, length in enumerate(lengths or []):
        raw[row, :, length:] = PADDING
    numbers = torch.rand(4, 3, generator=draw) if features else None
    return Batch(raw, None if lengths is None else torch.tensor(lengths), torch.arange(4), numbers)


def learner(model: str = "gru", spec: InputSpec = SPEC) -> NetworkLearner:
    torch.manual_seed(0)
    network = create_model(model, in_channels=spec.n_channels, n_classes=3)
    return NetworkLearner(network, spec).eval()


def test_a_mixed_item_is_what_lies_between_both_inputs(monkeypatch):
    own, seen = learner(), []
    read = own.network.features
    monkeypatch.setattr(own.network, "features", lambda x, **beside: seen.append(x) or read(x, **beside))
    batch, mix = signals(), Mix(0.7, torch.tensor([1, 0, 3, 2]))
    own(batch)
    own.outputs(batch, Change((), torch.Generator(), mix))
    plain, mixed = seen
    torch.testing.assert_close(mixed, 0.7 * plain + 0.3 * plain[[1, 0, 3, 2]])


@pytest.mark.parametrize(("weight", "partners"), [(1.0, [1, 0, 3, 2]), (0.3, [0, 1, 2, 3])])
def test_all_of_itself_or_itself_as_its_partner_changes_nothing(weight, partners):
    own, batch = learner(), signals([80, 60, 70, 75])
    ((_, mixed),) = own.outputs(batch, Change((), torch.Generator(), Mix(weight, torch.tensor(partners))))
    if partners != [0, 1, 2, 3]:
        batch = Batch(batch.raw, torch.tensor([80, 80, 75, 75]), batch.rows)  # seen as far as the longer of both
    torch.testing.assert_close(mixed, own(batch))


def test_items_of_unequal_length_are_as_long_as_the_longer_and_padding_is_0():
    """A mixture is the item of mixed signals, of which nothing behind the end of the longer is seen."""
    own = learner()
    batch, mix = signals([80, 50, 60, 70]), Mix(0.6, torch.tensor([0, 2, 1, 3]))
    ((_, mixed),) = own.outputs(batch, Change((), torch.Generator(), mix))
    mv = torch.where(batch.raw == PADDING, 0, batch.raw).float() / 1000 / 0.5
    pair = 0.6 * mv[1] + 0.4 * mv[2]
    alone = own.network(pair[None, :, :60], length=torch.tensor([60]))
    torch.testing.assert_close(mixed[1:2], alone, atol=1e-5, rtol=1e-5)


def test_numbers_beside_an_item_are_mixed_with_it(monkeypatch):
    spec = InputSpec(
        **{**vars(SPEC), "features": {"rr": FeatureScale("none", (0.5,) * 3, (0.25,) * 3)}},
    )
    torch.manual_seed(0)
    network = beside_features(create_model("gru", in_channels=2, n_classes=3), 3, 3)
    own, seen = NetworkLearner(network, spec).eval(), []
    read = network.features
    monkeypatch.setattr(network, "features", lambda x, *, numbers: seen.append(numbers) or read(x, numbers=numbers))
    batch = signals(features=True)
    own(batch)
    own.outputs(batch, Change((), torch.Generator(), Mix(0.25, torch.tensor([3, 2, 1, 0]))))
    torch.testing.assert_close(seen[1], 0.25 * seen[0] + 0.75 * seen[0].flip(0))


def fit_run(stores: Path, folder: Path, words: str, resume: bool = False) -> Path:
    train.main([*words.split(), "-data", str(stores), "-path_save_model", str(folder), *(["-resume"] * resume)])
    return folder


def losses(folder: Path) -> list[float]:
    with (folder / LOG).open(newline="") as file:
        return [float(row["train_loss"]) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def multiclass(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three rhythms, of two lengths, and small images of those of one."""
    folder = tmp_path_factory.mktemp("mixed")
    return write_stores(folder / "stores", n_train=30, n_dev=15, seconds=(2.0, 1.5))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mixed") / "stores"
    recipe = ImageRecipe(size=32, representations=("gaf",))
    return write_stores(folder, n_train=24, n_dev=12, seconds=(2.0,), images=recipe)


def test_a_loss_is_that_of_mixed_pairs(small_store_folder, tmp_path):
    """Where nothing is learnt, the loss of an epoch can be computed again, from the run and from seed and step."""
    words = f"-model gru -hidden_size 2 -n_layers 1 -leads I -batch_size 8 -threads 1 {UNCHANGED}"
    plain = fit_run(small_store_folder, tmp_path / "plain", f"{words} -seed 5")
    mixed = fit_run(small_store_folder, tmp_path / "mixed", f"{words} -seed 5 -mixup 0.4")
    run = load_run(mixed)
    store = open_store(small_store_folder / "train.h5")
    labels = store.task("disease")
    rows = np.flatnonzero(labels.labelled)
    items, targets = store_items(store, rows, run.spec), torch.from_numpy(labels.values[rows]).float()
    own, loss = NetworkLearner(run.network, run.spec).eval(), make_loss("multilabel", run.card.training.class_weights)
    total = 0.0
    for step, pick in enumerate(training_picks(items, 8, 5, 0)):
        mix, batch = drawn_mix(0.4, 5, step, len(pick.rows)), items[pick]
        x = own._maker(batch.raw)
        logits = run.network.requires_grad_(False)(mix.weight * x + (1 - mix.weight) * x[mix.partners])
        both = targets[pick.rows], targets[pick.rows][mix.partners]
        total += float(mix.weight * loss(logits, both[0]) + (1 - mix.weight) * loss(logits, both[1])) * len(pick.rows)
    assert losses(mixed)[0] == pytest.approx(total / len(rows), rel=1e-5)
    assert losses(mixed)[0] != pytest.approx(losses(plain)[0], rel=1e-3)


@pytest.mark.parametrize(
    "words",
    [
        GRU,
        f"{GRU} -crop 1 -augment noise time_shift -normalise record",
        f"{GRU} -loss focal -class_weights balanced",
        f"{GRU} -sampling balanced",
        f"{GRU} -kfold 2",
        f"-model resnet1d_wang {SMALL} -label_smoothing 0.1 -ema 0.9",
    ],
)
def test_classes_that_exclude_each_other_and_items_of_unequal_length(words, multiclass, tmp_path):
    plain, first, again = (
        fit_run(multiclass, tmp_path / str(n), f"{words} {how}")
        for n, how in enumerate(("-mixup 0", "-mixup 0.5", "-mixup 0.5"))
    )
    assert "mixup" not in card_json(plain)["training"]
    assert read_card(first).training.mixup == 0.5
    assert np.isfinite(score_partition(first, multiclass, "test", threads=1).scores).all()
    named = WEIGHTS if (first / WEIGHTS).exists() else f"members/1/{WEIGHTS}"
    assert (plain / named).read_bytes() != (first / named).read_bytes() == (again / named).read_bytes()


@pytest.mark.parametrize("words", ["", "-on_the_fly -augment scaling"])
def test_images_are_mixed(words, images, tmp_path):
    plain, mixed = (
        fit_run(images, tmp_path / str(n), f"-model cnn -nb_filters 2 {SMALL} {words} {how}")
        for n, how in enumerate(("", "-mixup 1"))
    )
    assert losses(plain) != losses(mixed)
    assert read_card(mixed).training.mixup == 1.0


@pytest.mark.parametrize("loss", [name for name, loss in LOSSES.items() if "multilabel" in loss.kinds])
def test_every_loss_takes_mixed_and_smoothed_labels(loss, small_store_folder, tmp_path):
    words = f"-model resnet1d_wang -crop 1 -leads I {SMALL} -loss {loss} -mixup 0.5 -label_smoothing 0.1"
    run = fit_run(small_store_folder, tmp_path / "run", words)
    assert np.isfinite(losses(run)).all()
    assert (read_card(run).training.mixup, read_card(run).training.label_smoothing) == (0.5, 0.1)


def test_a_resumed_training_equals_an_uninterrupted_one(small_store_folder, tmp_path):
    words = f"{GRU} -leads I II -crop 1 -mixup 0.4 -label_smoothing 0.1 -epochs 3 -patience 3"
    whole = fit_run(small_store_folder, tmp_path / "whole", words)
    with pytest.MonkeyPatch.context() as patch:
        kill_at_call(patch, NetworkLearner, "learnt", 6)
        with pytest.raises(Killed):
            fit_run(small_store_folder, tmp_path / "killed", words)
    killed = fit_run(small_store_folder, tmp_path / "killed", "", resume=True)
    for name in (WEIGHTS, DEV_SCORES):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    assert losses(killed) == losses(whole)


def test_smoothed_labels_are_what_the_loss_is_of(small_store_folder, tmp_path):
    words = f"-model gru -hidden_size 2 -n_layers 1 -leads I -batch_size 8 -threads 1 {UNCHANGED} -class_weights none"
    run = fit_run(small_store_folder, tmp_path / "run", f"{words} -label_smoothing 0.2")
    scores = score_partition(run, None, "train", threads=1)
    targets, p = scores.labels * 0.8 + 0.1, scores.scores.astype(np.float64)
    expected = -(targets * np.log(p) + (1 - targets) * np.log(1 - p)).mean()
    assert losses(run)[0] == pytest.approx(expected, rel=1e-5)


@pytest.fixture(scope="module")
def branches(small_store_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("branches")
    runs = [fit_run(small_store_folder, folder / n, f"{GRU} -leads I -crop 1 -seed {n} -epochs 1") for n in "12"]
    return " ".join(map(str, runs))


@pytest.mark.parametrize(
    "how",
    [
        "-model late -combine mlp",
        "-model intermediate -combine concat",
        "-model intermediate -combine gated -finetune",
    ],
)
def test_fusions_that_are_trained_take_smoothed_labels(how, branches, small_store_folder, tmp_path):
    words = f"{how} -hidden_size 4 {SMALL} -branches {branches}"
    plain = fit_run(small_store_folder, tmp_path / "plain", words)
    smoothed = fit_run(small_store_folder, tmp_path / "smoothed", f"{words} -label_smoothing 0.3")
    assert read_card(smoothed).training.label_smoothing == 0.3
    assert (plain / WEIGHTS).read_bytes() != (smoothed / WEIGHTS).read_bytes()


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        (
            "-model late -combine mean -mixup 0.2",
            "-mixup mixes what one network sees, and -model late fuses several: l",
        ),
        ("-model intermediate -combine concat -finetune -mixup 0.2", "-model intermediate fuses several: leave it out"),
        ("-model late -combine weighted -label_smoothing 0.1", "-label_smoothing does nothing in late fusion by weig"),
        ("-model intermediate -combine svm -label_smoothing 0.1", "-label_smoothing does nothing in intermediate fus"),
    ],
)
def test_fusions_refuse_what_they_cannot(how, sentence, branches, tmp_path):
    with pytest.raises(EcgFusionError, match=sentence):
        train.main([*how.split(), "-branches", *branches.split(), "-path_save_model", str(tmp_path / "run")])


def test_a_fusion_itself_mixes_nothing():
    fusion: Any = create_fusion("concat", branches={"a": BranchShape(4, 4), "b": BranchShape(4, 4)}, n_classes=2)
    items = KeptItems({"a": torch.ones(3, 4), "b": torch.ones(3, 4)}, {})
    with pytest.raises(ValueError, match="does not change what its branches see"):
        KeptLearner(fusion).outputs(items[Pick(np.arange(3), np.zeros(3, np.int64))], CHANGE)


@pytest.mark.parametrize(
    ("name", "value"), [("mixup", -0.1), ("mixup", float("nan")), ("label_smoothing", 1.0), ("label_smoothing", -0.5)]
)
def test_numbers_that_no_training_can_use_are_refused(name: str, value: float):
    with pytest.raises(EcgFusionError, match=rf"-{name} {value} does not work: take a number of at least 0 and below"):
        check_ranges(TrainOptions.of(**{name: value}))
