"""A training that begins with a run sees of an item what that run saw, but for what is typed."""

from pathlib import Path
from typing import Any

import pytest
from cards import card_json
from made_stores import write_stores
from signal_stores import make_signal_stores

import train
from pipeline.errors import EcgFusionError
from pipeline.inputs.batches import CPU
from pipeline.listening import Event, Remark, Warned
from pipeline.runs.card import Card
from pipeline.runs.card_file import read_card
from pipeline.store.reading import open_store
from pipeline.training.options import TrainOptions
from pipeline.training.plan import plan
from pipeline.training.transfer import with_its_network

pytestmark = pytest.mark.usefixtures("cpu_as_before")

SMALL = "-epochs 1 -threads 1 -batch_size 16"
ORIGINS = {
    "crops": "-model resnet1d_wang -leads i v2 -crop 1.2 -stride 0.4 -normalise record",
    "beat": "-model resnet -nb_filters 4 -leads all -beat -beat_extent 0.2 0.4 -representation lead_map -size 34",
    "gaf": "-model resnet -nb_filters 4 -leads I -crop 1.5 -representation gaf -gaf_method difference -size 36",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stores of two tasks and of other leads, and runs on the first ones. Do not write into them."""
    folder = tmp_path_factory.mktemp("begun")
    small: dict[str, Any] = {"n_train": 24, "n_dev": 12, "seconds": (3.0,)}
    other: dict[str, Any] = {**small, "classes": ("MI", "HC"), "task": "mi", "source": "others"}
    write_stores(folder / "rhythms", leads=("I", "II", "V2"), **small)
    write_stores(folder / "mi", leads=("I", "II", "V2"), **other)
    write_stores(folder / "monitor", leads=("MLII",), **small)
    write_stores(folder / "II", leads=("I", "II"), **other)
    for name, words in ORIGINS.items():
        fit(f"{words} {SMALL}", folder / "rhythms", folder / name)
    fit(f"-model resnet1d_wang -leads MLII -crop 1 {SMALL}", folder / "monitor", folder / "of monitor")
    return folder


def fit(words: str, data: Path, run: Path) -> Path:
    train.main([*words.split(), "-data", str(data), "-path_save_model", str(run)])
    return run


def begun(origin: Path, data: Path, **options: Any) -> Card:
    given = with_its_network(TrainOptions.of(init=str(origin), threads=1, **options))
    return plan(given, open_store(data / "train.h5"), open_store(data / "dev.h5"), CPU)


def heard(told: list[Event], kind: type[Remark] | type[Warned]) -> list[str]:
    return [event.sentence for event in told if isinstance(event, kind)]


@pytest.mark.parametrize("name", ORIGINS)
def test_the_run_alone_is_enough(name: str, folder: Path, tmp_path: Path):
    run = tmp_path / "run"
    train.main(["-init", str(folder / name), *SMALL.split(), "-data", str(folder / "mi"), "-path_save_model", str(run)])
    there, here = (card_json(path)["input"] for path in (folder / name, run))
    assert {**here, "scale_mv": 1.0} == {**there, "scale_mv": 1.0}


def test_it_is_told_and_nothing_is_warned_of(folder: Path, told: list[Event]):
    begun(folder / "crops", folder / "mi")
    said = f"sees of an item what {folder / 'crops'} saw: -normalise record -crop 1.2 -stride 0.4 -leads I V2 (-no_init"
    ours = [sentence for sentence in heard(told, Remark) if sentence.startswith("sees of")]
    assert [{*sentence.split()} >= {*said.split()[:-1]} for sentence in ours] == [True], ours
    assert heard(told, Warned) == []


def test_what_is_typed_counts_and_puts_aside_what_is_at_odds_with_it(folder: Path):
    crops = begun(folder / "crops", folder / "mi", crop=2.0).spec
    assert (crops.crop, crops.stride, crops.leads, crops.normalise) == (2.0, 1.0, ("I", "V2"), "record")
    beats = begun(folder / "crops", folder / "mi", beat=True).spec
    assert (beats.crop, beats.beat is not None) == (None, True)
    drawn = begun(folder / "beat", folder / "mi", crop=2.0, representation=("rp",)).spec
    assert (drawn.crop, drawn.beat, [*drawn.representations]) == (2.0, None, ["rp"])
    assert drawn.representations["rp"]["size"] == 34
    wider = begun(folder / "gaf", folder / "mi", size=40).spec
    assert (wider.representations["gaf"]["size"], wider.representations["gaf"]["method"]) == (40, "difference")
    other = begun(folder / "gaf", folder / "mi", representation=("rp",)).spec
    assert (other.crop, other.representations["rp"]["size"], len(other.representations)) == (1.5, 36, 1)


def test_it_can_be_left(folder: Path):
    spec = begun(folder / "crops", folder / "mi", init_input=False).spec
    assert (spec.crop, spec.leads, spec.normalise) == (None, ("I", "II", "V2"), "global")


def test_numbers_are_seen_beside_items_as_there(tmp_path: Path):
    stores = make_signal_stores(tmp_path, 40)
    run = fit(f"-model gru -hidden_size 4 -crop 1 -leads II -features rhythm voltage {SMALL}", stores, tmp_path / "run")
    assert [*begun(run, stores, task="form").spec.features] == ["rhythm", "voltage"]
    assert [*begun(run, stores, task="form", features=("rhythm",)).spec.features] == ["rhythm"]
    assert begun(run, stores, task="form", init_input=False).spec.features is None


def test_a_network_of_another_kind_sees_what_is_usual(folder: Path, told: list[Event]):
    with pytest.raises(EcgFusionError, match=r"nothing of .*crops, a resnet1d_wang, fits resnet "):
        begun(folder / "crops", folder / "mi", model="resnet", size=32)
    assert not any("sees of an item" in sentence for sentence in heard(told, Remark))


def test_a_lead_has_another_name_or_is_left_out(folder: Path, told: list[Event]):
    assert begun(folder / "of monitor", folder / "II").spec.leads == ("II",)
    assert heard(told, Warned) == []
    assert begun(folder / "crops", folder / "II").spec.leads == ("I", "II")
    assert any("leads are channels" in sentence for sentence in heard(told, Warned))


def test_it_is_handed_on(folder: Path, tmp_path: Path):
    second = fit(f"-init {folder / 'crops'} {SMALL}", folder / "mi", tmp_path / "second")
    assert begun(second, folder / "rhythms").spec.crop == read_card(folder / "crops").spec.crop


def test_what_the_items_do_not_have_is_refused_with_where_it_comes_from(folder: Path, tmp_path: Path):
    short = write_stores(tmp_path / "short", n_train=16, n_dev=8, seconds=(1.0,), leads=("I", "II", "V2"))
    with pytest.raises(
        EcgFusionError,
        match=r"-crop 1.2 s does not fit into items of 1 s; .*-crop 1.2.* is how .*crops saw its items: give",
    ):
        begun(folder / "crops", short)
    assert begun(folder / "crops", short, init_input=False).spec.crop is None


def test_without_a_run_there_is_nothing_to_see_alike(folder: Path):
    with pytest.raises(EcgFusionError, match="-no_init_input is of weights that -init takes over"):
        fit(f"-model gru -no_init_input {SMALL}", folder / "mi", folder / "none")
