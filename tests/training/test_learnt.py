"""A network that learns all statements, and answers the classes that these make: from training to fusion."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cards import card_json, write_json
from kills import Killed, kill_at_call

import train
from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import load_scores
from pipeline.inputs.placement import store_items
from pipeline.labels import Labels
from pipeline.runs.card import DEV_SCORES, WEIGHTS
from pipeline.runs.card_file import read_card
from pipeline.runs.learners import NetworkLearner
from pipeline.runs.load import load_run
from pipeline.scoring.partition import score_partition
from pipeline.scoring.predict import predict_probabilities
from pipeline.store.reading import Store, open_store
from pipeline.training import loop
from pipeline.training.learnt import labels_to_learn, learnt_of, readings_of

GRU = "-model gru -hidden_size 4 -n_layers 1 -leads I II -crop 0.5 -epochs 1 -threads 1"
BOTH = "-task superdiagnostic -learn all superdiagnostic"

pytestmark = pytest.mark.usefixtures("cpu_as_before", "workplace")


def trained(words: str, folder: str = "run") -> Path:
    train.main([*words.split(), "-path_save_model", f"runs/{folder}"])
    return Path("runs") / folder


def raw_outputs(run: Path, store: Store) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """What a run's network says of the store's items crop by crop: names, log-odds, and which item each crop is of."""
    loaded, said = load_run(run), []
    rows = np.flatnonzero(store.task(loaded.card.task).labelled)

    class Kept(NetworkLearner):
        def forward(self, batch: Any) -> torch.Tensor:
            said.append(super().forward(batch).numpy())
            return torch.as_tensor(said[-1])

    items, of = store_items(store, rows, loaded.spec, torch.device("cpu")), []
    predict_probabilities(
        Kept(loaded.network, loaded.spec),
        items,
        "multilabel",
        8,
        torch.device("cpu"),
        tell_crops=lambda _, rows: of.append(rows),
    )
    return loaded.card.outputs, np.concatenate(said), of[0]


def test_superclasses_are_read_from_their_own_outputs_and_from_their_statements():
    run = trained(f"{GRU} {BOTH}")
    card, dev = read_card(run), open_store(Path("data/ptbxl-images/dev.h5"))
    assert card.learnt is not None
    statements = dev.task("all").classes
    assert card.outputs == (*statements, *(name for name in card.classes if name not in statements))
    assert card.learnt.tasks == ("all", "superdiagnostic")
    names, logits, of = raw_outputs(run, dev)
    p = torch.from_numpy(logits).double().sigmoid().numpy()
    made_of = dev.task("superdiagnostic").made_of
    assert made_of is not None
    want = np.empty((len(p), len(card.classes)))
    for number, name in enumerate(card.classes):
        columns = [names.index(code) for code in made_of[name]]
        lists = {(names.index(name),): p[:, names.index(name)], tuple(columns): 1 - (1 - p[:, columns]).prod(1)}
        log_odds = [np.log(each / (1 - each)) for each in lists.values()]
        want[:, number] = 1 / (1 + np.exp(-np.mean(log_odds, axis=0)))
    of_items = np.stack([want[of == item].mean(0) for item in np.unique(of)])
    scores = load_scores(run / DEV_SCORES)
    assert scores.classes == card.classes
    np.testing.assert_allclose(scores.scores, of_items, atol=1e-5)
    assert set(card_json(run)["thresholds"]["values"]) == set(card.classes)


@pytest.mark.parametrize("task", ["disease", "superdiagnostic", "subdiagnostic", "diagnostic", "form", "rhythm"])
def test_every_task_of_the_source_is_read_from_the_statements(task: str, store: Store):
    learnt = learnt_of(("all",), task, store)
    assert learnt is not None
    assert learnt.classes == store.task("all").classes
    labels, statements = store.task(task), store.task("all")
    for number, name in enumerate(labels.classes):
        (codes,) = learnt.readings[name]
        columns = [statements.classes.index(code) for code in codes]
        np.testing.assert_array_equal(statements.values[:, columns].any(1), labels.values[:, number].astype(bool))


def test_it_is_compared_with_all_of_what_it_learns(store: Store):
    card = read_card(trained(f"{GRU} {BOTH} -class_weights balanced"))
    labels = labels_to_learn(card, store)
    assert labels.classes == card.outputs
    for task in ("all", "superdiagnostic"):
        columns = [labels.classes.index(name) for name in store.task(task).classes]
        np.testing.assert_array_equal(labels.values[:, columns], store.task(task).values)
    assert card.training.class_weights is not None
    assert len(card.training.class_weights) == len(card.outputs)


def test_the_task_itself_alone_is_an_ordinary_training():
    plain, asked = trained(f"{GRU} -task form", "plain"), trained(f"{GRU} -task form -learn form", "asked")
    assert (plain / WEIGHTS).read_bytes() == (asked / WEIGHTS).read_bytes()
    assert "learnt" not in card_json(asked)


def test_a_resumed_training_is_the_uninterrupted_one(monkeypatch: pytest.MonkeyPatch):
    words = f"{GRU.replace('-epochs 1', '-epochs 3')} {BOTH}"
    whole = trained(words, "whole")
    with monkeypatch.context() as patch:
        kill_at_call(patch, loop, "_scores_of", 2)
        with pytest.raises(Killed):
            trained(words, "cut")
    train.main(["-resume", "-path_save_model", "runs/cut"])
    assert (Path("runs/cut") / WEIGHTS).read_bytes() == (whole / WEIGHTS).read_bytes()


def test_members_and_fusions_answer_the_task():
    small = f"{GRU} {BOTH} -limit 20"
    members = trained(f"{small} -kfold 2", "members")
    plain = trained(f"{GRU} -task superdiagnostic -limit 20", "plain")
    learnt = trained(small, "learnt")
    late = trained(f"-model late -combine mean -branches {learnt} {plain}", "late")
    both = [score_partition(run, None, "test", threads=1).scores for run in (learnt, plain)]
    np.testing.assert_allclose(score_partition(late, None, "test", threads=1).scores, np.mean(both, 0), atol=1e-6)
    joined = trained(
        f"-model intermediate -combine concat -branches {learnt} {plain} -epochs 1 -threads 1", "intermediate"
    )
    for run in (members, joined):
        assert score_partition(run, None, "test", threads=1).classes == read_card(plain).classes


def test_a_head_of_the_same_outputs_is_taken_over_and_another_is_not():
    first = trained(f"{GRU} {BOTH} -limit 20", "first")
    same = read_card(trained(f"{GRU} {BOTH} -limit 20 -init {first}", "same"))
    other = read_card(trained(f"{GRU} -task superdiagnostic -limit 20 -init {first}", "other"))
    assert same.init is not None
    assert other.init is not None
    assert not same.init.fresh
    assert set(other.init.fresh) == {"head.weight", "head.bias"}


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("-task superdiagnostic -learn form", "form say does not tell CD of superdiagnostic"),
        ("-task superdiagnostic -learn all all", "names a task twice"),
        ("-task superdiagnostic -learn everything", "has no task everything"),
    ],
)
def test_what_does_not_tell_the_task_is_refused(words: str, what: str):
    with pytest.raises(EcgFusionError, match=what):
        trained(f"{GRU} {words}")


def test_a_store_without_the_table_is_told_to_be_made_anew(store: Store):
    bare = {name: replace(labels, made_of=None) for name, labels in store.labels.items()}
    with pytest.raises(EcgFusionError, match="make it anew"):
        readings_of("superdiagnostic", replace(store, labels=bare), ("all",), store.task("all").classes)


def test_classes_that_exclude_each_other_are_refused(store: Store):
    one = store.task("superdiagnostic")
    exclusive = Labels(one.classes, "multiclass", one.values, one.labelled)
    with pytest.raises(EcgFusionError, match="is multiclass"):
        learnt_of(("all",), "rhythms", replace(store, labels={**store.labels, "rhythms": exclusive}))


def test_one_name_for_two_things_is_refused(store: Store):
    labels = store.task("superdiagnostic")
    other = replace(labels, values=1 - labels.values)
    with pytest.raises(EcgFusionError, match="labels other items"):
        learnt_of(("other", "superdiagnostic"), "form", replace(store, labels={**store.labels, "other": other}))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"readings": {"MI": [["IMI"]]}}, "not of the classes"),
        ({"classes": ["NORM", "NORM"]}, "not different names"),
        ({"tasks": []}, "no tasks"),
    ],
)
def test_a_card_whose_classes_cannot_be_read_is_refused(change: dict[str, Any], what: str):
    run = trained(f"{GRU} {BOTH} -limit 20")
    card = card_json(run)
    write_json(run, {**card, "learnt": {**card["learnt"], **change}})
    with pytest.raises(EcgFusionError, match=what):
        read_card(run)


def test_a_reading_of_no_output_is_refused():
    run = trained(f"{GRU} {BOTH} -limit 20")
    card = card_json(run)
    nowhere: tuple[list[list[str]], ...] = ([], [[]], [["no such statement"]])
    for lists in nowhere:
        write_json(run, {**card, "learnt": {**card["learnt"], "readings": {**card["learnt"]["readings"], "MI": lists}}})
        with pytest.raises(EcgFusionError, match=r"readings\.MI"):
            read_card(run)
