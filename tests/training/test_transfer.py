"""A training that begins with another run's weights: what is taken, what stays, what learns at which rate."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from cards import card_json, sealed_anew, write_json
from kills import Killed, kill_at_call
from made_stores import write_stores
from torch import Tensor

import evaluate
import train
from pipeline.errors import EcgFusionError
from pipeline.inputs.batches import CPU
from pipeline.inputs.spec import FeatureScale
from pipeline.listening import Event, Listener, Remark, Warned, listening
from pipeline.representations import ImageRecipe
from pipeline.runs.build import build_network
from pipeline.runs.card import CARD, DEV_SCORES, MEMBERS, RESUME, WEIGHTS, Card
from pipeline.runs.card_file import read_card
from pipeline.runs.card_parts import InitCard
from pipeline.runs.load import read_weights, save_weights
from pipeline.store.reading import open_store
from pipeline.training import defaults, loop, network
from pipeline.training.optimisation import SCHEDULERS, make_optimizer, make_scheduler
from pipeline.training.options import TrainOptions
from pipeline.training.plan import plan
from pipeline.training.resume import TrainingState
from pipeline.training.transfer import named_alike, plan_init, with_its_network
from pipeline.training.transfer_learner import TransferLearner, begin_with, learner_of

pytestmark = pytest.mark.usefixtures("cpu_as_before")

SMALL = "-epochs 2 -threads 1 -batch_size 16"
CNN = f"-model resnet1d_wang -dropout 0.4 {SMALL}"
GRU = f"-model gru -hidden_size 4 -n_layers 2 -dropout 0.3 {SMALL}"
HEAD = {"head.weight", "head.bias"}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three rhythms; two classes of another task; these of two leads, at another rate, and with images."""
    folder = tmp_path_factory.mktemp("transfer")
    small: dict[str, Any] = {"n_train": 32, "n_dev": 16, "seconds": (1.0,)}
    mi: dict[str, Any] = {**small, "n_train": 36, "classes": ("MI", "HC"), "task": "mi", "source": "others"}
    images = ImageRecipe(size=32, representations=("gaf",))
    made = {
        "rhythms": write_stores(folder / "rhythms", leads=("MLII",), images=images, **small),
        "mi": write_stores(folder / "mi", leads=("II",), images=images, **mi),
        "two": write_stores(folder / "two", leads=("I", "II"), **mi),
    }
    return {name: path.resolve() for name, path in made.items()}


def fit(words: str, data: Path, folder: Path) -> Path:
    train.main([*words.split(), "-data", str(data), "-path_save_model", str(folder)])
    return folder


@pytest.fixture(scope="module")
def origins(stores: dict[str, Path]) -> dict[str, Path]:
    """Runs on the rhythms. Do not write into them."""
    folder = stores["rhythms"].parent / "runs"
    words = {"cnn": CNN, "gru": GRU, "image": f"-model resnet -nb_filters 4 {SMALL}"}
    return {name: fit(of_run, stores["rhythms"], folder / name) for name, of_run in words.items()}


class Heard(Listener):
    """Keeps what is told."""

    def __init__(self) -> None:
        self.remarks: list[str] = []
        self.warnings: list[str] = []

    def hear(self, event: Event) -> None:
        if isinstance(event, Remark):
            self.remarks.append(event.sentence)
        if isinstance(event, Warned):
            self.warnings.append(event.sentence)


@pytest.fixture
def heard() -> Iterator[Heard]:
    listener = Heard()
    with listening(listener):
        yield listener


def planned(data: Path, **options: Any) -> Card:
    given = with_its_network(TrainOptions.of(**options, threads=1))
    return plan(given, open_store(data / "train.h5"), open_store(data / "dev.h5"), CPU)


def init_of(card: Card) -> InitCard:
    assert card.init is not None
    return card.init


def weights(run: Path) -> dict[str, Tensor]:
    return read_weights(run, read_card(run))


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> set[str]:
    return {name for name in one if torch.equal(one[name], other[name])}


# what is taken


@pytest.mark.parametrize("name", ["cnn", "gru", "image"])
def test_all_but_the_head_is_taken_for_another_task(
    name: str, origins: dict[str, Path], stores: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    began = []
    fit_loop = loop.fit

    def look(learner, *arguments):
        began.append({key: tensor.clone() for key, tensor in learner.network.state_dict().items()})
        return fit_loop(learner, *arguments)

    monkeypatch.setattr(network, "fit", look)
    run = fit(f"-init {origins[name]} {SMALL}", stores["mi"], tmp_path / "run")
    there = weights(origins[name])
    assert {key for key in there if key in began[0] and torch.equal(there[key], began[0][key])} == {*there} - HEAD
    assert began[0]["head.weight"].shape[0] == 2
    card = read_card(run)
    assert card.model == read_card(origins[name]).model
    assert ({*init_of(card).taken}, {*init_of(card).fresh}, {*init_of(card).left}) == ({*there} - HEAD, HEAD, HEAD)
    assert init_of(card).learning_rate == pytest.approx(defaults.INIT_RATE * card.training.learning_rate)
    assert init_of(card).folder == str(origins[name])


def test_the_head_is_taken_where_task_and_classes_are_the_same(origins: dict[str, Path], tmp_path: Path):
    others: dict[str, Any] = {"leads": ("MLII",), "source": "others", "n_train": 40, "n_dev": 20, "seconds": (1.0,)}
    same_task = write_stores(tmp_path / "same", **others)
    init = init_of(planned(same_task, init=str(origins["cnn"])))
    assert (init.fresh, {*init.taken} >= HEAD) == ((), True)
    for changed in ({"task": "rhythm4"}, {"classes": ("O", "N", "A")}):
        stores = write_stores(tmp_path / next(iter(changed)), **changed, **others)
        assert {*init_of(planned(stores, init=str(origins["cnn"]))).fresh} == HEAD


def test_the_networks_own_options_come_from_the_run_unless_given(origins: dict[str, Path], stores: dict[str, Path]):
    assert planned(stores["mi"], init=str(origins["gru"])).options == read_card(origins["gru"]).options
    given = planned(stores["mi"], init=str(origins["gru"]), model="gru", dropout=0.0)
    assert given.options == {**read_card(origins["gru"]).options, "dropout": 0.0}


def test_another_number_of_leads_leaves_the_first_layer(
    origins: dict[str, Path], stores: dict[str, Path], heard: Heard
):
    card = planned(stores["two"], init=str(origins["cnn"]))
    fresh = {*init_of(card).fresh} - HEAD
    assert len(fresh) == 1
    assert fresh <= {*init_of(card).left}
    assert any("leads are channels" in sentence for sentence in heard.warnings)
    network.announce_init(card)
    assert any(next(iter(fresh)) in sentence for sentence in heard.remarks)


def test_a_lead_under_its_other_name_is_a_remark_alone(origins: dict[str, Path], stores: dict[str, Path], heard: Heard):
    planned(stores["mi"], init=str(origins["cnn"]))
    assert heard.remarks == [f"leads are channels, one by one: MLII of {origins['cnn']}, II here"]
    assert heard.warnings == []


def changed_origin(run: Path, folder: Path, **fields: Any) -> Path:
    """A copy of a run that says something else of what it saw."""
    shutil.copytree(run, folder)
    card = card_json(folder)
    for place, value in fields.items():
        outer, name = place.split("__")
        card[outer][name] = value
    write_json(folder, card)
    return sealed_anew(folder)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"input__sampling_rate": 250.0}, "saw 250 Hz, and these are 100: to its filters all is 2.5 times as fast"),
        ({"input__normalise": "none", "input__scale_mv": 1.0}, "-normalise none, these have -normalise global"),
        ({"input__scale_mv": 9.0}, "divided its signals by 9 mV"),
        ({"data__cut": {"kind": "beats"}}, "has learnt from beats, and these are whole records"),
        ({"input__crop": 1.5, "input__stride": 0.5}, "saw 1.5 s of an item at once, and this one sees all of an item"),
        ({"input__beat": [0.25, 0.45]}, "saw the median beat from -0.25 to 0.45 s, and this one sees all of an item"),
    ],
)
def test_inputs_that_differ_are_warned_of(
    fields: dict[str, Any], word: str, origins: dict[str, Path], stores: dict[str, Path], tmp_path: Path, heard: Heard
):
    run = changed_origin(origins["cnn"], tmp_path / "run", **fields)
    planned(stores["mi"], init=str(run))
    assert [word in sentence for sentence in heard.warnings] == [True], heard.warnings


def test_other_images_are_warned_of(origins: dict[str, Path], stores: dict[str, Path], tmp_path: Path, heard: Heard):
    planned(stores["mi"], init=str(origins["image"]), representation=("gaf",))
    assert heard.warnings == []
    planned(stores["mi"], init=str(origins["image"]), representation=("rp",), on_the_fly=True)
    assert ["saw other images" in sentence for sentence in heard.warnings] == [True]


def test_a_torchvision_network_is_taken_over(stores: dict[str, Path], tmp_path: Path):
    words = f"-model torchvision:shufflenet_v2_x0_5 {SMALL} -epochs 1"
    first = fit(words, stores["rhythms"], tmp_path / "first")
    card = planned(stores["mi"], init=str(first), freeze="features")
    assert ({*init_of(card).fresh}, card.model) == (HEAD, "torchvision:shufflenet_v2_x0_5")


# frozen


@pytest.mark.parametrize("name", ["cnn", "gru", "image"])
def test_frozen_weights_are_unchanged_to_the_bit(
    name: str, origins: dict[str, Path], stores: dict[str, Path], tmp_path: Path
):
    run = fit(f"-init {origins[name]} -freeze features {SMALL}", stores["mi"], tmp_path / "run")
    there, here = weights(origins[name]), weights(run)
    kept = {*there} - HEAD
    assert kept <= same({key: x for key, x in here.items() if key in kept}, there)
    torch.manual_seed(read_card(run).training.seed)
    fresh = build_network(read_card(run)).state_dict()
    assert not torch.equal(here["head.weight"], fresh["head.weight"])  # which has learnt
    init = card_json(run)["init"]
    assert (init["freeze"], "learning_rate" in init) == ("features", False)


def test_frozen_parts_are_in_evaluation_mode_and_the_optimizer_has_the_head_alone(
    origins: dict[str, Path], stores: dict[str, Path]
):
    card = planned(stores["mi"], init=str(origins["cnn"]), freeze="features")
    learner = learner_of(card, build_network(card))
    assert isinstance(learner, TransferLearner)
    learner.train()
    training = {name for name, module in learner.network.named_modules() if module.training}
    assert training == {"head"}
    (group,) = learner.parameter_groups(1.0)
    assert [tuple(x.shape) for x in group["params"]] == [tuple(x.shape) for x in learner.network.head.parameters()]
    assert {name for name, x in learner.network.named_parameters() if x.requires_grad} == HEAD
    learner.eval()
    assert not any(module.training for module in learner.network.modules())


def test_fresh_weights_are_not_frozen(origins: dict[str, Path], stores: dict[str, Path]):
    with pytest.raises(EcgFusionError, match=r"-freeze keeps what .* has learnt, and .* would be fresh: leave -freeze"):
        planned(stores["two"], init=str(origins["cnn"]), freeze="features")


# numbers beside the items


def test_a_network_beside_numbers_is_the_same_network(origins: dict[str, Path], stores: dict[str, Path]):
    """Its names have another beginning there; what embeds the numbers is fresh, and what was taken is still there."""
    card = planned(stores["mi"], init=str(origins["cnn"]))
    spec = replace(card.spec, features={"rr": FeatureScale("none", (0.0,), (1.0,))})
    beside = replace(card, input=spec)
    with torch.device("meta"):
        wanted = build_network(beside)
    options = TrainOptions.of(init=str(origins["cnn"]), model=card.model)
    opened = [open_store(stores["mi"] / f"{name}.h5") for name in ("train", "dev")]
    init = plan_init(options, beside, wanted, opened[0], opened[1])
    assert init is not None
    assert init.taken == init_of(card).taken
    assert {name.split(".")[0] for name in init.fresh} == {"head", "embedding"}
    beside = replace(beside, init=init)
    made = build_network(beside)
    begin_with(made, beside)
    there, here = weights(origins["cnn"]), made.state_dict()
    assert all(torch.equal(here[f"network.{name}"], there[name]) for name in init.taken)
    fresh, taken = learner_of(beside, made).parameter_groups(1.0)
    assert len(fresh["params"]) == 6  # of the embedding and the head
    assert len(taken["params"]) == len([*build_network(card).parameters()]) - 2


def test_a_decoder_that_is_fed_its_own_answers_has_two_heads_beside_numbers(origins: dict[str, Path]):
    spec = replace(read_card(origins["cnn"]).spec, features={"rr": FeatureScale("none", (0.0,), (1.0,))})
    names = ["network.body.weight", "network.head.weight", "head.weight", "embedding.0.weight"]
    found = named_alike(dict.fromkeys(names, torch.zeros(1)), spec)
    assert [*found] == ["body.weight", "network.head.weight", "head.weight", "embedding.0.weight"]


# rates


def test_what_is_taken_has_a_rate_of_its_own_in_every_schedule(origins: dict[str, Path], stores: dict[str, Path]):
    card = planned(stores["mi"], init=str(origins["cnn"]), init_learning_rate=2e-4, learning_rate=1e-2)
    assert init_of(card).learning_rate == 2e-4
    for name in SCHEDULERS:
        settings = replace(network.settings_of(card), scheduler=name, epochs=4)
        learner = learner_of(card, build_network(card))
        optimizer = make_optimizer(learner.parameter_groups(settings.learning_rate), settings)
        assert [group["lr"] for group in optimizer.param_groups] == [1e-2, 2e-4]
        assert len(optimizer.param_groups[0]["params"]) == len(HEAD)
        scheduler = make_scheduler(optimizer, settings, 20)
        for _ in range(20):
            fresh, taken = (group["lr"] for group in optimizer.param_groups)
            assert taken == pytest.approx(0.02 * fresh)
            optimizer.step()
            scheduler.step()


def test_the_log_has_the_rate_of_the_fresh_weights(origins: dict[str, Path], stores: dict[str, Path], tmp_path: Path):
    words = f"-init {origins['cnn']} {SMALL} -scheduler none -learning_rate 0.003"
    run = fit(words, stores["mi"], tmp_path / "run")
    first = (run / "log.csv").read_text().splitlines()[1]
    assert "0.003" in first.split(",")


# going on


def test_a_training_that_goes_on_does_not_load_again_and_has_the_same_bits(
    origins: dict[str, Path], stores: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    origin = tmp_path / "origin"
    shutil.copytree(origins["cnn"], origin)
    words = f"-init {origin} {SMALL}"
    whole = fit(words, stores["mi"], tmp_path / "whole")
    with monkeypatch.context() as patch:
        kill_at_call(patch, TrainingState, "save", 2)
        with pytest.raises(Killed):
            fit(words, stores["mi"], tmp_path / "killed")
    assert (tmp_path / "killed" / RESUME).exists()
    shutil.rmtree(origin)
    train.main(["-resume", "-path_save_model", str(tmp_path / "killed")])
    for name in (WEIGHTS, DEV_SCORES):
        assert (whole / name).read_bytes() == (tmp_path / "killed" / name).read_bytes(), name
    ours, theirs = (card_json(run) for run in (whole, tmp_path / "killed"))
    assert (ours["init"], ours["seal"]) == (theirs["init"], theirs["seal"])


def test_a_training_killed_before_its_first_epoch_needs_the_run_as_it_was(
    origins: dict[str, Path], stores: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    origin, run = tmp_path / "origin", tmp_path / "run"
    shutil.copytree(origins["cnn"], origin)
    with monkeypatch.context() as patch:
        kill_at_call(patch, TrainingState, "save", 1)
        with pytest.raises(Killed):
            fit(f"-init {origin} {SMALL}", stores["mi"], run)
    origin.rename(tmp_path / "away")
    with pytest.raises(EcgFusionError, match=rf"{origin} is not there as it was .* put it back and go on with -resume"):
        train.main(["-resume", "-path_save_model", str(run)])
    shutil.copytree(origins["gru"], origin)
    with pytest.raises(EcgFusionError, match=r"is not there as it was"):
        train.main(["-resume", "-path_save_model", str(run)])
    shutil.rmtree(origin)
    (tmp_path / "away").rename(origin)
    train.main(["-resume", "-path_save_model", str(run)])
    whole = fit(f"-init {origin} {SMALL}", stores["mi"], tmp_path / "whole")
    assert (whole / WEIGHTS).read_bytes() == (run / WEIGHTS).read_bytes()


def test_every_member_begins_with_the_run(origins: dict[str, Path], stores: dict[str, Path], tmp_path: Path):
    run = fit(f"-init {origins['cnn']} -freeze features -kfold 2 {SMALL}", stores["mi"], tmp_path / "run")
    there = weights(origins["cnn"])
    for number in (1, 2):
        member = run / MEMBERS / str(number)
        here = weights(member)
        assert {*there} - HEAD <= same({name: x for name, x in here.items() if name not in HEAD}, there)
        assert read_card(member).init == read_card(run).init
    evaluate.main(["-run", str(run), "-threads", "1"])


# what is refused


def test_runs_of_several_networks_are_refused_with_one_that_goes(
    origins: dict[str, Path], stores: dict[str, Path], tmp_path: Path
):
    kfold = fit(f"{GRU} -epochs 1 -kfold 2", stores["rhythms"], tmp_path / "kfold")
    with pytest.raises(EcgFusionError, match=rf"k-fold run, of 2 networks: name one of them, -init {kfold}/members/1"):
        fit(f"-init {kfold}", stores["mi"], tmp_path / "run")
    fit(f"-init {kfold}/members/1 {SMALL}", stores["mi"], tmp_path / "run")
    branches = f"{origins['cnn']} {origins['gru']}"
    fused = tmp_path / "fused"
    train.main(f"-model late -combine mean -branches {branches} -path_save_model {fused}".split())
    with pytest.raises(EcgFusionError, match=rf"is a fusion: name a run .* -init {fused}/branches/cnn"):
        fit(f"-init {fused}", stores["mi"], tmp_path / "other")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("-model gru -freeze features", "-freeze is of weights that -init takes over: give that too"),
        ("-model gru -init_learning_rate 0.1", "-init_learning_rate is of weights that -init takes over"),
        ("-init {cnn} -freeze features -init_learning_rate 0.1", "-freeze keeps the weights that -init_learning_rate"),
        ("-model torchvision:resnet18 -pretrained -init {cnn}", "-pretrained and -init are two ways to begin"),
        ("-init {cnn} -init_learning_rate 1e7", "-init_learning_rate 1000000"),
        ("-init nowhere", "nowhere holds no run"),
        (
            "-model gru -init {cnn}",
            "nothing of .*cnn, a resnet1d_wang, fits gru .*: take -model resnet1d_wang with its",
        ),
        ("-model late -combine mean -branches {cnn} {gru} -init {cnn}", "-init does nothing in late fusion by mean"),
    ],
)
def test_what_cannot_work_is_one_sentence(
    words: str, sentence: str, origins: dict[str, Path], stores: dict[str, Path], tmp_path: Path
):
    with pytest.raises(EcgFusionError, match=sentence):
        fit(words.format(**origins), stores["mi"], tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_unfinished_run_is_refused(origins: dict[str, Path], stores: dict[str, Path], tmp_path: Path):
    run = tmp_path / "origin"
    shutil.copytree(origins["cnn"], run)
    card = card_json(run)
    for name in ("thresholds", "result", "sha256"):
        card.pop(name, None)
    write_json(run, card | {"complete": False})
    with pytest.raises(EcgFusionError, match=rf"{run} is not finished"):
        fit(f"-init {run}", stores["mi"], tmp_path / "run")


def test_damaged_weights_are_refused(origins: dict[str, Path], stores: dict[str, Path], tmp_path: Path):
    run = tmp_path / "origin"
    shutil.copytree(origins["cnn"], run)
    content = bytearray((run / WEIGHTS).read_bytes())
    content[-5] ^= 1
    (run / WEIGHTS).write_bytes(content)
    with pytest.raises(EcgFusionError, match=r"is damaged or of another network"):
        fit(f"-init {run}", stores["mi"], tmp_path / "run")


def test_weights_that_are_no_numbers_are_refused(origins: dict[str, Path], stores: dict[str, Path], tmp_path: Path):
    run = tmp_path / "origin"
    shutil.copytree(origins["cnn"], run)
    made = build_network(read_card(run))
    with torch.no_grad():
        next(iter(made.parameters())).view(-1)[0] = float("nan")
    save_weights(run, made)
    sealed_anew(run)
    with pytest.raises(EcgFusionError, match=r"with what is no number"):
        fit(f"-init {run}", stores["mi"], tmp_path / "run")


def test_items_that_the_weights_have_seen_judge_no_training_and_no_run(
    origins: dict[str, Path], stores: dict[str, Path], tmp_path: Path
):
    """Of the same data set, in other folds: what the first run learnt from is dev or test of the second."""
    others = {"train": [3], "dev": [1], "test": [2]}
    turned = write_stores(
        tmp_path / "turned", ("MI", "HC"), 24, 12, task="mi", leads=("II",), folds=others, seconds=(1.0,)
    )
    with pytest.raises(EcgFusionError, match=r"holds fold 1, which .*cnn was trained on"):
        planned(turned, init=str(origins["cnn"]))
    later = {"train": [2], "dev": [3], "test": [1]}
    third = write_stores(
        tmp_path / "third", ("MI", "HC"), 24, 12, task="mi", leads=("II",), folds=later, seconds=(1.0,)
    )
    run = fit(f"-init {origins['cnn']} {SMALL}", third, tmp_path / "run")
    with pytest.raises(EcgFusionError, match=r"holds fold 1, which .* was trained on"):
        evaluate.main(["-run", str(run), "-threads", "1"])
    again = planned(stores["mi"], init=str(run))  # which has seen what the first run has, too
    assert [data.folds["train"] for data in init_of(again).trained_on] == [(2,), (1,)]


def test_members_are_not_scored_on_what_the_run_has_seen(origins: dict[str, Path], stores: dict[str, Path]):
    with pytest.raises(EcgFusionError, match=r"-kfold scores each item by a network that never saw it, and .*"):
        planned(stores["rhythms"], init=str(origins["cnn"]), kfold=2)


# cards


def test_a_card_without_it_says_nothing_of_it(origins: dict[str, Path]):
    assert "init" not in json.loads((origins["cnn"] / CARD).read_text())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"taken": []}, "it lacks init.taken"),
        ({"trained_on": []}, "it lacks init.trained_on"),
        ({"freeze": "features"}, "init has no learning_rate, or one of weights that are frozen"),
        ({"freeze": "all"}, "init.freeze is 'all', not features"),
        ({"folder": "a\0b"}, "which no folder is called"),
        ({"learning_rate": -1}, "init.learning_rate is -1"),
    ],
)
def test_a_card_that_no_training_writes_is_refused(
    change: dict[str, Any], sentence: str, origins: dict[str, Path], stores: dict[str, Path], tmp_path: Path
):
    run = fit(f"-init {origins['gru']} {SMALL} -epochs 1", stores["mi"], tmp_path / "run")
    card = card_json(run)
    write_json(run, card | {"init": {**card["init"], **change}})
    with pytest.raises(EcgFusionError, match=sentence):
        read_card(run)


def test_the_seal_is_of_what_was_taken_but_not_of_where_it_lay(
    origins: dict[str, Path], stores: dict[str, Path], tmp_path: Path
):
    card = planned(stores["mi"], init=str(origins["gru"]))
    moved = replace(card, init=replace(init_of(card), folder="/elsewhere"))
    other = replace(card, init=replace(init_of(card), sha256="0" * 64))
    assert (moved.seal, moved.of_training) == (card.seal, card.of_training)
    assert other.seal != card.seal
    assert other.of_training != card.of_training
