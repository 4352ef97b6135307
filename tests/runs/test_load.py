"""Runs of every kind as they are loaded, and what is said of a folder whose parts do not belong together."""

import shutil
from pathlib import Path

import pytest
import torch
from cards import card_json, write_json

from pipeline.errors import EcgFusionError
from pipeline.runs.card import CARD, WEIGHTS
from pipeline.runs.load import load_run, load_weights, save_weights


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
