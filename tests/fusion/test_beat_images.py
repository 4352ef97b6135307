"""Images of beats and of windows of rhythm: every representation, stored and drawn; image and feature fusion by recipe.

The faults of Ahmad et al. 2021's notebooks (reference/systems.md, 2.4) that are about images or fusions are tried here.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from cards import card_json
from cinc2017_folders import write_set
from heartbeat_files import write_beats
from heartbeat_sets import write_mitdb, write_ptbdb

import create_images
import train
from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import load_scores
from pipeline.fusion.frozen import keep
from pipeline.inputs.batches import Pick
from pipeline.inputs.maker import InputMaker
from pipeline.inputs.placement import store_items
from pipeline.inputs.plan import plan_input
from pipeline.runs.load import load_run
from pipeline.scoring.partition import score_partition
from pipeline.store.reading import Store, open_store
from pipeline.training.options import TrainOptions

pytestmark = pytest.mark.usefixtures("cpu_as_before")

ROOT = Path(__file__).resolve().parents[2]
FORMS = ("gaf", "mtf", "rp", "stft")
PARTS = "--folds train=101,106 dev=108 test=100"
ITEMS = {  # the data set, how it is cut, and samples of an item
    "beats": ("mitdb", PARTS, 252),
    "three beats": ("mitdb", f"--beats 3 {PARTS}", 756),
    "kachuee": ("mitdb", f"--beat kachuee --band none {PARTS}", 187),
    "csv": ("heartbeat_csv", "", 187),
    "infarction": ("ptbdb", "--beat window --sampling_rate 250 --folds kfold:3", 175),
    "infarction as kachuee": ("ptbdb", "--beat kachuee --band none --folds kfold:3", 187),
    "rhythm": ("cinc2017", "--window 5 --folds kfold:3", 1500),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The data sets as they are published, small."""
    folder = tmp_path_factory.mktemp("sets")
    places = {name: folder / name for name in ("mitdb", "heartbeat_csv", "ptbdb", "cinc2017")}
    write_mitdb(places["mitdb"], dict.fromkeys((100, 101, 106, 108), "NNVNNANVNNFNNVNNANVN"))
    write_beats(places["heartbeat_csv"])
    reasons = ("Myocardial infarction", "Healthy control")
    people = {f"patient{n:03d}/s{n:04d}_re": {"reason": reasons[n % 2]} for n in range(1, 9)}
    write_ptbdb(places["ptbdb"], people, seconds=6)
    write_set(places["cinc2017"])
    return places


def make(folders: dict[str, Path], name: str, out: Path, words: str) -> Path:
    source, cut, _ = ITEMS[name]
    typed = f"--source {source} --data {folders[source]} --out {out} --workers 1 {cut} {words}"
    for partition in ("train", "dev", "test"):
        create_images.main([*typed.split(), "--partition", partition])
    return out


def seen(store: Store, rows: np.ndarray, on_the_fly: bool) -> torch.Tensor:
    options = TrainOptions(model="cnn", on_the_fly=on_the_fly)
    spec = plan_input("image", options, store, rows)
    assert spec.on_the_fly == on_the_fly
    batch = store_items(store, rows, spec)[Pick(np.arange(len(rows)), np.zeros(len(rows), np.int64))]
    return InputMaker(spec)(batch.raw, batch.length)


@pytest.mark.parametrize("method", ["summation", "difference"])
@pytest.mark.parametrize("name", ITEMS)
def test_every_representation_is_drawn_stored_and_learnt_from(name, method, folders, tmp_path):
    stores = make(
        folders, name, tmp_path / "stores", f"--representations {' '.join(FORMS)} --size 32 --gaf_method {method}"
    )
    store = open_store(stores / "train.h5")
    assert store.signals.shape[2] == ITEMS[name][2]
    assert tuple(store.image_parameters) == FORMS
    rows = np.arange(0, store.n_items, max(store.n_items // 8, 1))
    stored, drawn = seen(store, rows, False), seen(store, rows, True)
    assert stored.shape == (len(rows), len(FORMS) * len(store.image_leads), 32, 32)
    assert torch.equal(stored, drawn)
    # none is a constant, and no two items have one image
    assert stored.flatten(2).std(-1).min() > 0
    assert (stored[0] != stored[1]).flatten(1).any(1).all()
    words = f"-model cnn -nb_filters 2 -epochs 1 -threads 1 -batch_size 16 -data {stores}"
    train.main([*words.split(), "-path_save_model", str(tmp_path / "run")])
    scores = score_partition(tmp_path / "run", stores, "test", threads=1)
    assert np.isfinite(scores.scores).all()


def test_a_beat_that_is_too_short_for_the_spectrogram_is_one_sentence(folders, tmp_path):
    with pytest.raises(EcgFusionError, match="window") as problem:
        make(folders, "beats", tmp_path / "stores", "--representations stft --size 32 --stft_window 0.9")
    assert "\n" not in str(problem.value)
    with pytest.raises(
        EcgFusionError, match="187 samples are too few for images of size 224, which need 224: take -size 187"
    ):
        make(folders, "kachuee", tmp_path / "stores", "--representations gaf --size 224")


@pytest.fixture(scope="module")
def images(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As the recipes say them, but smaller."""
    drawn = "--representations gaf mtf rp --gaf_method difference --mtf_strategy uniform --scale record --size 72"
    return make(folders, "csv", tmp_path_factory.mktemp("images") / "stores", drawn)


def by_recipe(name: str, folder: Path, *words: str) -> Path:
    train.main(["-config", str(ROOT / "recipes" / f"{name}.toml"), "-path_save_model", str(folder), *words])
    return folder


LEARNING = ("-epochs", "1", "-batch_size", "32", "-nb_filters", "2", "-threads", "1")


@pytest.fixture(scope="module")
def branches(images: Path) -> dict[str, Path]:
    folder = images.parent
    names = {form: f"ahmad_mff_{form}" for form in ("gaf", "rp", "mtf")}
    return {form: by_recipe(name, folder / form, "-data", str(images), *LEARNING) for form, name in names.items()}


def test_three_images_are_three_channels_of_one_network(images, tmp_path):
    run = load_run(by_recipe("ahmad_mif", tmp_path / "run", "-data", str(images), *LEARNING))
    assert (run.card.model, run.spec.n_channels, tuple(run.spec.representations)) == (
        "alexnet",
        3,
        ("gaf", "rp", "mtf"),
    )
    assert run.spec.representations["gaf"]["method"] == "difference"
    assert run.card.data.intra_patient
    store = open_store(images / "test.h5")
    batch = store_items(store, np.arange(3), run.spec)[Pick(np.arange(3), np.zeros(3, np.int64))]
    x = InputMaker(run.spec)(batch.raw, batch.length)
    for channel, form in enumerate(run.spec.representations):
        np.testing.assert_array_equal(x[:, channel] * 255, store.images[form].open()[:3, 0])


def test_features_of_three_networks_go_to_a_machine(branches, images, tmp_path):
    named = ["-branches", *map(str, branches.values())]
    run = by_recipe("ahmad_mff", tmp_path / "run", *named)
    card, machine = card_json(run), load_run(run).network
    assert card["options"]["combine"] == "svm"
    assert machine.widths == (2048,) * 3
    scores = score_partition(run, images, "test", threads=1)
    np.testing.assert_allclose(scores.scores.sum(1), 1, atol=1e-5)
    assert len(scores.item_id) == 20


def test_branches_are_of_the_same_beats_whatever_the_order(branches, images):
    """In the notebooks one loader was shuffled and the other was not, and features of different beats were fused."""
    parts = {name: load_run(place) for name, place in branches.items()}
    store = open_store(images / "train.h5")
    rows = np.random.default_rng(0).permutation(store.n_items)[:12]
    kept = keep(parts, None, store, rows, torch.device("cpu"))
    order = np.array([7, 2, 11, 0])
    together = kept[Pick(order, np.zeros(4, np.int64))].branches
    for name, run in parts.items():
        batch = store_items(store, rows[order], run.spec)[Pick(np.arange(4), np.zeros(4, np.int64))]
        with torch.no_grad():
            alone = run.network.features(InputMaker(run.spec)(batch.raw, batch.length))
        torch.testing.assert_close(together[name], alone, atol=1e-5, rtol=1e-4)


def test_the_test_part_has_no_hand_in_what_is_chosen(branches, images, tmp_path):
    """Its file may be gone: in the notebooks it chose every checkpoint."""
    aside = images / "test.h5"
    aside.rename(tmp_path / "test.h5")
    try:
        run = by_recipe("ahmad_mff", tmp_path / "run", "-branches", *map(str, branches.values()))
        again = by_recipe("ahmad_mff_gaf", tmp_path / "gaf", "-data", str(images), *LEARNING)
    finally:
        (tmp_path / "test.h5").rename(aside)
    assert card_json(run)["complete"]
    ours, theirs = (load_scores(each / "dev_scores.npz").scores for each in (again, branches["gaf"]))
    np.testing.assert_array_equal(ours, theirs)
