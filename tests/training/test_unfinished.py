"""Whatever happens to a file of an unfinished run: it is refused with the way on, or it comes to the same end."""

import os
import shutil
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from kills import Killed, kill_at_call

import train
from pipeline.errors import EcgFusionError
from pipeline.runs.card import BRANCHES, CARD, DEV_SCORES, MEMBERS, RESUME, WEIGHTS
from pipeline.runs.card_file import read_card
from pipeline.training import loop

pytestmark = pytest.mark.usefixtures("cpu_as_before")

N_FLIPS = int(os.environ.get("ECG_FLIPS", "3"))
GRU = "-model gru -hidden_size 3 -n_layers 1 -leads I II -crop 2 -stride 2 -threads 1"
RUNS = {
    "network": f"{GRU} -epochs 3 -patience 3",
    "members": f"{GRU} -kfold 2 -epochs 3 -patience 3",
    "concat": "-model intermediate -combine concat -hidden_size 4 -epochs 3 -patience 3 -threads 1",
}


@pytest.fixture(scope="module")
def branches(small_store_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folders = [str(tmp_path_factory.mktemp("branches") / name) for name in ("a", "b")]
    for seed, folder in enumerate(folders):
        common = ["-data", str(small_store_folder), "-path_save_model", folder, "-seed", str(seed)]
        train.main([*GRU.split(), "-epochs", "1", *common])
    return folders


@pytest.fixture(scope="module")
def begun(small_store_folder, branches, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Of each kind a run that was killed behind its second epoch, and one that was not. Do not write into them."""
    found = {}
    for name, words in RUNS.items():
        folder = tmp_path_factory.mktemp(name)
        more = ["-data", str(small_store_folder), *(["-branches", *branches] if name == "concat" else [])]
        train.main([*words.split(), *more, "-path_save_model", str(folder / "whole")])
        with pytest.MonkeyPatch.context() as patch:
            kill_at_call(patch, loop.Steps, "epoch", 6 if name == "members" else 3)
            with pytest.raises(Killed):
                train.main([*words.split(), *more, "-path_save_model", str(folder / "begun")])
        found[name] = (folder / "begun", folder / "whole")
    return found


def go_on(run: Path) -> None:
    train.main(["-resume", "-path_save_model", str(run)])


def same(run: Path, whole: Path) -> bool:
    """Whether both have the same weights and say the same of dev."""
    names = [path.relative_to(whole) for name in (WEIGHTS, DEV_SCORES) for path in whole.rglob(name)]
    return all((run / name).read_bytes() == (whole / name).read_bytes() for name in names)


def same_or_refused(run: Path, whole: Path, what: str) -> str:
    """The sentence that refuses to go on, or none where the end is the same."""
    refusal = ""
    try:
        go_on(run)
    except EcgFusionError as problem:
        refusal = str(problem)
    assert "\n" not in refusal
    assert refusal or same(run, whole), f"{what}: another end, without a word"
    return refusal


def last_part(run: Path) -> Path:
    """Where the training is that was killed."""
    return run / MEMBERS / "2" if (run / MEMBERS).exists() else run


every_kind = pytest.mark.parametrize("name", RUNS)


@every_kind
def test_a_flipped_bit_is_noticed(name: str, begun: dict[str, tuple[Path, Path]], tmp_path: Path):
    before, whole = begun[name]
    random = np.random.default_rng(0)
    for path in [path for path in before.rglob("*") if path.name in (CARD, WEIGHTS, RESUME, DEV_SCORES)]:
        for number, place in enumerate(random.integers(0, 8 * path.stat().st_size, N_FLIPS)):
            run = shutil.copytree(before, tmp_path / f"{path.parent.name}-{path.name}-{number}")
            changed = bytearray(path.read_bytes())
            changed[place // 8] ^= 1 << (place % 8)
            (run / path.relative_to(before)).write_bytes(changed)
            same_or_refused(run, whole, f"{path.relative_to(before)}, bit {place}")
            shutil.rmtree(run)


@every_kind
@pytest.mark.parametrize("content", [b"", b"PK", bytes(5000), np.random.default_rng(3).bytes(5000)])
def test_a_resume_file_that_is_none_is_refused_with_the_way_on(name, content: bytes, begun, tmp_path: Path):
    before, whole = begun[name]
    run = shutil.copytree(before, tmp_path / "run")
    (last_part(run) / RESUME).write_bytes(content)
    sentence = r"resume\.pt is damaged or of another training: put a whole copy of it there, or remove it, and -resume"
    with pytest.raises(EcgFusionError, match=sentence):
        go_on(run)
    (last_part(run) / RESUME).unlink()  # as the sentence says
    go_on(run)
    assert same(run, whole)


@every_kind
def test_the_resume_file_of_another_training_is_refused(name, begun, small_store_folder, branches, tmp_path: Path):
    """Of the same network, whose state would fit."""
    words = [*RUNS[name].split(), "-data", str(small_store_folder), "-learning_rate", "0.2"]
    words += ["-branches", *branches] if name == "concat" else []
    with pytest.MonkeyPatch.context() as patch:
        kill_at_call(patch, loop.Steps, "epoch", 6 if name == "members" else 3)
        with pytest.raises(Killed):
            train.main([*words, "-path_save_model", str(tmp_path / "other")])
    run = shutil.copytree(begun[name][0], tmp_path / "run")
    shutil.copy(last_part(tmp_path / "other") / RESUME, last_part(run))
    with pytest.raises(EcgFusionError, match=r"resume\.pt is damaged or of another training"):
        go_on(run)


def killed_behind_the_best(name: str, epoch: int, common: list[str], folder: Path) -> tuple[Path, Path]:
    """A run of three epochs, of which this one is the best, killed behind the second; and it whole."""
    aurocs = iter([0.9, 0.5, 0.4, 0.9, 0.5, 0.4] if epoch == 1 else [0.5, 0.9, 0.4, 0.5, 0.9, 0.4])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "macro_auroc", lambda *_: next(aurocs))
        kill_at_call(patch, loop.Steps, "epoch", 6 if name == "members" else 3)
        with pytest.raises(Killed):
            train.main([*RUNS[name].split(), *common, "-path_save_model", str(folder / "run")])
    whole = shutil.copytree(folder / "run", folder / "whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "macro_auroc", lambda *_: 0.4)
        go_on(whole)
    return folder / "run", whole


@pytest.fixture(scope="module")
def judged(small_store_folder, branches, tmp_path_factory) -> dict[tuple[str, int], tuple[Path, Path]]:
    """Of each kind, and of each epoch as its best one, ``killed_behind_the_best``. Do not write into them."""
    found = {}
    for name, epoch in product(RUNS, (1, 2)):
        common = ["-data", str(small_store_folder), *(["-branches", *branches] if name == "concat" else [])]
        found[name, epoch] = killed_behind_the_best(name, epoch, common, tmp_path_factory.mktemp(f"{name}-{epoch}"))
    return found


@every_kind
@pytest.mark.parametrize("epoch", [1, 2])
@pytest.mark.parametrize("harm", ["gone", "cut", "flipped", "another's"])
def test_the_best_weights_are_put_back_or_missed(
    name: str, epoch: int, harm: str, judged, branches, tmp_path: Path, monkeypatch
):
    """Where the best epoch is the last one, the resume file has them too; where it is not, nothing else has."""
    before, whole = judged[name, epoch]
    shutil.copytree(before, tmp_path / "run")
    monkeypatch.setattr(loop, "macro_auroc", lambda *_: 0.4)
    path = last_part(tmp_path / "run") / WEIGHTS
    content = path.read_bytes()
    if harm == "gone":
        path.unlink()
    elif harm == "another's" and name == "concat":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif harm == "another's":
        path.write_bytes((Path(branches[0]) / WEIGHTS).read_bytes())
    else:
        path.write_bytes(content[:-20] if harm == "cut" else content[:-1] + bytes([content[-1] ^ 1]))
    if epoch == 2:
        go_on(tmp_path / "run")
        assert same(tmp_path / "run", whole)
        return
    with pytest.raises(EcgFusionError, match=rf"{WEIGHTS} is damaged or of another training: put a whole copy of it"):
        go_on(tmp_path / "run")
    path.write_bytes(content)
    go_on(tmp_path / "run")
    assert same(tmp_path / "run", whole)


def test_a_resume_file_of_an_earlier_program_is_taken(begun: dict[str, tuple[Path, Path]], tmp_path: Path):
    """It holds no digest of itself nor of the weights."""
    before, whole = begun["network"]
    run = shutil.copytree(before, tmp_path / "run")
    state = torch.load(run / RESUME, weights_only=True)
    for part, name in ((state, "seal"), (state, "training"), (state["progress"], "best_weights")):
        del part[name]
    torch.save(state, run / RESUME)
    go_on(run)
    assert same(run, whole)


def test_a_branch_that_was_changed_since_is_copied_anew(begun: dict[str, tuple[Path, Path]], tmp_path: Path):
    before, whole = begun["concat"]
    run = shutil.copytree(before, tmp_path / "run")
    (run / BRANCHES / "a" / WEIGHTS).write_bytes(b"half")
    go_on(run)
    assert same(run, whole)
    assert read_card(run).complete
