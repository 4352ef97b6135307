"""Windows, published cuts of heartbeats, and fusions of them: a file is answered as evaluate.py scores its items."""

from pathlib import Path

import numpy as np
import pytest
from cinc2017_folders import write_set
from heartbeat_sets import heart, write_ptbdb

import create_images
import train
from pipeline.evaluation.joining import JOINS
from pipeline.evaluation.scores import Scores
from pipeline.runs.load import load_run
from pipeline.scoring.answers import Answer
from pipeline.scoring.files import Reader
from pipeline.scoring.partition import score_partition
from pipeline.store.reading import open_store

pytestmark = pytest.mark.usefixtures("cpu_as_before")
GRU = "-model gru -hidden_size 8 -n_layers 1 -epochs 1 -threads 1 -batch_size 32"
CNET = "-model cnet -epochs 1 -threads 1 -batch_size 32"  # a GRU forgets a beat before its padding ends


def make(source: str, data: Path, out: Path, words: str) -> Path:
    typed = f"--source {source} --data {data} --out {out} --workers 1 --folds kfold:3 {words}"
    for partition in ("train", "dev", "test"):
        create_images.main([*typed.split(), "--partition", partition])
    return out


def learn(stores: Path, run: Path, words: str) -> Path:
    train.main([*words.split(), "-data", str(stores), "-path_save_model", str(run)])
    return run


def answered(run: Path, stores: Path, folder: Path) -> tuple[Scores, dict[str, Answer]]:
    """What evaluate.py's scoring says of the test items, and what a Reader says of the files of their records."""
    scores = score_partition(run, stores, "test", threads=1)
    records = dict.fromkeys(open_store(stores / "test.h5").columns["record_id"].tolist())
    files = [str(next(folder.rglob(f"{Path(record).name}.hea"))) for record in records]
    found = list(Reader(load_run(run)).answers(files))
    assert all(isinstance(each, Answer) for each in found), found
    assert scores.scores.std(0).max() > 1e-4  # no answer fits every file
    return scores, dict(zip(records, found, strict=True))


@pytest.fixture(scope="module")
def rhythm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Records of 10 s to 14.5 s, and their windows of 5 s, each half over the last."""
    folder = tmp_path_factory.mktemp("rhythm")
    data = write_set(folder / "cinc2017")
    return data, make("cinc2017", data, folder / "stores", "--window 5 --stride 2.5")


@pytest.mark.parametrize("how", JOINS)
def test_windows_answer_together_as_in_a_store(rhythm, tmp_path: Path, how: str):
    data, stores = rhythm
    scores, answers = answered(learn(stores, tmp_path / "run", f"{GRU} -join {how}"), stores, data)
    found = np.array([list(answers[item].probabilities.values()) for item in scores.item_id])
    np.testing.assert_allclose(found, scores.scores, atol=1e-6)
    assert all(each.spreads is not None for each in answers.values())


def test_a_network_of_unequal_recordings_says_nothing_of_shorter_ones(rhythm, tmp_path: Path):
    data, _ = rhythm
    stores = make("cinc2017", data, tmp_path / "stores", "--representations none")
    scores, answers = answered(learn(stores, tmp_path / "run", GRU), stores, data)
    found = [list(answers[item].probabilities.values()) for item in scores.item_id]
    np.testing.assert_allclose(found, scores.scores, atol=1e-6)
    assert len({each.seconds for each in answers.values()}) > 1
    assert not [said for each in answers.values() for said in each.remarks if "at once" in said]


def hearts(seed: int) -> np.ndarray:
    """Twelve leads of 6 s at 1000 Hz, (12, time) mV, no two of whose heartbeats are alike."""
    random = np.random.default_rng(seed)
    beats = [
        heart(np.array([peak]), 6000, 1000, random.uniform(0.7, 1.3)) for peak in np.arange(600, 5700, 800 + 10 * seed)
    ]
    return np.outer(random.uniform(0.5, 1.2, 12), np.sum(beats, 0)) + random.normal(0, 0.03, (12, 6000))


@pytest.fixture(scope="module")
def infarction(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, Path]]:
    """Heartbeats that nobody has annotated, cut as Kachuee's; two runs on them, and the machine that fuses these."""
    folder = tmp_path_factory.mktemp("infarction")
    reasons = ("Myocardial infarction", "Healthy control")
    people = {f"patient{n:03d}/s{n:04d}_re": {"reason": reasons[n % 2], "signal": hearts(n)} for n in range(1, 10)}
    write_ptbdb(folder / "ptbdb", people, seconds=6)
    stores = make("ptbdb", folder / "ptbdb", folder / "stores", "--beat kachuee --band none")
    runs = {name: learn(stores, folder / name, f"{CNET} -seed {seed}") for seed, name in enumerate(("one", "other"))}
    named = ["-branches", *map(str, runs.values()), "-path_save_model", str(folder / "svm")]
    train.main(["-model", "intermediate", "-combine", "svm", *named])
    return folder / "ptbdb", stores, {**runs, "svm": folder / "svm"}


@pytest.mark.parametrize("name", ["one", "svm"])
def test_heartbeats_of_a_published_cut_are_those_of_a_store(infarction, name: str):
    data, stores, runs = infarction
    scores, answers = answered(runs[name], stores, data)
    found = [list(beat.probabilities.values()) for each in answers.values() for beat in each.beats]
    np.testing.assert_allclose(found, scores.scores, atol=1e-6)
