"""A run of single heartbeats: each that is found in a recording is answered, with its RR intervals."""

from pathlib import Path

import numpy as np
import pytest
from beats_with_rr import write_beats

import train
from pipeline import load_run
from pipeline.errors import EcgFusionError
from pipeline.scoring.files import Reader
from pipeline.scoring.fitting import prepare
from pipeline.scoring.heartbeats import heartbeats
from pipeline.scoring.needs import Needs
from pipeline.sources.formats.opened import Said
from pipeline.sources.formats.recording import Recording

pytestmark = pytest.mark.usefixtures("cpu_as_before")
CUT = {"kind": "beats", "beat": "window", "beat_extent": [0.25, 0.45], "beats": 1}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("beats")
    write_beats(folder / "stores", cut=CUT)
    words = "-model gru -hidden_size 8 -n_layers 1 -features rr -epochs 1 -threads 1"
    train.main([*words.split(), "-data", str(folder / "stores"), "-path_save_model", str(folder / "run")])
    return folder / "run"


def beating(seconds: float = 8.0) -> np.ndarray:
    """A beat each 0.8 s, at 0.4 s first."""
    time = np.arange(round(seconds * 100)) / 100
    return np.exp(-0.5 * (((time % 0.8) - 0.4) / 0.02) ** 2)[None]


def test_each_beat_is_cut_and_has_its_intervals(run: Path):
    needs, given = Needs.of(load_run(run)), Recording(beating(), 100.0, ("MLII",))
    fitted = heartbeats(needs, given, prepare(needs, given, "x.npy"), "x.npy")
    assert fitted.items.shape == (9, 1, 70)  # the last one ends 0.05 s beyond the end
    np.testing.assert_allclose(fitted.starts, 0.15 + 0.8 * np.arange(9), atol=0.011)
    np.testing.assert_allclose(fitted.features["rr"], [[0.8, 0.8, 1.0]] * 9, atol=0.02)
    assert (fitted.items.argmax(-1)[:, 0] == 25).all()
    assert "its 10 heartbeats were found by the program" in fitted.remarks


def test_a_file_is_answered_beat_by_beat(run: Path, tmp_path: Path):
    np.save(tmp_path / "x.npy", beating())
    answer = Reader(load_run(run), Said("mV", 100.0, ("MLII",))).answer(str(tmp_path / "x.npy"))
    assert len(answer.beats) == 9
    for name, said in answer.probabilities.items():
        of_beats = [beat.probabilities[name] for beat in answer.beats]
        assert said == pytest.approx(np.mean(of_beats), abs=1e-6)
        assert answer.spreads[name] == (min(of_beats), max(of_beats))


def test_a_recording_without_a_heartbeat_is_refused(run: Path):
    needs, given = Needs.of(load_run(run)), Recording(np.zeros((1, 800)), 100.0, ("MLII",))
    with pytest.raises(EcgFusionError, match=r"x\.npy has no heartbeat that was found"):
        heartbeats(needs, given, prepare(needs, given, "x.npy"), "x.npy")
