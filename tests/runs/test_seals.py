"""Digests: the same for what is equal, another for whatever differs."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from cards import small_card
from safetensors import safe_open

from pipeline.inputs.spec import InputSpec
from pipeline.runs.card import WEIGHTS, Card
from pipeline.runs.card_parts import BranchCard, Result, ThresholdsCard
from pipeline.runs.load import HEADER, save_weights
from pipeline.runs.seals import digest_of_file, digest_of_state

SPEC = InputSpec("image", ("I", "II"), 100.0, 1000.0, 1000, representations={"gaf": {"size": 8}, "rp": {"size": 8}})
CARD = small_card(
    SPEC,
    complete=True,
    thresholds=ThresholdsCard(criterion="gmean", values={"MI": 0.1, "STTC": 0.2, "CD": 0.3, "HYP": 0.4}),
    result=Result(dev_macro_auroc=0.5, seconds=1.0),
)


def test_a_file_has_its_sha256(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"some" * 100_000)
    assert digest_of_file(tmp_path / "file") == hashlib.sha256(b"some" * 100_000).hexdigest()


STATE: dict[Any, Any] = {
    "a": torch.arange(6.0).reshape(2, 3),
    "b": [1, 2.0, None, "x", True],
    "c": {"d": torch.tensor(3), "e": (0.9, 0.999)},
    7: torch.zeros(0),
    "f": torch.ones(3, dtype=torch.bfloat16),
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a", torch.arange(6.0).reshape(3, 2)),
        ("a", torch.arange(6.0).double().reshape(2, 3)),
        ("a", torch.arange(6.0).reshape(2, 3).index_fill(1, torch.tensor(2), 1e-45)),
        ("b", [1, 2.0, None, "x"]),
        ("b", [1, 2, None, "x", True]),
        ("b", [1, 2.0, None, "x", 1]),
        ("c", {"e": torch.tensor(3), "d": (0.9, 0.999)}),
        ("c", {"d": torch.tensor(3), "e": (0.9, 0.9990000000000001)}),
        (7, torch.zeros(0, 2)),
        ("g", None),
        ("f", torch.ones(3, dtype=torch.float16)),
    ],
)
def test_whatever_differs_in_a_state_changes_its_digest(name, value):
    assert digest_of_state(STATE) == digest_of_state(dict(STATE))
    assert digest_of_state({**STATE, name: value}) != digest_of_state(STATE)


def test_a_state_has_its_digest_however_it_lies(tmp_path: Path):
    """Saved and read, or of another order in memory."""
    torch.save(STATE, tmp_path / "state")
    assert digest_of_state(torch.load(tmp_path / "state", weights_only=True)) == digest_of_state(STATE)
    turned = STATE["a"].T.contiguous().T
    assert not turned.is_contiguous()
    assert digest_of_state({**STATE, "a": turned}) == digest_of_state(STATE)


def test_equal_weights_are_equal_files(tmp_path: Path):
    torch.manual_seed(0)
    network, contents = torch.nn.GRU(3, 4), set()
    for number in range(8):
        (tmp_path / str(number)).mkdir()
        digest = save_weights(tmp_path / str(number), network)
        contents.add((tmp_path / str(number) / WEIGHTS).read_bytes())
    assert len(contents) == 1
    with safe_open(tmp_path / "0" / WEIGHTS, "pt") as file:
        assert json.loads(file.metadata()[HEADER]) == {"tensors": digest}


def branch(**changes: Any) -> BranchCard:
    card = BranchCard(folder="runs/a", model="gru", options={}, dev_macro_auroc=0.5, sha256={"run.json": "0"})
    return replace(card, **changes)


EQUAL: dict[str, Card] = {
    "other folder of stores": replace(CARD, data=replace(CARD.data, folder="elsewhere")),
    "other seconds": replace(CARD, result=replace(CARD.result, seconds=9.0)),
    "typed otherwise": replace(CARD, given={"path_save_model": "there"}),
}
TURNED = dict(reversed([*SPEC.representations.items()]))
OTHERS: dict[str, Card] = {
    "leads": replace(CARD, input=replace(SPEC, leads=("II", "I"))),
    "representations": replace(
        CARD, input=replace(SPEC, representations=dict(reversed([*SPEC.representations.items()])))
    ),
    "parameters": replace(CARD, input=replace(SPEC, representations={**SPEC.representations, "rp": {"size": 9}})),
    "classes": replace(CARD, classes=("STTC", "MI", "CD", "HYP")),
    "kind": replace(CARD, kind="multiclass"),
    "task": replace(CARD, task="form"),
    "model": replace(CARD, model="lstm"),
    "options": replace(CARD, options={"hidden_size": 3}),
    "threshold": replace(CARD, thresholds=replace(CARD.thresholds, values={**CARD.thresholds.values, "MI": 0.5})),
    "branch": replace(CARD, branches={"a": branch(), "b": branch()}),
}
SEALED_ALONE: dict[str, Card] = {
    "seed": CARD.with_training(seed=1),
    "folds": replace(CARD, data=replace(CARD.data, folds={"train": (2,)})),
    "result": replace(CARD, result=Result(dev_macro_auroc=0.6, seconds=1.0)),
    "digests": replace(CARD, sha256={WEIGHTS: "0"}),
    "drawn": replace(CARD, input=replace(SPEC, on_the_fly=True)),
}


@pytest.mark.parametrize("what", EQUAL)
def test_places_and_times_are_not_sealed(what: str):
    assert EQUAL[what] != CARD
    assert (EQUAL[what].seal, EQUAL[what].description) == (CARD.seal, CARD.description)


@pytest.mark.parametrize("what", OTHERS)
def test_what_describes_the_weights_is_in_both(what: str):
    assert OTHERS[what].seal != CARD.seal
    assert OTHERS[what].description != CARD.description


@pytest.mark.parametrize("what", SEALED_ALONE)
def test_all_else_is_sealed(what: str):
    assert SEALED_ALONE[what].seal != CARD.seal
    assert SEALED_ALONE[what].description == CARD.description


def test_the_order_of_branches_counts_and_their_place_does_not():
    one, other = branch(), branch(model="lstm")
    fused = replace(CARD, branches={"a": one, "b": other})
    assert replace(CARD, branches={"b": other, "a": one}).seal != fused.seal
    assert replace(CARD, branches={"a": replace(one, folder="moved"), "b": other}).seal == fused.seal
    assert replace(CARD, branches={"a": replace(one, sha256={"run.json": "1"}), "b": other}).seal != fused.seal
