"""Run and store to scores: the same for an item whatever the batch, and only where the store fits the run."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from cards import card_json, small_card, write_json
from small_stores import as_partition, sum_anew

import train
from models import Network, create_model
from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import Scores
from pipeline.inputs.maker import InputMaker
from pipeline.inputs.placement import store_items
from pipeline.inputs.spec import InputSpec
from pipeline.runs.build import Run
from pipeline.runs.learners import NetworkLearner
from pipeline.scoring.partition import score_partition, scores_of
from pipeline.scoring.predict import predict_probabilities
from pipeline.store.attributes import to_attribute
from pipeline.store.reading import Store, digest_of_items, open_store

pytestmark = pytest.mark.usefixtures("cpu_as_before")

CPU = torch.device("cpu")
FIRST = np.arange(12)


@pytest.fixture(scope="module")
def uneven(store: Store) -> Store:
    """The same store, as if its items had from 3 s to 10 s."""
    seconds = np.linspace(3, 10, store.n_items).round(2)
    return replace(store, columns={**store.columns, "length": seconds})


def signal_spec(store: Store, crop: float | None = None, stride: float | None = None) -> InputSpec:
    spec = InputSpec("signal", ("I", "II", "V2"), store.sampling_rate, store.gain, store.signals.shape[2])
    return replace(spec, crop=crop, stride=stride)


def image_spec(store: Store, on_the_fly: bool = False) -> InputSpec:
    forms = {form: store.image_parameters[form] for form in ("gaf", "mtf")}
    return replace(signal_spec(store), modality="image", leads=("I",), representations=forms, on_the_fly=on_the_fly)


def network_for(spec: InputSpec, name: str) -> Network:
    torch.manual_seed(0)
    return create_model(name, in_channels=spec.n_channels, n_classes=4)


def run_for(network: Network, spec: InputSpec, task: str) -> Run:
    return Run(Path("nowhere"), small_card(spec, task=task), network, spec)


def probabilities(
    network: Network, store: Store, spec: InputSpec, batch_size: int, kind="multilabel", rows: np.ndarray = FIRST
) -> np.ndarray:
    items = store_items(store, rows, spec)
    learner = NetworkLearner(network, spec).train(network.training)
    return predict_probabilities(learner, items, kind, batch_size, CPU)


CASES = {
    "whole": ("resnet1d_wang", lambda store: signal_spec(store)),
    "crops": ("resnet1d_wang", lambda store: signal_spec(store, 2.5, 1.0)),
    "recurrent crops": ("bigru", lambda store: signal_spec(store, 0.5, 2.0)),
    "stored pictures": ("resnet", image_spec),
    "drawn pictures": ("resnet", lambda store: image_spec(store, on_the_fly=True)),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("lengths", ["equal", "uneven"])
def test_scores_do_not_depend_on_the_batch(case: str, lengths: str, store: Store, uneven: Store):
    name, spec_of = CASES[case]
    chosen = store if lengths == "equal" else uneven
    spec = spec_of(chosen)
    network = network_for(spec, name)
    expected = probabilities(network, chosen, spec, 1)
    assert np.ptp(expected, axis=0).min() > 1e-4  # the items do differ
    for batch_size in (2, 5, 100):
        np.testing.assert_allclose(probabilities(network, chosen, spec, batch_size), expected, atol=1e-5)


def test_an_item_has_the_mean_of_its_crops(store: Store):
    spec = signal_spec(store, crop=4.0, stride=2.5)
    network = network_for(spec, "resnet1d_wang").eval()
    signals = torch.from_numpy(np.array(store.signals.open()[:12][:, [0, 1, 7]]))
    assert spec.crop_starts(1000) == [0, 250, 500, 600]
    with torch.no_grad():
        parts = [network(InputMaker(spec)(signals[..., start : start + 400])).sigmoid() for start in (0, 250, 500, 600)]
    expected = torch.stack(parts).mean(0)
    np.testing.assert_allclose(probabilities(network, store, spec, 7), expected, atol=1e-6)


def test_items_of_unequal_length_have_the_mean_of_their_own_crops(uneven: Store):
    spec = signal_spec(uneven, crop=2.5, stride=1.25)
    network = network_for(spec, "resnet1d_wang")
    scores = probabilities(network, uneven, spec, 7)
    assert len({len(spec.crop_starts(int(n))) for n in uneven.lengths[:12]}) > 2
    for row in (0, 5, 11):
        starts = spec.crop_starts(int(uneven.lengths[row]))
        crops = np.stack([uneven.signals.open()[row, [0, 1, 7], start : start + 250] for start in starts])
        with torch.no_grad():
            expected = network.eval()(InputMaker(spec)(torch.from_numpy(crops))).sigmoid().mean(0)
        np.testing.assert_allclose(scores[row], expected, atol=1e-6)


def test_classes_that_exclude_each_other_share_one_probability(store: Store):
    spec = signal_spec(store, crop=2.0, stride=2.0)
    network = network_for(spec, "resnet1d_wang")
    scores = probabilities(network, store, spec, 5, kind="multiclass")
    np.testing.assert_allclose(scores.sum(1), 1, atol=1e-6)
    whole = replace(spec, crop=None, stride=None)
    with torch.no_grad():
        x = InputMaker(whole)(torch.from_numpy(np.array(store.signals.open()[:12][:, [0, 1, 7]])))
        expected = network.eval()(x).softmax(1)
    np.testing.assert_allclose(probabilities(network, store, whole, 5, kind="multiclass"), expected, atol=1e-6)


@pytest.mark.parametrize("training", [False, True])
def test_the_mode_of_the_network_is_restored_and_dropout_is_asleep(store: Store, training: bool):
    spec = signal_spec(store, crop=1.0, stride=5.0)
    network = network_for(spec, "resnet1d_wang").train(training)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    first = probabilities(network, store, spec, 4)
    assert network.training is training
    np.testing.assert_array_equal(first, probabilities(network, store, spec, 4))
    for name, value in network.state_dict().items():
        assert torch.equal(value, state[name]), name  # batch norm has counted nothing


def test_scores_are_joined_to_the_labelled_items(store: Store):
    """``form`` leaves some items out; each row keeps the label and id of the item it was made of."""
    spec = signal_spec(store, crop=1.0, stride=5.0)
    network, task = network_for(spec, "resnet1d_wang"), store.task("form")
    network.head = torch.nn.Linear(network.feature_dim, len(task.classes))
    scores = scores_of(run_for(network, spec, "form"), store, CPU)
    rows = np.flatnonzero(task.labelled)
    assert 0 < len(rows) < store.n_items
    assert scores.item_id.tolist() == store.columns["item_id"][rows].tolist()
    np.testing.assert_array_equal(scores.labels, task.values[rows])
    alone = probabilities(network, store, spec, 1, rows=rows[3:4])
    np.testing.assert_allclose(scores.scores[3:4], alone, atol=1e-5)


def test_a_store_without_a_labelled_item_is_refused(store: Store):
    task = store.task("form")
    blank = replace(store, labels={"form": replace(task, labelled=np.zeros_like(task.labelled))})
    spec = signal_spec(store)
    with pytest.raises(EcgFusionError, match="no item that form labels"):
        scores_of(run_for(network_for(spec, "gru"), spec, "form"), blank, CPU)


@pytest.fixture(scope="module")
def runs(small_store_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One trained run on signals, one on stored pictures."""
    folder = tmp_path_factory.mktemp("runs")
    words = {
        "signal": "-model gru -hidden_size 4 -crop 0.5 -leads I V2",
        "image": "-model resnet -representation gaf mtf",
    }
    for name, options in words.items():
        place = ["-data", str(small_store_folder), "-path_save_model", str(folder / name)]
        train.main([*options.split(), "-epochs", "1", "-threads", "1", *place])
    return {name: folder / name for name in words}


@pytest.mark.parametrize("name", ["signal", "image"])
def test_scoring_twice_gives_the_same(runs: dict[str, Path], name: str):
    first, second = (score_partition(runs[name], None, "test", threads=1) for _ in range(2))
    np.testing.assert_array_equal(first.scores, second.scores)
    one_by_one = score_partition(runs[name], None, "test", batch_size=1, threads=1)
    np.testing.assert_allclose(one_by_one.scores, first.scores, atol=1e-5)


def test_unlabelled_items_are_left_out_and_counted(runs: dict[str, Path], told):
    labelled = open_store(Path(read_data(runs["signal"])) / "train.h5").task("disease").labelled
    assert len(score_partition(runs["signal"], None, "train", threads=1).item_id) == labelled.sum() < len(labelled)
    assert f"{(~labelled).sum()} of {len(labelled)} items bear no label of disease" in told[0].sentence


def read_data(run: Path) -> str:
    return json.loads((run / "run.json").read_text())["data"]["folder"]


def score_changed(run: Path, stores: Path, folder: Path, change: Callable[[h5py.File], None]) -> Scores:
    """The scores of a test store that somebody made otherwise."""
    shutil.copy(stores / "test.h5", folder)
    with h5py.File(folder / "test.h5", "r+") as file:
        change(file)
        sum_anew(file)
    return score_partition(run, folder, "test", threads=1)


def rename_class(file: h5py.File) -> None:
    names = file["labels/disease"].attrs["classes"]
    file["labels/disease"].attrs["classes"] = np.array([*names[1:], names[0]], dtype=h5py.string_dtype())


def written(**attributes: object) -> Callable[[h5py.File], None]:
    return lambda file: file.attrs.update({name: to_attribute(value) for name, value in attributes.items()})


def without(name: str) -> Callable[[h5py.File], None]:
    return lambda file: file.pop(name)


OTHER_LEADS = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "X", "V3", "V4", "V5", "V6"]
OTHERWISE = [
    ("signal", written(sampling_rate=200.0), "sampling_rate 200.0 and .* is for 100.0"),
    ("signal", written(band=[1.0, 45.0]), r"band \[1.0, 45.0\] and .* is for \[0.5, 40.0\]"),
    ("signal", written(band=None), r"band None and .* is for \[0.5, 40.0\]"),
    ("signal", written(gain=4000.0), "gain 4000.0 and .* is for 1000.0"),
    ("signal", written(leads=OTHER_LEADS), "lacks lead V2"),
    ("image", written(image_leads=["I", "II", "X"]), "lacks images of lead V2"),
    ("image", without("images/mtf"), "holds no mtf: make a store with --representations mtf"),
    ("image", lambda file: file["images/gaf"].attrs.update(method="difference"), "holds gaf of other parameters"),
    ("signal", rename_class, "other classes of disease"),
    ("signal", written(tasks=["form"]), "has no task disease"),
]


@pytest.mark.parametrize(("name", "change", "sentence"), OTHERWISE)
def test_a_store_made_otherwise_is_refused(runs, small_store_folder, tmp_path, name, change, sentence):
    with pytest.raises(EcgFusionError, match=sentence):
        score_changed(runs[name], small_store_folder, tmp_path, change)


def test_what_a_run_does_not_see_may_differ(runs, small_store_folder, tmp_path):
    """The signal run needs no picture, the other none of the forms that it does not stack."""
    expected = score_partition(runs["signal"], None, "test", threads=1)
    pictureless = score_changed(runs["signal"], small_store_folder, tmp_path, without("images"))
    np.testing.assert_array_equal(pictureless.scores, expected.scores)
    score_changed(runs["image"], small_store_folder, tmp_path, without("images/rp"))


@pytest.mark.parametrize("partition", ["test", "dev"])
def test_folds_that_were_trained_on_are_not_scored(runs, small_store_folder, tmp_path, partition):
    as_partition(small_store_folder / "train.h5", tmp_path / f"{partition}.h5")
    with pytest.raises(EcgFusionError, match=r"holds fold 1, which .*signal was trained on"):
        score_partition(runs["signal"], tmp_path, partition, threads=1)


@pytest.mark.parametrize("partition", ["test", "train"])
def test_items_that_thresholds_were_chosen_on_are_not_scored(runs, small_store_folder, tmp_path, partition):
    as_partition(small_store_folder / "dev.h5", tmp_path / f"{partition}.h5")
    sentence = (
        rf"{partition}\.h5 holds 4 items, '\d+' first, that the thresholds of .*signal were chosen on: "
        rf"name stores of the folds it was trained with, as in .*{small_store_folder.name}$"
    )
    with pytest.raises(EcgFusionError, match=sentence):
        score_partition(runs["signal"], tmp_path, partition, threads=1)


def test_items_that_were_trained_on_are_known_without_folds(runs, small_store_folder, tmp_path):
    """Where the source is another, whose folds say nothing, the digest of the items tells."""
    run = shutil.copytree(runs["signal"], tmp_path / "run")
    card = card_json(run)
    card["data"]["train_items_digest"] = digest_of_items(open_store(small_store_folder / "test.h5").columns["item_id"])
    write_json(run, card)
    with pytest.raises(EcgFusionError, match="holds the very items"):
        score_changed(run, small_store_folder, tmp_path, written(source="another"))


def test_the_training_partition_may_be_scored_by_its_name(runs):
    assert score_partition(runs["signal"], None, "train", threads=1).scores.shape[1] == 4
