"""Runs of every kind as they are loaded, and what is said of a folder whose parts do not belong together."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from cards import card_json, sealed_anew, write_json

from pipeline.errors import EcgFusionError
from pipeline.listening import Event, Remark
from pipeline.runs.build import Run
from pipeline.runs.card import CARD, FORMAT, WEIGHTS
from pipeline.runs.card_file import read_card, write_card
from pipeline.runs.load import load_run, load_weights, save_weights
from pipeline.scoring.predict import probabilities
from pipeline.store.reading import open_store


@pytest.fixture
def kfold(earlier: Path, tmp_path: Path) -> Path:
    """A k-fold run that a test may spoil."""
    return shutil.copytree(earlier / "runs" / "kfold", tmp_path / "kfold")


def test_every_earlier_run_is_loaded_with_its_parts(earlier: Path):
    for folder in sorted((earlier / "runs").iterdir()):
        run = load_run(folder)
        wanted = run.card.branches or [str(number + 1) for number in range(run.card.kfold or 0)]
        assert list(run.parts) == list(wanted), folder.name
        assert (run.network is None) == (run.card.run_kind == "members"), folder.name
        assert run.network is None or not run.network.training, folder.name


def test_weights_come_back_bit_for_bit(tmp_path: Path):
    torch.manual_seed(0)
    ours, theirs = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    save_weights(tmp_path, ours)
    load_weights(theirs, tmp_path)
    assert torch.equal(ours.weight, theirs.weight)
    assert torch.equal(ours.bias, theirs.bias)
    assert [path.name for path in tmp_path.iterdir()] == [WEIGHTS]


def test_a_network_that_is_not_known_is_said_of_its_card(earlier: Path, tmp_path: Path):
    run = shutil.copytree(earlier / "runs" / "gru", tmp_path / "gru")
    write_json(run, {**card_json(run), "model": "gruu"})
    with pytest.raises(EcgFusionError, match=rf"^{run / CARD}: .*gruu"):
        load_run(run)


def test_a_member_that_is_missing_is_named(kfold: Path):
    shutil.rmtree(kfold / "members" / "2")
    with pytest.raises(EcgFusionError, match=r"members/2/run\.json is missing: copy the whole run folder"):
        load_run(kfold)


def test_members_do_not_change_places(kfold: Path):
    first, second, aside = (kfold / "members" / name for name in ("1", "2", "aside"))
    first.rename(aside)
    second.rename(first)
    aside.rename(second)
    with pytest.raises(EcgFusionError, match=r"members/1 is not member 1 of .*kfold: copy the run folder again"):
        load_run(kfold)


@pytest.mark.parametrize(
    ("name", "option"),
    [("gru", "n_layers"), ("gru", "hidden_size"), ("concat", "hidden_size"), ("stored", "nb_filters")],
)
def test_a_network_that_no_machine_could_hold_is_not_built(earlier: Path, tmp_path: Path, name: str, option: str):
    run = shutil.copytree(earlier / "runs" / name, tmp_path / name)
    card = card_json(run)
    write_json(run, {**card, "options": {**card["options"], option: 10**7}})
    with pytest.raises(EcgFusionError, match=rf"run\.json: options\.{option} is 10000000, for which .* is too small"):
        load_run(run)


@pytest.mark.parametrize("name", ["gru", "kfold", "weighted", "concat", "nested"])
def test_an_earlier_run_is_remarked_once(earlier: Path, told: list[Event], name: str):
    """Not for each of its members and branches."""
    load_run(earlier / "runs" / name)
    assert [event.sentence for event in told if isinstance(event, Remark)] == [
        f"{earlier / 'runs' / name} was trained by an earlier ecgfusion, whose cards hold no digests: "
        f"damage may go unnoticed"
    ]


@pytest.mark.parametrize("name", ["gru", "kfold", "weighted", "concat"])
def test_a_loaded_run_stays_in_evaluation_mode(earlier: Path, name: str):
    """Scoring, which makes a learner of its own around the network, leaves it as it was."""
    run, store = load_run(earlier / "runs" / name), open_store(earlier / "stores" / "test.h5")

    def networks(part: Run) -> list[torch.nn.Module]:
        own = [] if part.network is None else [part.network]
        return own + [network for inner in part.parts.values() for network in networks(inner)]

    modules = [module for network in networks(run) for module in network.modules()]
    assert modules
    first = probabilities(run, store, np.arange(3), torch.device("cpu"))
    assert not any(module.training for module in modules)
    np.testing.assert_array_equal(probabilities(run, store, np.arange(3), torch.device("cpu")), first)


@pytest.mark.parametrize("name", ["weighted", "concat"])
def test_a_branch_of_an_earlier_fusion_is_the_one_that_its_card_names(earlier: Path, tmp_path: Path, name: str):
    """Those cards hold digests of their branches already."""
    run = shutil.copytree(earlier / "runs" / name, tmp_path / name)
    branch = run / "branches" / next(iter(read_card(run).branches))
    path = next(branch.rglob(WEIGHTS))
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(EcgFusionError, match=rf"^{branch} is damaged, or is not the run that {run} was made of: copy"):
        load_run(run)


@pytest.mark.parametrize("file", [CARD, WEIGHTS, "dev_scores.npz"])
def test_a_file_that_is_none_is_one_sentence_at_once(earlier: Path, tmp_path: Path, file: str):
    run = shutil.copytree(earlier / "runs" / "gru", tmp_path / "gru")
    write_card(run, replace(read_card(run), format=FORMAT))
    sealed_anew(run)
    for make in (os.mkfifo, os.mkdir):
        shutil.move(run / file, tmp_path / "aside")
        make(run / file)
        with pytest.raises(EcgFusionError, match=rf"{file} is a (fifo, not a file|folder): name a file"):
            load_run(run)
        (run / file).rmdir() if (run / file).is_dir() else (run / file).unlink()
        shutil.move(tmp_path / "aside", run / file)


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("stacking", {"combine": "stakking"}, "no fusion is named 'stakking'; did you mean stacking"),
        ("stacking", {"combine": "gated"}, "the fusion gated is of -model intermediate, not late"),
        ("stacking", {"combine": 3}, "options.combine is 3, not text"),
        ("stacking", {"combine": None}, "it lacks options.combine"),
        ("concat", {"combine": "attnetion"}, "no fusion is named 'attnetion'"),
        ("concat", {"finetune": None}, "it lacks options.finetune"),
        ("concat", {"finetune": "no"}, "options.finetune is 'no', not true or false"),
        ("concat", {"auxiliary": "x"}, "options.auxiliary is 'x', not a number"),
        ("concat", {"hidden_size": 1}, "hidden_size is 1; a fusion needs 2 or more"),
    ],
)
def test_a_fusion_that_cannot_be_built_is_said_of_its_card(earlier: Path, tmp_path: Path, name, changes, sentence):
    run = shutil.copytree(earlier / "runs" / name, tmp_path / name)
    card = card_json(run)
    options = {option: value for option, value in (card["options"] | changes).items() if value is not None}
    write_json(run, {**card, "options": options})
    with pytest.raises(EcgFusionError, match=rf"^{run / CARD}: .*{sentence}"):
        load_run(run)
