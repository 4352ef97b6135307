"""Items of unequal length: no answer depends on what else is in the batch, and no image shows padding."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from cards import card_json, small_card
from made_stores import made_items, write_store, write_stores
from smaller_networks import SMALLER, one_of_each_family, smaller
from untrained_runs import normalised_by, signal_spec

import evaluate
import train
from models import create_model, describe_fusion, describe_model, list_fusions, list_models
from pipeline.errors import EcgFusionError
from pipeline.inputs.maker import InputMaker
from pipeline.representations import ImageRecipe
from pipeline.runs.build import Run
from pipeline.runs.load import load_run
from pipeline.scoring.predict import probabilities
from pipeline.store.reading import Store, open_store

pytestmark = pytest.mark.usefixtures("cpu_as_before")

SECONDS = (1.5, 4.0, 2.2, 0.9)
SMALL = "-epochs 1 -threads 1 -batch_size 8"
IMAGES = f"-model cnn -nb_filters 2 -size 32 -representation gaf {SMALL}"
OF_BEATS = ("beat_cnn_lstm", "beat_seq2seq")  # which take an item as one beat where they are told to


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lengths") / "stores"
    return write_stores(folder, n_train=16, n_dev=12, seconds=SECONDS)


def each_alone(run: Path | Run, store: Store) -> tuple[np.ndarray, np.ndarray]:
    """Scores of all items at once, and of each alone."""
    loaded = run if isinstance(run, Run) else load_run(run)
    rows, cpu = np.arange(store.n_items), torch.device("cpu")
    together = probabilities(loaded, store, rows, cpu, batch_size=5)
    alone = [probabilities(loaded, store, rows[row : row + 1], cpu)[0] for row in rows]
    return together, np.array(alone)


def train_on(stores: Path, folder: Path, words: str) -> Path:
    words += " -set n_beats=1" if words.split()[1] in OF_BEATS else smaller(words.split()[1])
    train.main([*words.split(), "-data", str(stores), "-path_save_model", str(folder)])
    return folder


@pytest.fixture(scope="module")
def longer(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Stores of items so many times as long."""

    @cache
    def of(times: int) -> Path:
        folder = tmp_path_factory.mktemp("longer") / "stores"
        return write_stores(folder, n_train=16, n_dev=12, seconds=[times * seconds for seconds in SECONDS])

    return of


def longer_for(name: str) -> int:
    """How many times as long items have to be for a network."""
    smallest = create_model(name, in_channels=1, n_classes=3).smallest_size
    return -(-smallest // round(100 * min(SECONDS)))


@pytest.mark.parametrize("crop", [0, 1])
@pytest.mark.parametrize("name", list_models("signal"))
def test_a_score_does_not_depend_on_the_batch(name: str, crop: int, longer: Callable[[int], Path]):
    """Crops of 1 s are longer than some items, which are seen whole; all is longer where it must be."""
    times, entry = longer_for(name), describe_model(name)
    length = round(100 * times * max(SECONDS))
    seen = {"n_samples": length, "crop": times * crop, "stride": times * crop / 2} if crop else {"n_samples": length}
    spec = signal_spec(("I",), normalise="record" if crop else "none", **seen)
    of_items = {"sampling_rate": 100.0, "n_beats": 1}
    options = SMALLER.get(name, {}) | {option: of_items[option] for option in of_items if option in entry.options}
    store = open_store(longer(times) / "test.h5")
    torch.manual_seed(0)
    network = create_model(name, in_channels=1, n_classes=3, **options).eval()
    longest = np.asarray(store.signals.open())[1 :: len(SECONDS), :, : spec.crop_samples]
    with torch.no_grad():
        x = InputMaker(spec)(torch.from_numpy(longest.copy()))
        normalised_by(network, x, {})
        network.head.weight.div_((16 * network(x).std(0)).clamp(min=1)[:, None])  # so that no answer is near 0 or 1
    card = small_card(spec, model=name, classes=("N", "O", "A"), complete=True)
    together, alone = each_alone(Run(Path(name), card, network, spec), store)
    assert crop or np.ptp(together, axis=0).max() > 1e-6
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("crop", [0, 1])
@pytest.mark.parametrize("name", [name for name in one_of_each_family() if name in list_models("signal")])
def test_nor_does_that_of_a_network_that_has_learnt_from_such_items(name: str, crop: int, longer, tmp_path: Path):
    times = longer_for(name)
    stores = longer(times)
    words = f"-model {name} {f'-normalise record -crop {crop * times}' if crop else ''} {SMALL}"
    run = train_on(stores, tmp_path / "run", words)
    together, alone = each_alone(run, open_store(stores / "test.h5"))
    np.testing.assert_allclose(together, alone, atol=1e-5)
    evaluate.main(["-run", str(run), "-threads", "1", "-resamples", "0"])


def test_an_item_that_is_padded_is_the_item_itself(stores: Path, tmp_path: Path):
    """In a store of its own, without padding, it has the same score."""
    run = train_on(stores, tmp_path / "run", f"-model resnet1d_wang {SMALL}")
    together, _ = each_alone(run, open_store(stores / "test.h5"))
    made = made_items("test", 12, seconds=SECONDS)
    for row in (1, 2, 3):
        found = load_run(run).predict(made.signals[row], sampling_rate=100, leads=["I"])
        np.testing.assert_allclose(list(found.values()), together[row], atol=2e-3)


@pytest.mark.parametrize("name", list_fusions("intermediate"))
def test_nor_does_that_of_a_fusion(name: str, stores: Path, tmp_path: Path):
    """Of branches that see crops, and so have more tokens of longer items."""
    one = train_on(stores, tmp_path / "one", f"-model resnet1d_wang -crop 1 -stride 0.5 {SMALL}")
    two = train_on(stores, tmp_path / "two", f"-model gru -hidden_size 4 -n_layers 1 -crop 1 {SMALL}")
    own = "-n_heads 2 -max_tokens 8" if name == "attention" else ""
    by_gradient = describe_fusion(name).fitting == "gradient"
    fitted = f"{own} -hidden_size 8 {SMALL}" if by_gradient else "-threads 1"
    for how in ("", "-finetune") if by_gradient else ("",):
        run = tmp_path / f"fused{how}"
        words = f"-model intermediate -combine {name} {how} {fitted} -branches {one} {two}"
        train.main([*words.split(), "-path_save_model", str(run)])
        together, alone = each_alone(run, open_store(stores / "test.h5"))
        np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            IMAGES,
            r"sees images of 4 s, and the item train003 of .*train.h5 has 0.9 s, and images of padded time are not",
        ),
        (
            f"{IMAGES} -crop 1",
            r"sees images of 1 s, and the item train003 .* has 0.9 s, .*: show crops .* \(-crop 0.9\), or make",
        ),
    ],
)
def test_images_of_padded_time_are_refused(words: str, sentence: str, stores: Path, tmp_path: Path):
    with pytest.raises(EcgFusionError, match=sentence):
        train_on(stores, tmp_path / "run", words)
    assert not (tmp_path / "run").exists()


def test_so_are_stored_ones(tmp_path: Path):
    recipe = ImageRecipe(size=32, representations=("gaf",))
    stores = write_stores(tmp_path / "stores", n_train=8, n_dev=4, seconds=SECONDS, images=recipe)
    with pytest.raises(EcgFusionError, match=r"images of padded time are not drawn: show crops of at most 0.9 s"):
        train_on(stores, tmp_path / "run", f"-model cnn -nb_filters 2 -no_on_the_fly {SMALL}")


def test_crops_that_fit_into_every_item_are_drawn_and_shorter_items_of_test_are_refused(stores: Path, tmp_path: Path):
    run = train_on(stores, tmp_path / "run", f"{IMAGES} -crop 0.8")
    together, alone = each_alone(run, open_store(stores / "test.h5"))
    np.testing.assert_allclose(together, alone, atol=1e-5)
    write_store(tmp_path / "short", "test", made_items("test", 4, seconds=(2.0, 0.5)))
    with pytest.raises(EcgFusionError, match=r"sees images of 0.8 s, and the item test001 of .*test.h5 has 0.5 s"):
        evaluate.main(["-run", str(run), "-data", str(tmp_path / "short")])
    with pytest.raises(EcgFusionError, match=r"the recording has 0.5 s and cnn of .* sees 0.8 s at once"):
        load_run(run).predict(np.random.default_rng(0).random((1, 50)), sampling_rate=100, leads=["I"])


def test_a_median_beat_is_of_any_item(tmp_path: Path):
    stores = write_stores(tmp_path / "stores", n_train=8, n_dev=6, seconds=(3.0, 1.2))
    run = train_on(stores, tmp_path / "run", f"{IMAGES} -beat")
    together, alone = each_alone(run, open_store(stores / "test.h5"))
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_an_item_that_is_too_short_for_a_network_is_named(stores: Path, tmp_path: Path):
    short = write_stores(tmp_path / "short", n_train=8, n_dev=4, seconds=(1.0, 0.2))
    with pytest.raises(EcgFusionError, match=r"cnn_gru takes at least 36 samples, and the item train001 of .* has 20"):
        train_on(short, tmp_path / "refused", f"-model cnn_gru {SMALL}")
    run = train_on(stores, tmp_path / "run", f"-model cnn_gru {SMALL}")
    with pytest.raises(EcgFusionError, match=r"cnn_gru takes at least 36 samples, and the item test001 of .* has 20"):
        evaluate.main(["-run", str(run), "-data", str(tmp_path / "short")])
    with pytest.raises(EcgFusionError, match=r"the recording has 0.2 s and cnn_gru of .* sees 0.36 s at once"):
        load_run(run).predict(np.random.default_rng(0).random((1, 20)), sampling_rate=100, leads=["I"])


@pytest.mark.parametrize("leads", [("MLII",), ("ECG",), ("MLII", "V"), ("vx", "I")])
@pytest.mark.parametrize("words", ["-model gru -hidden_size 4 -n_layers 1 -beat", IMAGES, f"{IMAGES} -beat"])
def test_leads_are_the_stores_whatever_they_are_called(leads: tuple[str, ...], words: str, tmp_path: Path):
    stores = write_stores(tmp_path / "stores", n_train=6, n_dev=6, seconds=(2.0,), leads=leads)
    run = train_on(stores, tmp_path / "run", f"{words} {SMALL}")
    assert card_json(run)["input"]["leads"] == list(leads)
    assert card_json(run)["data"]["leads"] == list(leads)
    signal = made_items("test", 1, seconds=(2.0,), n_leads=len(leads)).signals[0]
    scores = probabilities(load_run(run), open_store(stores / "test.h5"), np.zeros(1, int), torch.device("cpu"))
    found = load_run(run).predict(signal, sampling_rate=100, leads=leads)
    np.testing.assert_allclose(list(found.values()), scores[0], atol=2e-3)
    with pytest.raises(EcgFusionError, match="there is no lead Q: the leads are I II III"):
        load_run(run).predict(signal, sampling_rate=100, leads=["Q", *leads[1:]])


def test_one_image_of_two_leads(tmp_path: Path):
    stores = write_stores(tmp_path / "stores", n_train=6, n_dev=6, seconds=(2.0,), leads=("MLII", "V1"))
    train_on(stores, tmp_path / "run", f"-model cnn -nb_filters 2 -representation lead_map -size 32 {SMALL}")
