"""Balanced sampling and SMOTE from end to end: what is learnt from, what the card says, k-fold, resume, refusals."""

import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cards import card_json
from kills import Killed, kill_at_call
from made_stores import Made, made_items, write_store
from small_stores import as_partition

import train
from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import load_scores
from pipeline.inputs import smote
from pipeline.inputs.spec import FeatureScale
from pipeline.representations import ImageRecipe
from pipeline.runs.card import DEV_SCORES, LOG, WEIGHTS
from pipeline.runs.card_file import read_card
from pipeline.runs.card_parts import TrainingCard
from pipeline.store.reading import open_store
from pipeline.training import defaults, loop, sampling, steps
from pipeline.training.kfold import held_out_members
from pipeline.training.options import TrainOptions
from pipeline.training.sampling import weighting_of

pytestmark = pytest.mark.usefixtures("cpu_as_before")

SIZES = {"train": (18, 9, 4), "dev": (6, 5, 4), "test": (6, 5, 4)}
SMALL = "-batch_size 8 -epochs 2 -threads 1"
GRU = f"-model gru -hidden_size 3 -n_layers 1 {SMALL}"
SAMPLINGS = ("balanced", "smote")


def uneven_classes(partition: str, seconds: tuple[float, ...]) -> Made:
    """Many of N, few of A; each record is a patient."""
    made = made_items(partition, 3 * max(SIZES[partition]), seconds=seconds)
    kept = [
        place
        for place, number in enumerate(made.right)
        if (made.right[:place] == number).sum() < SIZES[partition][number]
    ]
    return Made(
        [made.signals[place] for place in kept],
        made.right[kept],
        [made.records[place] for place in kept],
        [made.patients[place] for place in kept],
        made.classes,
        [made.starts[place] for place in kept],
    )


def written(folder: Path, seconds: tuple[float, ...] = (2.0,), **how: Any) -> Path:
    for partition in SIZES:
        write_store(folder, partition, uneven_classes(partition, seconds), **how)
    return folder


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    images = ImageRecipe(size=32, representations=("gaf",))
    return written(tmp_path_factory.mktemp("sampling") / "stores", images=images)


def fit_run(stores: Path, folder: Path, words: str) -> Path:
    train.main([*words.split(), "-data", str(stores), "-path_save_model", str(folder)])
    return folder


@pytest.fixture(scope="module")
def runs(stores: Path) -> dict[str, Path]:
    """One network in three ways."""
    folder = stores.parent / "runs"
    found = {name: fit_run(stores, folder / name, f"{GRU} -sampling {name}") for name in SAMPLINGS}
    return found | {"plain": fit_run(stores, folder / "plain", GRU)}


def learnt_from(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """The classes of each step's items, as they come."""
    seen: list[np.ndarray] = []
    step = steps.Steps._step

    def looked(self: steps.Steps, batch: Any) -> Any:
        seen.append(self._targets[batch.rows].argmax(1).numpy())
        return step(self, batch)

    monkeypatch.setattr(steps.Steps, "_step", looked)
    return seen


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """What SMOTE was given, and what it made: signals and classes."""
    found = []
    real = smote.synthetic_items

    def kept(counts: np.ndarray, classes: np.ndarray, *further: Any) -> tuple[np.ndarray, np.ndarray]:
        new = real(counts, classes, *further)
        found.append((counts.copy(), classes, *new))
        return new

    monkeypatch.setattr(smote, "synthetic_items", kept)
    return found


def test_the_card_says_it_and_counts_real_items(runs: dict[str, Path], stores: Path):
    for name, run in runs.items():
        card = card_json(run)
        assert card["training"].get("sampling") == (None if name == "plain" else name)
        assert card["data"]["n_train_items"] == sum(SIZES["train"])
        assert card["training"]["class_weights"] is None
        for part in ("data", "input", "options", "classes"):
            assert card[part] == card_json(runs["plain"])[part], "nothing that is computed of the items sees others"
        assert len(load_scores(run / DEV_SCORES).item_id) == sum(SIZES["dev"])
        assert read_card(run).training.sampling == card["training"].get("sampling")
    assert len({(run / WEIGHTS).read_bytes() for run in runs.values()}) == 3


@pytest.mark.parametrize("name", SAMPLINGS)
def test_it_can_be_repeated(name: str, runs: dict[str, Path], stores: Path, tmp_path: Path):
    again = fit_run(stores, tmp_path / "again", f"{GRU} -sampling {name}")
    assert (again / WEIGHTS).read_bytes() == (runs[name] / WEIGHTS).read_bytes()


def test_balanced_each_class_comes_equally_often_in_each_epoch(stores, tmp_path, monkeypatch):
    seen = learnt_from(monkeypatch)
    fit_run(stores, tmp_path / "run", f"{GRU} -sampling balanced")
    assert [len(each) for each in seen] == [8, 8, 8, 7] * 2
    epochs = [np.concatenate(seen[:4]), np.concatenate(seen[4:])]
    assert [sorted(np.bincount(each).tolist()) for each in epochs] == [[10, 10, 11]] * 2
    assert (epochs[0] != epochs[1]).any()


def test_smote_has_as_many_of_each_class(stores, tmp_path, monkeypatch):
    seen = learnt_from(monkeypatch)
    fit_run(stores, tmp_path / "run", f"{GRU} -epochs 1 -sampling smote")
    assert np.bincount(np.concatenate(seen)).tolist() == [18, 18, 18]


def test_smote_is_given_the_training_items_as_the_network_reads_them(stores, tmp_path, made):
    fit_run(stores, tmp_path / "run", f"{GRU} -sampling smote")
    ((counts, classes, new, of_new),) = made
    store = open_store(stores / "train.h5")
    np.testing.assert_array_equal(counts, np.asarray(store.signals.open()))
    np.testing.assert_array_equal(classes, store.task("rhythm").values.argmax(1))
    assert np.bincount(of_new).tolist() == [0, 9, 14]
    assert new.dtype == np.int16


@pytest.mark.parametrize("name", SAMPLINGS)
def test_each_member_of_a_k_fold_run_has_its_own(name: str, stores: Path, tmp_path: Path, made, monkeypatch):
    seen = learnt_from(monkeypatch)
    run = fit_run(stores, tmp_path / "run", f"{GRU} -epochs 1 -kfold 3 -sampling {name}")
    store = open_store(stores / "train.h5")
    rows, held_out_by = held_out_members(read_card(run), store)
    assert len(load_scores(run / "out_of_fold_scores.npz").item_id) == len(rows)
    classes = store.task("rhythm").values[rows].argmax(1)
    for number in (1, 2, 3):
        card = card_json(run / "members" / str(number))
        own = held_out_by != number
        assert card["training"]["sampling"] == name
        assert card["data"]["n_train_items"] == own.sum()
        if name == "smote":
            np.testing.assert_array_equal(made[number - 1][0], np.asarray(store.signals.open())[rows[own]])
            np.testing.assert_array_equal(made[number - 1][1], classes[own])
    if name == "balanced":
        of_first = np.concatenate(seen)[: (held_out_by != 1).sum()]
        assert np.ptp(np.bincount(of_first)) <= 1


SCHEDULE = "-scheduler cosine_restarts -warmup 1 -cycles 2 -floor 0.01 -epochs 4"
RESUMED = [
    f"{GRU} -sampling balanced -crop 1 -augment noise {SCHEDULE} -optimizer sgdw",
    f"{GRU} -sampling smote -augment noise scaling {SCHEDULE}",
    f"{GRU} -scheduler none -warmup 2 -epochs 4",
    f"{GRU} -scheduler cosine -warmup 1 -floor 0.1 -epochs 4 -optimizer adam",
    f"{GRU} -sampling smote -kfold 2 {SCHEDULE}",
]


def without_times(run: Path) -> list[list[str]]:
    rows = [line.split(",") for line in (run / LOG).read_text().splitlines()]
    return [row[: rows[0].index("seconds")] for row in rows]


@pytest.mark.parametrize("words", RESUMED)
def test_a_kill_changes_nothing(words: str, stores: Path, tmp_path: Path, monkeypatch):
    whole = fit_run(stores, tmp_path / "whole", words)
    with monkeypatch.context() as patch:
        kill_at_call(patch, loop.TrainingState, "save", 3)  # two epochs are saved, the third is not
        with pytest.raises(Killed):
            fit_run(stores, tmp_path / "killed", words)
    killed = tmp_path / "killed"
    train.main(["-resume", "-path_save_model", str(killed)])
    networks = [Path("members/1"), Path("members/2")] if "-kfold" in words else [Path()]
    for place in networks:
        assert (killed / place / WEIGHTS).read_bytes() == (whole / place / WEIGHTS).read_bytes()
        assert (killed / place / DEV_SCORES).read_bytes() == (whole / place / DEV_SCORES).read_bytes()
        assert without_times(killed / place) == without_times(whole / place)


def test_a_resumed_run_keeps_its_sampling(stores: Path, tmp_path: Path, monkeypatch):
    with monkeypatch.context() as patch:
        kill_at_call(patch, loop.TrainingState, "save", 2)
        with pytest.raises(Killed):
            fit_run(stores, tmp_path / "run", f"{GRU} -sampling smote")
    with pytest.raises(EcgFusionError, match="begun with -sampling smote, not balanced: leave -sampling out"):
        fit_run(stores, tmp_path / "run", "-resume -sampling balanced")


@pytest.mark.parametrize("name", SAMPLINGS)
@pytest.mark.parametrize(
    "network",
    ["-model cnn -nb_filters 2 -on_the_fly -size 32 -augment noise", "-model gru -hidden_size 3 -n_layers 1 -beat"],
)
def test_images_drawn_while_training_and_median_beats(name: str, network: str, stores: Path, tmp_path: Path):
    run = fit_run(stores, tmp_path / "run", f"{network} {SMALL} -epochs 1 -sampling {name}")
    assert card_json(run)["complete"]


def test_balanced_takes_stored_images_and_unequal_items(stores: Path, tmp_path: Path):
    fit_run(stores, tmp_path / "images", f"-model cnn -nb_filters 2 {SMALL} -epochs 1 -sampling balanced")
    uneven = written(tmp_path / "uneven", seconds=(2.0, 3.0))
    fit_run(uneven, tmp_path / "run", f"{GRU} -epochs 1 -sampling balanced")


def test_the_announcement_has_it(stores: Path, tmp_path: Path, capsys):
    fit_run(stores, tmp_path / "run", f"{GRU} -sampling smote {SCHEDULE}")
    said = capsys.readouterr().out
    assert "scheduler cosine_restarts" in said
    assert ", warmup 1, cycles 2, floor 0.01, sampling smote\n" in said
    assert "23 synthetic items (O 9, A 14) beside 31 real ones, 0.0 MiB of signals, in training alone" in said
    assert "SMOTE: A has 4 training items, so each has 3 neighbours, not 5" in said


def test_how_often_an_item_is_drawn_is_said(stores: Path, tmp_path: Path, capsys):
    fit_run(stores, tmp_path / "run", f"{GRU} -epochs 1 -sampling balanced")
    said = capsys.readouterr().out
    assert "-sampling balanced: times that an item comes in an epoch: N 0.6, O 1.1, A 2.6\n" in said


def test_the_classes_weigh_alike_where_they_come_equally_often():
    """Also for a task whose classes are weighed unless someone says otherwise."""
    assert weighting_of(TrainOptions.of(model="gru")) is None
    assert weighting_of(TrainOptions.of(model="gru", class_weights="balanced")) == "balanced"
    assert weighting_of(TrainOptions.of(model="gru", sampling="smote")) == "none"


REFUSED = [
    (f"{GRU} -sampling balanced -class_weights balanced", r"would count rare ones once more: leave one of them out$"),
    (f"{GRU} -sampling smote -class_weights balanced", r"would count rare ones once more: leave one of them out$"),
    (f"{GRU} -sampling smote -crop 1", r"-crop 1 shows parts of them: leave -crop out, or take -sampling balanced$"),
    (f"-model cnn {SMALL} -sampling smote", r"the images are stored: add -on_the_fly, or take -sampling balanced$"),
    (
        f"{GRU} -warmup 1",
        r"-warmup 1 is for schedulers that do not rise by themselves, and onecycle does: leave it out",
    ),
    (f"{GRU} -scheduler cosine -warmup 2", r"-warmup 2 takes all of the 2 epochs"),
    (f"{GRU} -scheduler cosine -floor 1", r"-floor 1\.0 does not work: take a number of at least 0 and below 1$"),
    (f"{GRU} -scheduler cosine -floor nan", r"-floor nan does not work: take a number of at least 0 and below 1$"),
]


@pytest.mark.parametrize(("words", "sentence"), REFUSED)
def test_what_cannot_be_is_one_sentence_and_leaves_nothing(words: str, sentence: str, stores: Path, tmp_path: Path):
    with pytest.raises(EcgFusionError, match=sentence) as problem:
        fit_run(stores, tmp_path / "run", words)
    assert "\n" not in str(problem.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("seconds", [(2.0, 3.0), (2.0, 2.0, 2.01)])
def test_nothing_lies_between_items_of_unequal_length(seconds: tuple[float, ...], tmp_path: Path):
    uneven = written(tmp_path / "uneven", seconds=seconds)
    with pytest.raises(EcgFusionError, match=r"is for items of one length, .* have from 200 to \d+ samples: take"):
        fit_run(uneven, tmp_path / "run", f"{GRU} -sampling smote")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", SAMPLINGS)
def test_classes_that_do_not_exclude_each_other_are_refused(name: str, tmp_path: Path):
    several = written(tmp_path / "several", kind="multilabel")
    with pytest.raises(EcgFusionError, match=f"-sampling {name} is for tasks whose .* take -class_weights balanced$"):
        fit_run(several, tmp_path / "run", f"{GRU} -sampling {name}")
    assert not (tmp_path / "run").exists()


def test_too_much_for_the_memory_is_refused_before_anything_is_made(stores: Path, tmp_path: Path, monkeypatch, made):
    monkeypatch.setattr(smote, "fits", lambda *_: False)
    with pytest.raises(
        EcgFusionError, match=r"more than a quarter of this machine's: take -sampling balanced, or fewer"
    ):
        fit_run(stores, tmp_path / "run", f"{GRU} -sampling smote")
    assert not made
    assert not (tmp_path / "run").exists()


def test_without_the_library_nothing_is_begun(stores: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imblearn", None)
    with pytest.raises(EcgFusionError, match="needs imbalanced-learn, which is not installed"):
        fit_run(stores, tmp_path / "run", f"{GRU} -sampling smote")
    assert not (tmp_path / "run").exists()
    fit_run(stores, tmp_path / "run", f"{GRU} -epochs 1 -sampling balanced")


@pytest.fixture
def branches(runs: dict[str, Path]) -> str:
    return f"-branches {runs['plain']} {runs['smote']}"


@pytest.mark.parametrize("further", ["", "-finetune"])
def test_a_fusion_of_features_is_balanced_and_has_a_schedule(further: str, branches, stores, tmp_path, monkeypatch):
    seen = learnt_from(monkeypatch)
    words = f"-model intermediate -combine concat -hidden_size 4 {further} {SMALL} {SCHEDULE}"
    run = fit_run(stores, tmp_path / "run", f"{words} -sampling balanced {branches}")
    assert np.ptp(np.bincount(np.concatenate(seen[:4]))) <= 1
    training = card_json(run)["training"]
    assert [training[name] for name in ("sampling", "warmup", "cycles", "floor")] == ["balanced", 1, 2, 0.01]


def test_heads_of_members_are_balanced_too(stores: Path, tmp_path: Path):
    for seed in (0, 1):
        fit_run(stores, tmp_path / str(seed), f"{GRU} -epochs 1 -kfold 2 -seed {seed} -folds_seed 0")
    both = f"-branches {tmp_path / '0'} {tmp_path / '1'} -fit_on out_of_fold"
    words = f"-model intermediate -combine concat -hidden_size 4 {SMALL} -sampling balanced {both}"
    assert card_json(fit_run(stores, tmp_path / "run", words))["training"]["sampling"] == "balanced"


def test_a_late_fusion_has_a_schedule(branches: str, stores: Path, tmp_path: Path):
    words = f"-model late -combine mlp -hidden_size 4 -batch_size 8 {SCHEDULE}"
    training = card_json(fit_run(stores, tmp_path / "run", f"{words} {branches}"))["training"]
    assert [training[name] for name in ("warmup", "cycles", "floor")] == [1, 2, 0.01]
    with pytest.raises(EcgFusionError, match="-sampling does nothing in late fusion by mlp: leave it out"):
        fit_run(stores, tmp_path / "other", f"{words} {branches} -sampling balanced")
    with pytest.raises(EcgFusionError, match="-warmup does nothing in late fusion by mean: leave it out"):
        fit_run(stores, tmp_path / "other", f"-model late -combine mean -warmup 2 {branches}")


def test_no_fusion_makes_signals(branches: str, stores: Path, tmp_path: Path):
    words = f"-model intermediate -combine concat {branches} -sampling smote"
    with pytest.raises(EcgFusionError, match="for one network, not for a fusion: train the branches with it, or take"):
        fit_run(stores, tmp_path / "run", words)


def test_runs_with_synthetic_items_know_what_they_were_trained_on(runs: dict[str, Path], stores: Path, tmp_path: Path):
    """By the real items' folds, as every run."""
    from pipeline.scoring.partition import score_partition

    as_partition(stores / "train.h5", tmp_path / "test.h5")
    with pytest.raises(EcgFusionError, match="was trained on"):
        score_partition(runs["smote"], tmp_path, "test", threads=1)


def test_a_card_knows_every_way_of_sampling():
    (choices,) = (each.metadata["choices"] for each in fields(TrainingCard) if each.name == "sampling")
    assert choices == SAMPLINGS == defaults.SAMPLINGS


def test_numbers_beside_the_signal_are_refused_with_synthetic_items(stores: Path, runs: dict[str, Path]):
    """Which -features would bring."""
    spec = replace(read_card(runs["plain"]).spec, features={"rr": FeatureScale("log", (0.0,), (1.0,))})
    store = open_store(stores / "train.h5")
    rows = np.arange(store.n_items)
    with pytest.raises(EcgFusionError, match="without the numbers of -features: leave one of them out, or take"):
        sampling.check_synthetic(spec, store, rows, store.task("rhythm").rows(rows))
