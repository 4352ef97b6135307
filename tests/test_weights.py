"""The trained weights of ``weights/``: they are whole and small, say what they are, and answer as they did.

``golden/three_records.npz`` has three simulated recordings (12 leads, 10 s, 100 Hz, int16, 1000 to the millivolt), and
``golden/answers_of_weights.json`` what each run said of them when it was put there.
"""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import create_images
import evaluate
import train
from pipeline.evaluation.metrics import macro_auroc
from pipeline.evaluation.scores import load_scores
from pipeline.runs.build import Run
from pipeline.runs.card import DEV_SCORES
from pipeline.runs.card_file import read_card
from pipeline.runs.folder import leaves
from pipeline.runs.load import load_run
from pipeline.signals.leads import LEADS
from pipeline.sources import open_source

pytestmark = pytest.mark.usefixtures("cpu_as_before")

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = ROOT / "weights"
NAMES = sorted(path.parent.name for path in WEIGHTS.glob("*/run.json"))
NETWORKS = [name for name in NAMES if read_card(WEIGHTS / name).run_kind == "network"]
GOLDEN = Path(__file__).parent / "golden"
MOST_BYTES = 25 * 10**6
N_REAL = 60


@cache
def loaded(name: str) -> Run:
    return load_run(WEIGHTS / name)


def test_there_are_those_that_the_documents_name():
    assert {"signal", "image", "fused", "small", "all", "three-leads", "one-lead", "rhythm"} <= {*NAMES}
    assert len(loaded("three-leads").spec.leads) == 3
    assert len(loaded("one-lead").spec.leads) == 1
    assert (loaded("all").card.task, loaded("rhythm").card.task) == ("all", "rhythm")
    teacher = loaded("small").card.teacher
    assert teacher is not None
    assert teacher.seal == loaded("fused").card.seal
    assert {part.spec.modality for part in loaded("fused").parts.values()} == {"signal", "image"}


def test_together_they_are_small():
    """Links and what evaluate.py has saved beside them apart."""
    files = [path for path in WEIGHTS.rglob("*") if path.is_file()]
    files = [path for path in files if "evaluation" not in path.relative_to(WEIGHTS).parts]
    assert sum(path.stat().st_size for path in files if not path.is_symlink()) <= MOST_BYTES
    assert all(path.resolve().is_relative_to(WEIGHTS) for path in files)


@pytest.mark.parametrize("name", NAMES)
def test_none_has_seen_what_others_are_to_report(name: str):
    for inner, _ in leaves(read_card(WEIGHTS / name), WEIGHTS / name):
        for data in inner.learnt_from:  # its teacher's, too
            assert data.folds["train"] == (1, 2, 3, 4, 5, 6, 7, 8)
            assert data.folds["dev"] == (9,)


@pytest.mark.parametrize("name", NAMES)
def test_its_model_card_says_what_has_to_be_known(name: str):
    text = (WEIGHTS / name / "README.md").read_text(encoding="utf-8")
    for said in (
        "not a medical device",
        "Attribution 4.0",
        "must not be used for",
        "optimistic",
        "95% intervals",
        "by age",
    ):
        assert said in text
    assert f"-run weights/{name}" in text
    card = read_card(WEIGHTS / name)
    assert card.result is not None
    assert f"{card.result.dev_macro_auroc:.3f}" in text
    assert "/tmp/" not in text
    assert all(inner.teacher.seal[:12] in text for inner, _ in leaves(card, WEIGHTS / name) if inner.teacher)


@pytest.mark.parametrize("name", NAMES)
def test_its_answers_to_three_recordings_have_not_moved(name: str):
    counts = np.load(GOLDEN / "three_records.npz")["counts"]
    wanted = json.loads((GOLDEN / "answers_of_weights.json").read_text(encoding="utf-8"))[name]
    for record, answers in zip(counts, wanted, strict=True):
        found = loaded(name).predict(record / 1000.0, sampling_rate=100, leads=LEADS)
        assert found == pytest.approx(answers, abs=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_training_begins_with_it(name: str, small_store_folder: Path, tmp_path: Path, capsys):
    """By the command that its model card gives, and nothing is warned of."""
    text = (WEIGHTS / name / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")
    assert f"\n    python train.py -init weights/{name} -data data/mine -path_save_model runs/mine\n" in text
    words = f"-init {WEIGHTS / name} -data {small_store_folder} -limit 8 -epochs 1 -threads 1"
    train.main([*words.split(), "-task", "superdiagnostic", "-path_save_model", str(tmp_path / "run")])
    said = capsys.readouterr().err
    assert not [word for word in ("saw ", "leads are channels") if word in said], said
    init = read_card(tmp_path / "run").init
    assert init is not None
    assert not [fresh for fresh in init.fresh if not fresh.startswith("head.")]


# real recordings


@pytest.fixture(scope="module")
def some_records(ptbxl_folder: Path) -> tuple[tuple[str, ...], list[np.ndarray]]:
    """Records of fold 9 that every task labels, by name, and their signals in mV."""
    source = open_source("ptbxl", ptbxl_folder)
    in_all = set.intersection(*({*load_scores(WEIGHTS / name / DEV_SCORES).item_id} for name in NAMES))
    rows = source.records[source.records["record_id"].isin(in_all)].iloc[:N_REAL]
    signals = source.read(rows)
    return tuple(rows["record_id"]), [signal for signal in signals if isinstance(signal, np.ndarray)]


@pytest.mark.realdata
@pytest.mark.parametrize("name", NAMES)
def test_it_reproduces_its_dev_figure_on_real_records(name: str, some_records):
    ids, signals = some_records
    assert len(signals) == len(ids) == N_REAL
    dev = load_scores(WEIGHTS / name / DEV_SCORES)
    place = {item: row for row, item in enumerate(dev.item_id)}
    rows = [place[item] for item in ids]
    said = [loaded(name).predict(signal, sampling_rate=100, leads=LEADS) for signal in signals]
    found = np.array([[each[label] for label in dev.classes] for each in said])
    np.testing.assert_allclose(found, dev.scores[rows], atol=2e-5)
    assert macro_auroc(dev.labels[rows], found) == pytest.approx(
        macro_auroc(dev.labels[rows], dev.scores[rows]), abs=1e-6
    )
    assert macro_auroc(dev.labels, dev.scores) == pytest.approx(read_card(WEIGHTS / name).dev_macro_auroc, abs=1e-6)


@pytest.mark.realdata
def test_the_final_test_is_one_command_on_fold_10(ptbxl_folder: Path, tmp_path: Path):
    """With records of fold 9 under other names, as if they were of fold 10, which is not at hand."""
    data = tmp_path / "ptbxl"
    data.mkdir()
    for name in ("records100", "scp_statements.csv"):
        (data / name).symlink_to(ptbxl_folder / name)
    table = pd.read_csv(ptbxl_folder / "ptbxl_database.csv")
    table = table[table["strat_fold"] == 9].iloc[:120].assign(strat_fold=10)
    table[["ecg_id", "patient_id"]] += 90_000
    table.to_csv(data / "ptbxl_database.csv", index=False)
    stores = tmp_path / "stores"
    create_images.main(f"--representations none --partition test --data {data} --out {stores}".split())
    for name in NAMES:
        out = tmp_path / name
        evaluate.main(["-run", str(WEIGHTS / name), "-data", str(stores), "-threads", "1", "-out", str(out)])
        found = load_scores(out / "scores.npz")
        dev = load_scores(WEIGHTS / name / DEV_SCORES)
        place = {item: row for row, item in enumerate(dev.item_id)}
        of = [place[str(int(item) - 90_000)] for item in found.item_id]
        np.testing.assert_allclose(found.scores, dev.scores[of], atol=2e-5)
        assert "95% intervals" in (out / "table.md").read_text(encoding="utf-8")
