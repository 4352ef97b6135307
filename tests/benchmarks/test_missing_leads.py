"""Runs asked without leads: with all of them they say what they say of the store, and less is another answer."""

from pathlib import Path

import numpy as np
import pytest
from signal_stores import make_signal_stores

import train
from benchmarks import missing_leads
from benchmarks.seed_differences import resampled_macro_auroc
from pipeline.errors import EcgFusionError
from pipeline.runs.load import load_run
from pipeline.scoring.needs import Needs
from pipeline.scoring.partition import score_partition
from pipeline.store.reading import open_store

pytestmark = pytest.mark.usefixtures("cpu_as_before")
GRU = "-model gru -hidden_size 4 -n_layers 1 -leads all -crop 2.5 -epochs 1 -threads 1"


@pytest.fixture(scope="module")
def signals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_signal_stores(tmp_path_factory.mktemp("leads"), 150)


def trained(signals: Path, words: str = "") -> Path:
    run = signals.parent / ("gru" + words.replace(" ", "-"))
    if not run.exists():
        train.main([*GRU.split(), *words.split(), "-data", str(signals), "-path_save_model", str(run)])
    return run


def test_a_run_is_asked_with_and_without_leads(
    signals: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(missing_leads, "RESAMPLES", 40)
    run = trained(signals, "-augment lead_dropout")
    capsys.readouterr()
    missing_leads.main(["-run", str(run), "-data", str(signals), "-without", "V1", "V1,V2"])
    lines = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()[2:]]
    assert [line[1] for line in lines] == ["nothing", "V1", "V1 V2"]
    value, _ = resampled_macro_auroc(score_partition(run, None, "test"), 40)
    assert float(lines[0][2]) == pytest.approx(value, abs=1e-4)
    assert all("within noise" in line[3] or ", p " in line[3] for line in lines[1:])


def test_a_missing_lead_is_0_mv(signals: Path):
    needs, store = Needs.of(load_run(trained(signals, "-augment lead_dropout"))), open_store(signals / "test.h5")
    whole, less = (missing_leads.asked(needs, store, absent) for absent in ((), ("V1", "V2")))
    assert np.array_equal(whole.item_id, less.item_id)
    assert np.abs(whole.scores - less.scores).max() > 1e-4


def test_a_run_that_needs_all_leads_is_refused(signals: Path):
    with pytest.raises(EcgFusionError, match=r"lacks lead V1, which gru of .*gru needs"):
        missing_leads.main(["-run", str(trained(signals)), "-data", str(signals), "-without", "V1"])


@pytest.mark.parametrize(
    ("absent", "sentence"),
    [("Q9", "has no lead Q9: choose from I II"), ("aVR", "-without aVR: it is computed from other limb leads")],
)
def test_leads_that_do_not_go_missing_are_refused(signals: Path, absent: str, sentence: str):
    run = trained(signals, "-augment lead_dropout")
    with pytest.raises(EcgFusionError, match=sentence):
        missing_leads.main(["-run", str(run), "-data", str(signals), "-without", absent])
