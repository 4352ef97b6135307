"""Whatever happens to a file of a finished run: it is refused in one sentence, or the figures are what they were."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import train
from pipeline.errors import EcgFusionError
from pipeline.runs.card import BRANCHES, CARD, DEV_SCORES, MEMBERS, OUT_OF_FOLD_SCORES, WEIGHTS
from pipeline.runs.card_file import read_card
from pipeline.scoring.judge import judge, score_runs

pytestmark = pytest.mark.usefixtures("cpu_as_before")

N_FLIPS = int(os.environ.get("ECG_FLIPS", "3"))
"""Bits of each file that are turned over, one after another."""

GRU = "-model gru -hidden_size 3 -n_layers 1 -leads I II -crop 2 -stride 2 -epochs 1 -threads 1"
KINDS = {
    "network": GRU,
    "members": f"{GRU} -kfold 2",
    "weighted": "-model late -combine weighted",
    "stacking": "-model late -combine stacking",
    "concat": "-model intermediate -combine concat -hidden_size 4 -epochs 1 -threads 1",
}
UNREAD = ("log.csv", "tensorboard", "evaluation")


@pytest.fixture(scope="module")
def pairs(small_store_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Two finished runs of each kind, alike but for their seeds. What a test spoils it mends."""
    found: dict[str, tuple[Path, Path]] = {}
    place = tmp_path_factory.mktemp("damaged")  # a worker that steals tests of this file later makes them again
    for kind, words in KINDS.items():
        pair = []
        for seed in (0, 1):
            folder = place / f"{kind}-{seed}"
            more = ["-data", str(small_store_folder)]
            if "combine" in words:
                branches = [found["network"][seed], found["network"][1 - seed]]
                if kind == "stacking":
                    branches[1] = found["members"][seed]
                more += ["-branches", *map(str, branches)]
            if kind != "weighted":
                more += ["-seed", str(seed)]
            train.main([*words.split(), *more, "-path_save_model", str(folder)])
            pair.append(folder)
        found[kind] = (pair[0], pair[1])
    return found


def files_of(run: Path) -> list[Path]:
    files = sorted(path for path in run.rglob("*") if path.is_file())
    return [path for path in files if not set(UNREAD) & {*path.relative_to(run).parts}]


def figures(run: Path) -> str:
    """All that is said of the test partition: thresholds, counts, and every score."""
    (scores,) = score_runs([run], "test", threads=1)
    return json.dumps([judge(run, scores, "test", None, None).as_json(), scores.scores.tolist()])


def harmless_or_refused(run: Path, before: str, what: str) -> bool:
    """Whether it is refused; where it is not, the figures are those from before."""
    refusal = ""
    try:
        now = figures(run)
    except EcgFusionError as problem:
        now, refusal = before, str(problem)
    assert now == before, f"{what}: other figures, without a word"
    assert "\n" not in refusal, what
    return bool(refusal)


@pytest.fixture
def run(pairs: dict[str, tuple[Path, Path]], request: pytest.FixtureRequest) -> Iterator[tuple[Path, Path]]:
    """A pair, whose first run is again as it was behind the test."""
    first, second = pairs[request.param]
    kept = {path: path.read_bytes() for path in files_of(first)}
    yield first, second
    for path, content in kept.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)


every_kind = pytest.mark.parametrize("run", KINDS, indirect=True)


@every_kind
def test_a_flipped_bit_is_noticed(run: tuple[Path, Path]):
    folder, _ = run
    before, random = figures(folder), np.random.default_rng(0)
    for path in files_of(folder):
        content = path.read_bytes()
        for place in random.integers(0, 8 * len(content), N_FLIPS):
            changed = bytearray(content)
            changed[place // 8] ^= 1 << (place % 8)
            path.write_bytes(changed)
            what = f"{path.relative_to(folder)}, bit {place}"
            refused = harmless_or_refused(folder, before, what)
            assert refused or path.name == CARD, f"{what}: passed"
        path.write_bytes(content)


@every_kind
def test_what_is_cut_or_grown_or_gone_is_noticed(run: tuple[Path, Path]):
    folder, _ = run
    before = figures(folder)
    for path in files_of(folder):
        content = path.read_bytes()
        for changed in (b"", content[: len(content) // 2], content[:-1], content + b"\0", bytes(len(content))):
            path.write_bytes(changed)
            refused = harmless_or_refused(folder, before, f"{path} of {len(changed)} bytes")
            assert refused or path.name == CARD, path  # which may lose its last line break
        path.unlink()
        refused = harmless_or_refused(folder, before, f"{path} gone")
        assert refused or path.name in (DEV_SCORES, OUT_OF_FOLD_SCORES), path  # which nothing needs here
        path.write_bytes(content)


@every_kind
def test_files_of_a_run_of_another_seed_are_noticed(run: tuple[Path, Path]):
    """Each file alone, and each branch and member as a whole."""
    folder, other = run
    before = figures(folder)
    for path in files_of(folder):
        content, theirs = path.read_bytes(), other / path.relative_to(folder)
        if not theirs.exists() or theirs.read_bytes() == content:
            continue
        path.write_bytes(theirs.read_bytes())
        assert harmless_or_refused(folder, before, f"{path} exchanged"), path
        path.write_bytes(content)
    for parts in (BRANCHES, MEMBERS):
        for place in sorted((other / parts).glob("*")) if (other / parts).exists() else []:
            ours = folder / parts / place.name
            if not ours.exists():
                continue
            aside = ours.rename(ours.with_name("aside"))
            shutil.copytree(place, ours)
            refused = harmless_or_refused(folder, before, f"{ours} exchanged")
            assert refused or (place / CARD).read_bytes() == (aside / CARD).read_bytes()
            shutil.rmtree(ours)
            aside.rename(ours)


@pytest.mark.parametrize("run", ["weighted", "stacking", "concat"], indirect=True)
def test_branches_do_not_change_places(run: tuple[Path, Path]):
    folder, _ = run
    first, second = (folder / BRANCHES / name for name in read_card(folder).branches)
    for one, other in ((first, folder / "aside"), (second, first), (folder / "aside", second)):
        one.rename(other)
    with pytest.raises(EcgFusionError, match=r"is damaged, or is not the run that .* was made of: copy the run folder"):
        figures(folder)
    for one, other in ((first, folder / "aside"), (second, first), (folder / "aside", second)):
        one.rename(other)


CHANGES = {
    "order of leads": lambda card: card["input"]["leads"].reverse(),
    "a lead": lambda card: card["input"].update(leads=["I", "V2"]),
    "order of classes": lambda card: card["classes"].reverse(),
    "kind": lambda card: card.update(kind="multiclass", thresholds=None),
    "a threshold": lambda card: card["thresholds"]["values"].update(MI=0.123),
    "thresholds of each other": lambda card: card["thresholds"].update(
        values=dict(zip(card["classes"], reversed(card["thresholds"]["values"].values()), strict=True))
    ),
    "the scale": lambda card: card["input"].update(scale_mv=1.0),
    "the stride": lambda card: card["input"].update(stride=1.0),
    "the task": lambda card: card.update(task="superdiagnostic"),
    "the folds": lambda card: card["data"]["folds"].update(train=[1], dev=[2]),
    "the items": lambda card: card["data"].update(dev_items_digest="0" * 64),
    "its own digests": lambda card: card.pop("sha256"),
    "the digest of its weights": lambda card: card["sha256"].pop(WEIGHTS),
    "the result": lambda card: card["result"].update(dev_macro_auroc=0.999),
    "its seed": lambda card: card["training"].update(seed=3),
    "its format": lambda card: card.update(format=1),
    "its seal": lambda card: card.update(seal="0" * 64),
    "no seal": lambda card: card.pop("seal"),
}


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("run", ["network"], indirect=True)
def test_a_card_that_somebody_changed_is_one_sentence(run: tuple[Path, Path], what: str):
    folder, _ = run
    card = json.loads((folder / CARD).read_text())
    CHANGES[what](card)
    (folder / CARD).write_text(json.dumps(card, indent=2))
    with pytest.raises(
        EcgFusionError, match=r"run\.json.*(damaged, or was changed by hand|kind is|lacks).*copy the run"
    ):
        figures(folder)


@pytest.mark.parametrize("what", ["order of leads", "order of classes", "a threshold", "the scale", "kind"])
@pytest.mark.parametrize("run", ["network"], indirect=True)
def test_weights_know_their_card_where_it_is_stripped_of_its_digests(run: tuple[Path, Path], what: str):
    """A card that is made to look like an earlier program's does not fit the header of the weights."""
    folder, _ = run
    card = json.loads((folder / CARD).read_text())
    CHANGES[what](card)
    for name in ("seal", "sha256"):
        del card[name]
    card["format"] = 1
    if what == "kind":
        del card["thresholds"]
    (folder / CARD).write_text(json.dumps(card, indent=2))
    with pytest.raises(EcgFusionError, match=r"run\.json is not the card of .*weights\.safetensors, or was changed"):
        figures(folder)


@every_kind
def test_a_card_that_is_only_written_otherwise_is_taken(run: tuple[Path, Path]):
    folder, _ = run
    before = figures(folder)
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps(card))
    assert not harmless_or_refused(folder, before, "without line breaks")


@pytest.mark.parametrize("run", ["network"], indirect=True)
def test_where_things_lie_is_not_sealed(run: tuple[Path, Path]):
    """A moved folder of stores may be written into the card."""
    folder, _ = run
    before = figures(folder)
    card = json.loads((folder / CARD).read_text())
    there = Path(card["data"]["folder"])
    card["data"]["folder"] = str(there.parent / "." / there.name)
    (folder / CARD).write_text(json.dumps(card))
    assert not harmless_or_refused(folder, before, "another place")
