"""Learning from another run: the loss by hand, every kind of teacher, gone on with exactly, and what is refused."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from cards import card_json
from kills import Killed, kill_at_call
from made_stores import write_stores

import pipeline
import train
from pipeline.errors import EcgFusionError
from pipeline.evaluation.joining import Joining
from pipeline.evaluation.npz import read_npz
from pipeline.evaluation.scores import load_scores
from pipeline.inputs.batches import CPU
from pipeline.labels import Labels
from pipeline.representations import ImageRecipe
from pipeline.runs.card import BRANCHES, CARD, DEV_SCORES, LOG, MEMBERS, TEACHER_FEATURES, TEACHER_SCORES, WEIGHTS
from pipeline.runs.card_file import read_card
from pipeline.runs.learners import NetworkLearner
from pipeline.runs.load import load_run, read_weights
from pipeline.scoring.checks import refuse_training_items
from pipeline.scoring.features import features_of
from pipeline.scoring.partition import score_partition
from pipeline.store.reading import Store, open_store
from pipeline.training import distillation, loop, network
from pipeline.training.distillation import distillation_loss, softened, taught_by
from pipeline.training.losses import make_loss
from pipeline.training.options import TrainOptions
from pipeline.training.plan import plan

pytestmark = pytest.mark.usefixtures("cpu_as_before")

SMALL = "-threads 1 -batch_size 8 -epochs 2"
GRU = f"-model gru -hidden_size 4 -n_layers 2 -dropout 0.3 -crop 1 {SMALL}"
STILL = f"-model gru -hidden_size 4 -n_layers 1 {SMALL} -epochs 1"  # nothing of it is random in a step
UNCHANGED = "-learning_rate 1e-30 -weight_decay 0 -optimizer sgd -scheduler none"
KINDS = ("multilabel", "multiclass")


def drawn(kind: str) -> torch.Tensor:
    """Probabilities of six items and three classes."""
    logits = 2 * torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    return logits.sigmoid() if kind == "multilabel" else logits.softmax(1)


def test_softened_probabilities_by_hand():
    p = torch.tensor([[0.8, 0.5, 0.1]])
    expected = torch.tensor([[2.0 / 3, 0.5, 0.25]])  # odds of 4, 1 and 1/9 become their roots
    torch.testing.assert_close(softened(p, "multilabel", 2), expected)
    q = torch.tensor([[0.64, 0.32, 0.04]])
    roots = q.sqrt()
    torch.testing.assert_close(softened(q, "multiclass", 2), roots / roots.sum())
    for kind in KINDS:
        assert torch.equal(softened(p, kind, 1), p)
        sure = torch.tensor([[1.0, 0.0, 0.0]])
        torch.testing.assert_close(softened(sure, kind, 3), sure)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_is_least_where_the_network_says_what_its_teacher_says(kind: str, temperature: float):
    p = drawn(kind)
    taught = softened(p, kind, temperature)
    logits = (p.logit() if kind == "multilabel" else p.log()).requires_grad_()
    least = distillation_loss(logits, taught, kind, temperature)
    (gradient,) = torch.autograd.grad(least, logits)
    torch.testing.assert_close(gradient, torch.zeros_like(p), atol=1e-6, rtol=0)
    for seed in range(5):
        other = logits + 0.3 * torch.randn(6, 3, generator=torch.Generator().manual_seed(seed))
        assert distillation_loss(other, taught, kind, temperature) > least


@pytest.mark.parametrize("kind", KINDS)
def test_at_a_temperature_of_1_it_is_the_cross_entropy(kind: str):
    logits = torch.randn(6, 3)
    torch.testing.assert_close(
        distillation_loss(logits, drawn(kind), kind, 1.0), make_loss(kind, None)(logits, drawn(kind))
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_keeps_its_size_at_high_temperatures(kind: str):
    """So a weight means the same at each: Hinton et al. 2015, equations 2 to 4."""
    p, sizes = drawn(kind).double(), []
    for temperature in (200.0, 2000.0):
        logits = torch.zeros(6, 3, dtype=torch.float64).requires_grad_()
        loss = distillation_loss(logits, softened(p, kind, temperature), kind, temperature)
        sizes.append(torch.autograd.grad(loss, logits)[0])
    torch.testing.assert_close(sizes[0], sizes[1], rtol=0.05, atol=1e-3)
    assert sizes[0].abs().max() > 0.01


# trainings


def fit_run(stores: Path, folder: Path, words: str, resume: bool = False) -> Path:
    train.main([*words.split(), "-data", str(stores), "-path_save_model", str(folder), *(["-resume"] * resume)])
    return folder


def fuse(words: str, branches: list[Path], folder: Path) -> Path:
    train.main([*words.split(), "-branches", *map(str, branches), "-path_save_model", str(folder)])
    return folder


def log_of(folder: Path) -> list[dict[str, float]]:
    with (folder / LOG).open(newline="") as file:
        return [{name: float(x) for name, x in row.items() if name != "seconds"} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def stores(small_store_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Four diseases of ten seconds with small images; three rhythms of two lengths."""
    folder = tmp_path_factory.mktemp("rhythms") / "stores"
    rhythms = write_stores(folder, n_train=30, n_dev=15, seconds=(2.0, 1.5))
    return {"multilabel": small_store_folder, "multiclass": rhythms}


@pytest.fixture(scope="module")
def teachers(stores: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Finished runs of every kind on the diseases, and one on the rhythms. Do not write into them."""
    folder, data = tmp_path_factory.mktemp("teachers"), stores["multilabel"]
    made = {
        "network": fit_run(data, folder / "network", f"{STILL} -leads I II -seed 3"),
        "image": fit_run(data, folder / "image", f"-model cnn -nb_filters 2 {SMALL} -epochs 1"),
        "kfold": fit_run(data, folder / "kfold", f"{GRU} -leads V2 -epochs 1 -kfold 2"),
        "multiclass": fit_run(stores["multiclass"], folder / "multiclass", f"{STILL} -seed 3"),
    }
    made["late"] = fuse("-model late -combine weighted", [made["network"], made["image"]], folder / "late")
    of_features = f"-model intermediate -combine concat -hidden_size 4 {SMALL} -epochs 1"
    made["intermediate"] = fuse(of_features, [made["network"], made["image"]], folder / "intermediate")
    return made


def killed_in_its_steps(stores: Path, folder: Path, words: str) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        kill_at_call(patch, NetworkLearner, "learnt", 6)
        with pytest.raises(Killed):
            fit_run(stores, folder, words)
    return folder


@pytest.mark.parametrize("name", ["network", "image", "kfold", "late", "intermediate"])
def test_every_kind_of_run_teaches_what_it_says_of_the_training_items(name, teachers, stores, tmp_path):
    data, words = stores["multilabel"], f"{GRU} -leads I II -teacher {teachers[name]} -distill 0.7 -temperature 2"
    run = killed_in_its_steps(data, tmp_path / "run", words)
    said, own = load_scores(run / TEACHER_SCORES), score_partition(teachers[name], data, "train", threads=1)
    assert said.item_id.tolist() == own.item_id.tolist()
    np.testing.assert_allclose(said.scores, own.scores, atol=1e-6)
    fit_run(data, run, "", resume=True)
    card = read_card(run)
    assert card.teacher is not None
    assert (card.teacher.weight, card.teacher.temperature) == (0.7, 2.0)
    assert card.teacher.seal == read_card(teachers[name]).seal
    assert card.teacher.model == read_card(teachers[name]).model
    assert len(card.teacher.scores or "") == 64
    assert not (run / TEACHER_SCORES).exists()
    assert np.isfinite(score_partition(run, data, "test", threads=1).scores).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_teacher_that_counts_nothing_changes_nothing_bit_for_bit(kind, teachers, stores, tmp_path):
    name = {"multilabel": "late", "multiclass": "multiclass"}[kind]
    words = f"{GRU} -augment noise -mixup 0.3"
    plain = fit_run(stores[kind], tmp_path / "plain", words)
    nothing = fit_run(stores[kind], tmp_path / "nothing", f"{words} -teacher {teachers[name]} -distill 0")
    taught = fit_run(stores[kind], tmp_path / "taught", f"{words} -teacher {teachers[name]}")
    assert log_of(plain) == log_of(nothing) != log_of(taught)
    for file in (WEIGHTS, DEV_SCORES):
        assert (plain / file).read_bytes() == (nothing / file).read_bytes() != (taught / file).read_bytes()
    assert "teacher" not in card_json(plain)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
@pytest.mark.parametrize("kind", KINDS)
def test_a_network_that_is_its_teacher_already_has_nothing_to_learn(kind, temperature, teachers, stores, tmp_path):
    """With all the weight on the teacher, the loss is the entropy of what it says, and no step moves a weight."""
    name = {"multilabel": "network", "multiclass": "multiclass"}[kind]
    teacher, leads = teachers[name], {"multilabel": "-leads I II", "multiclass": ""}[kind]
    steep = "-optimizer sgd -momentum 0 -learning_rate 1 -init_learning_rate 1 -weight_decay 0 -scheduler none"
    words = f"{STILL} {leads} -init {teacher} -teacher {teacher} -distill 1 -temperature {temperature} {steep}"
    run = fit_run(stores[kind], tmp_path / "run", words)
    before, behind = read_weights(teacher), read_weights(run)
    for key, tensor in before.items():
        torch.testing.assert_close(behind[key], tensor, atol=2e-5, rtol=0)
    said = torch.from_numpy(score_partition(teacher, stores[kind], "train", threads=1).scores)
    p = softened(said, kind, temperature).double()
    entropy = -(p * p.log() + (1 - p) * (1 - p).log()).mean() if kind == "multilabel" else -(p * p.log()).sum(1).mean()
    assert log_of(run)[0]["train_loss"] == pytest.approx(temperature**2 * float(entropy), rel=1e-5)


def test_the_loss_is_of_the_labels_and_of_the_teacher_each_by_its_weight(teachers, stores, tmp_path):
    """Where nothing is learnt it can be computed from the scores of both runs."""
    data, teacher = stores["multilabel"], teachers["kfold"]
    words = f"{STILL} -leads I {UNCHANGED} -class_weights balanced -label_smoothing 0.2 -seed 4"
    run = fit_run(data, tmp_path / "run", f"{words} -teacher {teacher} -distill 0.3 -temperature 2")
    own, said = (score_partition(folder, data, "train", threads=1) for folder in (run, teacher))
    logits = torch.from_numpy(own.scores).double().logit()
    targets = torch.from_numpy(own.labels * 0.8 + 0.1)
    of_labels = make_loss("multilabel", read_card(run).training.class_weights).double()(logits, targets)
    taught = softened(torch.from_numpy(said.scores).double(), "multilabel", 2.0)
    expected = 0.7 * of_labels + 0.3 * distillation_loss(logits, taught, "multilabel", 2.0)
    assert log_of(run)[0]["train_loss"] == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize(
    "kill",
    [
        (distillation, "save_scores", 1),
        (distillation, "write_card", 1),
        (NetworkLearner, "learnt", 6),
        (loop.TrainingState, "save", 1),
        (network, "seal_run", 1),
    ],
    ids=["before it is saved", "before the card has it", "in a step", "before the first state", "before the card"],
)
def test_a_resumed_training_equals_an_uninterrupted_one_and_needs_no_teacher(kill, teachers, stores, tmp_path):
    data, teacher = stores["multiclass"], shutil.copytree(teachers["multiclass"], tmp_path / "teacher")
    words = f"{GRU} -teacher {teacher} -mixup 0.3 -ema 0.9 -epochs 3"
    whole = fit_run(data, tmp_path / "whole", words)
    with pytest.MonkeyPatch.context() as patch:
        kill_at_call(patch, *kill)
        with pytest.raises(Killed):
            fit_run(data, tmp_path / "killed", words)
    if kill[0] is not distillation:
        shutil.rmtree(teacher)
    killed = fit_run(data, tmp_path / "killed", "", resume=True)
    for name in (WEIGHTS, DEV_SCORES):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    assert log_of(killed) == log_of(whole)
    assert read_card(killed).seal == read_card(whole).seal
    assert not (killed / TEACHER_SCORES).exists()


def test_what_a_teacher_has_said_is_asked_again_where_it_is_damaged_and_the_teacher_must_be_there(
    teachers, stores, tmp_path
):
    data, teacher = stores["multiclass"], shutil.copytree(teachers["multiclass"], tmp_path / "teacher")
    words = f"{GRU} -teacher {teacher}"
    whole = fit_run(data, tmp_path / "whole", words)
    run = killed_in_its_steps(data, tmp_path / "killed", words)
    (run / TEACHER_SCORES).write_bytes(b"nothing of the kind")
    teacher.rename(tmp_path / "away")
    with pytest.raises(
        EcgFusionError, match=r"teacher is not there as it was when .*killed was begun with it as its -t"
    ):
        fit_run(data, run, "", resume=True)
    shutil.copytree(teachers["multiclass"], teacher)
    (teacher / WEIGHTS).write_bytes(b"another network")
    with pytest.raises(EcgFusionError, match="is not there as it was"):
        fit_run(data, run, "", resume=True)
    shutil.rmtree(teacher)
    (tmp_path / "away").rename(teacher)
    fit_run(data, run, "", resume=True)
    assert (run / WEIGHTS).read_bytes() == (whole / WEIGHTS).read_bytes()


def test_where_a_teacher_lies_is_not_what_a_run_is(teachers, stores, tmp_path):
    seals = []
    for place in ("here", "there"):
        teacher = shutil.copytree(teachers["multiclass"], tmp_path / place / "teacher")
        run = fit_run(stores["multiclass"], tmp_path / place / "run", f"{GRU} -epochs 1 -teacher {teacher}")
        seals.append(read_card(run).seal)
    assert seals[0] == seals[1]
    words = f"{GRU} -epochs 1 -teacher {tmp_path / 'here' / 'teacher'} -distill 0.4"
    other = fit_run(stores["multiclass"], tmp_path / "other", words)
    assert read_card(other).seal != seals[0]


def test_a_sample_of_the_items_is_taught_by_row(teachers, stores, tmp_path):
    words = f"{GRU} -limit 12 -teacher {teachers['image']} -leads I -epochs 9"
    run = killed_in_its_steps(stores["multilabel"], tmp_path / "run", words)
    said = load_scores(run / TEACHER_SCORES)
    own = score_partition(teachers["image"], stores["multilabel"], "train", threads=1)
    at = [own.item_id.tolist().index(item) for item in said.item_id]
    assert len(at) == 12
    np.testing.assert_allclose(said.scores, own.scores[at], atol=1e-6)


def with_classes_turned_round(store: Store) -> Store:
    """The same labels as those of another task, its classes in another order."""
    labels = store.task("rhythm")
    turned = Labels(labels.classes[::-1], labels.kind, labels.values[:, ::-1], labels.labelled)
    return replace(store, labels={**store.labels, "turned": turned})


def test_classes_are_matched_by_name(teachers, stores, tmp_path):
    learnt, dev = (with_classes_turned_round(open_store(stores["multiclass"] / f"{p}.h5")) for p in ("train", "dev"))
    options = TrainOptions.of(model="gru", task="turned", teacher=teachers["multiclass"])
    card = plan(options, learnt, dev)
    assert card.classes == ("A", "O", "N")
    rows = np.arange(learnt.n_items)
    again, said = taught_by(card, learnt, rows, tmp_path, CPU)
    own = score_partition(teachers["multiclass"], stores["multiclass"], "train", threads=1)
    assert said is not None
    np.testing.assert_allclose(said, own.scores[:, ::-1], atol=1e-6)
    assert again.teacher is not None
    assert read_card(tmp_path) == again


def test_windows_are_taught_each_by_itself(tmp_path):
    data = write_stores(tmp_path / "stores", n_train=16, n_dev=10, seconds=(1.0,), windows=2)
    teacher = fit_run(data, tmp_path / "teacher", f"{STILL} -join geometric")
    run = killed_in_its_steps(data, tmp_path / "run", f"{STILL} -epochs 3 -teacher {teacher}")
    said, store = load_scores(run / TEACHER_SCORES), open_store(data / "train.h5")
    assert said.item_id.tolist() == store.columns["item_id"].tolist()
    joined = Joining("geometric", store.columns["record_id"], "multiclass")(said.scores)
    np.testing.assert_allclose(joined, score_partition(teacher, data, "train", threads=1).scores, atol=1e-6)


def test_members_of_a_k_fold_run_are_taught_by_who_has_seen_none_of_their_items(teachers, stores, tmp_path):
    data = stores["multiclass"]
    with pytest.raises(
        EcgFusionError, match=r"-kfold scores each item by a network that never saw it, and .*; or leave -k"
    ):
        fit_run(data, tmp_path / "refused", f"{GRU} -kfold 2 -teacher {teachers['multiclass']}")
    others = write_stores(tmp_path / "others", n_train=32, n_dev=15, seconds=(2.0, 1.5), source="others")
    teacher = fit_run(others, tmp_path / "teacher", STILL)
    run = fit_run(data, tmp_path / "run", f"{GRU} -epochs 1 -kfold 2 -teacher {teacher} -contrast 0.5")
    for number in ("1", "2"):
        card = read_card(run / MEMBERS / number)
        assert card.teacher is not None
        assert card.teacher.seal == read_card(teacher).seal
        assert len(card.teacher.features or "") == 64
        assert not {TEACHER_SCORES, TEACHER_FEATURES} & {path.name for path in (run / MEMBERS / number).iterdir()}


def test_a_run_that_was_taught_is_fused_and_teaches(teachers, stores, tmp_path):
    data = stores["multilabel"]
    taught = fit_run(data, tmp_path / "taught", f"{GRU} -leads I -epochs 1 -teacher {teachers['late']}")
    fused = fuse("-model late -combine mean", [taught, teachers["image"]], tmp_path / "fused")
    assert not (fused / BRANCHES / "taught" / TEACHER_SCORES).exists()
    run = fit_run(data, tmp_path / "run", f"{GRU} -leads II -epochs 1 -teacher {fused}")
    teacher = read_card(run).teacher
    assert teacher is not None
    assert teacher.model == "late"
    assert len(teacher.trained_on) == 1  # all of them have learnt from the same items


def test_a_recipe_the_command_and_python_train_the_same_run(teachers, stores, tmp_path):
    """With all that changes what is learnt, and what is kept of it."""
    data, teacher = stores["multiclass"], teachers["multiclass"]
    chosen = {"ema": 0.9, "mixup": 0.2, "label_smoothing": 0.1, "distill": 0.4, "temperature": 2.0}
    words = " ".join(f"-{name} {value}" for name, value in chosen.items())
    typed = fit_run(data, tmp_path / "typed", f"{STILL} -augment time_mask {words} -teacher {teacher}")
    recipe = tmp_path / "recipe.toml"
    lines = [f'teacher = "{teacher}"', 'augment = ["time_mask"]', *(f"{name} = {x}" for name, x in chosen.items())]
    recipe.write_text("\n".join(lines))
    from_file = fit_run(data, tmp_path / "recipe", f"{STILL} -config {recipe}")
    small = {"hidden_size": 4, "n_layers": 1, "threads": 1, "batch_size": 8, "epochs": 1}
    how = {**small, **chosen, "augment": ["time_mask"], "teacher": teacher}
    run = pipeline.train(model="gru", data=data, path_save_model=tmp_path / "python", **how)
    for other in (from_file, run.folder):
        assert (other / WEIGHTS).read_bytes() == (typed / WEIGHTS).read_bytes()
        assert read_card(other).seal == read_card(typed).seal


# refusals


def test_what_a_teacher_has_learnt_from_is_not_judged(teachers, stores):
    """Neither by the run that it taught, nor by one that it is to teach."""
    data = stores["multilabel"]
    store, card = open_store(data / "test.h5"), read_card(teachers["network"])
    refuse_training_items(card, Path("run"), store)
    seen = replace(card.data, folds={**card.data.folds, "train": card.data.folds["test"]})
    teacher = distillation.TeacherCard(
        folder="away", model="gru", seal="", weight=0.5, temperature=1.0, trained_on=(seen,)
    )
    with pytest.raises(EcgFusionError, match=r"test\.h5 holds fold 10, which run was trained on"):
        refuse_training_items(replace(card, teacher=teacher), Path("run"), store)


def test_a_teacher_that_has_seen_dev_is_refused(teachers, stores, tmp_path):
    """Its store was the other way round: it learnt from what is dev here."""
    data = stores["multiclass"]
    turned = tmp_path / "turned"
    turned.mkdir()
    write_stores(turned, n_train=30, n_dev=15, seconds=(2.0,), folds={"train": [2], "dev": [1], "test": [3]})
    teacher = fit_run(turned, tmp_path / "teacher", STILL)
    with pytest.raises(EcgFusionError, match=r"dev\.h5 holds fold 2, which .*teacher was trained on"):
        fit_run(data, tmp_path / "run", f"{GRU} -teacher {teacher}")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (f"{GRU} -distill 0.5", "-distill is of what a -teacher says: give that too, or leave it out"),
        (f"{GRU} -temperature 2", "-temperature is of what a -teacher says: give that too"),
        (f"{GRU} -teacher TEACHER -distill 1.5", "-distill 1.5 does not work: take a number from 0 to 1"),
        (f"{GRU} -teacher TEACHER -distill nan", "-distill nan does not work: take a number from 0 to 1"),
        (f"{GRU} -teacher TEACHER -temperature 0", "-temperature 0.0 does not work: take a number of at least 0.001"),
        (f"{GRU} -teacher TEACHER -sampling smote", "-sampling smote makes items that no store holds, of which a -te"),
        (f"{GRU} -teacher nowhere", "nowhere holds no run: train one with"),
        (
            "-model late -combine mean -branches TEACHER TEACHER -teacher TEACHER",
            "-teacher teaches one network, and -model late f",
        ),
        (
            "-model intermediate -combine concat -branches TEACHER TEACHER -teacher TEACHER",
            "leave it out here, and train the bra",
        ),
    ],
)
def test_what_cannot_be_taught_is_refused(words, sentence, teachers, stores, tmp_path):
    words = words.replace("TEACHER", str(teachers["multiclass"]))
    with pytest.raises(EcgFusionError, match=sentence):
        fit_run(stores["multiclass"], tmp_path / "run", words)
    assert not (tmp_path / "run").exists()


def test_a_teacher_of_another_task_or_kind_is_refused(teachers, stores, tmp_path):
    other = write_stores(tmp_path / "other", ("X", "Y"), n_train=16, n_dev=10, seconds=(2.0,))
    with pytest.raises(EcgFusionError, match=r"knows the classes N, O, A, and rhythm has X, Y: name a run of these"):
        fit_run(other, tmp_path / "run", f"{GRU} -teacher {teachers['multiclass']}")
    with pytest.raises(
        EcgFusionError, match="is a run of a multilabel task, and rhythm is multiclass: name one of that"
    ):
        fit_run(other, tmp_path / "run", f"{GRU} -teacher {teachers['network']}")


def test_a_teacher_that_cannot_see_the_items_or_is_unfinished_or_damaged_is_refused(teachers, stores, tmp_path):
    image = tmp_path / "with images"
    drawn_of = ImageRecipe(size=32, representations=("gaf",))
    write_stores(image, n_train=16, n_dev=10, seconds=(2.0,), images=drawn_of)
    of_images = fit_run(image, tmp_path / "image", f"-model cnn -nb_filters 2 {SMALL} -epochs 1")
    with pytest.raises(EcgFusionError, match=r"train\.h5 holds no gaf: make a store with --representations gaf"):
        fit_run(stores["multiclass"], tmp_path / "run", f"{GRU} -teacher {of_images}")
    begun = killed_in_its_steps(stores["multiclass"], tmp_path / "begun", GRU)
    with pytest.raises(EcgFusionError, match="begun is not finished: go on with"):
        fit_run(stores["multiclass"], tmp_path / "run", f"{GRU} -teacher {begun}")
    damaged = shutil.copytree(teachers["multiclass"], tmp_path / "damaged")
    (damaged / WEIGHTS).write_bytes(b"nothing of the kind")
    with pytest.raises(EcgFusionError, match="safetensors is damaged or of another run: copy the run folder again"):
        fit_run(stores["multiclass"], tmp_path / "run", f"{GRU} -teacher {damaged}")
    assert not (tmp_path / "run").exists()


def test_a_card_whose_teacher_is_none_is_refused(teachers, stores, tmp_path):
    run = fit_run(stores["multiclass"], tmp_path / "run", f"{GRU} -epochs 1 -teacher {teachers['multiclass']}")
    whole = json.loads((run / CARD).read_text())
    for change, sentence in (
        ({"weight": 1.5}, "teacher.weight is 1.5, not a number from 0 to 1"),
        ({"trained_on": []}, "it lacks teacher.trained_on"),
        ({"temperature": 0.0}, "teacher.temperature is 0.0, not a number of at least 0.001"),
    ):
        (run / CARD).write_text(json.dumps({**whole, "teacher": {**whole["teacher"], **change}}))
        with pytest.raises(EcgFusionError, match=sentence):
            read_card(run)
    (run / CARD).write_text(json.dumps({**whole, "teacher": {**whole["teacher"], "weight": 0.25}}))
    with pytest.raises(EcgFusionError, match="was changed by hand"):
        read_card(run)


# where a teacher sees items


@pytest.mark.parametrize("name", ["network", "image", "kfold", "late", "intermediate"])
def test_who_sees_one_lead_learns_where_every_kind_of_run_sees_items(name, teachers, stores, tmp_path):
    """A teacher of two leads, or of images, and a student of one."""
    data = stores["multilabel"]
    words = f"{GRU} -leads I -teacher {teachers[name]} -contrast 0.7 -mixup 0.3"
    with pytest.MonkeyPatch.context() as patch:
        kill_at_call(patch, loop.TrainingState, "save", 1)
        with pytest.raises(Killed):
            fit_run(data, tmp_path / "run", words)
    run = tmp_path / "run"
    store = open_store(data / "train.h5")
    kept = read_npz(run / TEACHER_FEATURES, ("features", "item_id"))
    own = score_partition(teachers[name], data, "train", threads=1)
    assert kept["item_id"].tolist() == own.item_id.tolist()
    rows = np.flatnonzero(np.isin(store.columns["item_id"], own.item_id))
    np.testing.assert_allclose(kept["features"], features_of(load_run(teachers[name]), store, rows, CPU), atol=1e-6)
    fit_run(data, run, "", resume=True)
    teacher = read_card(run).teacher
    assert teacher is not None
    assert (teacher.contrast, teacher.contrast_temperature, teacher.weight) == (0.7, 0.1, 0.5)
    assert len(teacher.features or "") == 64
    assert not (run / TEACHER_FEATURES).exists()
    assert set(read_weights(run)) == set(load_run(run).network.state_dict())  # the layers that compare are not kept
    other = fit_run(data, tmp_path / "other", words.replace(" -contrast 0.7", ""))
    assert log_of(other) != log_of(run)


@pytest.mark.parametrize(
    "kill",
    [
        (distillation, "read_npz", 1),
        (distillation, "replace_atomically", 1),
        (NetworkLearner, "learnt", 9),
        (loop.TrainingState, "save", 1),
        (loop.TrainingState, "save", 2),
    ],
    ids=["before it is read", "before it is saved", "in a step", "before the first state", "before the second state"],
)
def test_a_resumed_contrast_equals_an_uninterrupted_one(kill, teachers, stores, tmp_path):
    data, teacher = stores["multiclass"], teachers["multiclass"]
    words = f"{GRU} -teacher {teacher} -contrast 1 -contrast_temperature 0.2 -distill 0 -mixup 0.3 -ema 0.9 -epochs 3"
    whole = fit_run(data, tmp_path / "whole", words)
    with pytest.MonkeyPatch.context() as patch:
        kill_at_call(patch, *kill)
        with pytest.raises(Killed):
            fit_run(data, tmp_path / "killed", words)
    killed = fit_run(data, tmp_path / "killed", "", resume=True)
    for file in (WEIGHTS, DEV_SCORES):
        assert (killed / file).read_bytes() == (whole / file).read_bytes()
    assert log_of(killed) == log_of(whole)
    assert read_card(killed).seal == read_card(whole).seal


def test_what_a_teacher_sees_is_asked_again_where_it_is_damaged_and_the_teacher_must_be_there(
    teachers, stores, tmp_path
):
    data, teacher = stores["multiclass"], shutil.copytree(teachers["multiclass"], tmp_path / "teacher")
    words = f"{GRU} -teacher {teacher} -contrast 0.5"
    whole = fit_run(data, tmp_path / "whole", words)
    with pytest.MonkeyPatch.context() as patch:
        kill_at_call(patch, loop.TrainingState, "save", 2)
        with pytest.raises(Killed):
            fit_run(data, tmp_path / "killed", words)
    run = tmp_path / "killed"
    (run / TEACHER_FEATURES).write_bytes(b"nothing of the kind")
    teacher.rename(tmp_path / "away")
    with pytest.raises(EcgFusionError, match="teacher is not there as it was when"):
        fit_run(data, run, "", resume=True)
    (tmp_path / "away").rename(teacher)
    fit_run(data, run, "", resume=True)
    assert (run / WEIGHTS).read_bytes() == (whole / WEIGHTS).read_bytes()


def test_a_run_without_a_contrast_has_nothing_of_it_in_its_card(teachers, stores, tmp_path):
    run = fit_run(stores["multiclass"], tmp_path / "run", f"{GRU} -epochs 1 -teacher {teachers['multiclass']}")
    whole = card_json(run)
    assert not {"contrast", "contrast_temperature", "features"} & set(whole["teacher"])
    (run / CARD).write_text(json.dumps({**whole, "teacher": {**whole["teacher"], "contrast": 0.5}}))
    with pytest.raises(EcgFusionError, match="one of contrast and contrast_temperature, which go together"):
        read_card(run)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (f"{GRU} -contrast 0.5", "-contrast is of what a -teacher says: give that too, or leave it out"),
        (f"{GRU} -teacher TEACHER -contrast_temperature 0.1", "-contrast_temperature is of -contrast: give that too"),
        (f"{GRU} -teacher TEACHER -contrast 0", r"-contrast 0\.0 does not work: take a number of at least 1e-09"),
        (f"{GRU} -teacher TEACHER -contrast 1 -contrast_temperature 0", "-contrast_temperature 0.0 does not work"),
        (f"{GRU} -batch_size 1 -teacher TEACHER -contrast 1", "take a -batch_size of 2 or more"),
        (f"{GRU} -init TEACHER -freeze features -teacher TEACHER -contrast 1", "-contrast moves what lies before the"),
        ("-model late -combine mean -branches TEACHER TEACHER -contrast 1", "-contrast does nothing in late fusion"),
    ],
)
def test_a_contrast_that_cannot_be_is_refused(words, sentence, teachers, stores, tmp_path):
    words = words.replace("TEACHER", str(teachers["multiclass"]))
    with pytest.raises(EcgFusionError, match=sentence):
        fit_run(stores["multiclass"], tmp_path / "run", words)
    assert not (tmp_path / "run").exists()
