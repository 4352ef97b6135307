"""Ways to read classes from outputs: the run's own way gives what the run says, and the others are other figures."""

from pathlib import Path

import pytest

import train
from benchmarks import readings
from pipeline.errors import EcgFusionError
from pipeline.evaluation.metrics import macro_auroc
from pipeline.runs.card_file import read_card
from pipeline.scoring.partition import score_partition

pytestmark = pytest.mark.usefixtures("cpu_as_before", "workplace")
GRU = "-model gru -hidden_size 4 -n_layers 1 -leads I II -crop 2.5 -epochs 1 -threads 1 -task superdiagnostic"


def trained(words: str, folder: str) -> Path:
    train.main([*GRU.split(), *words.split(), "-path_save_model", f"runs/{folder}"])
    return Path("runs") / folder


def test_the_way_of_the_run_gives_its_figures(capsys: pytest.CaptureFixture[str]):
    run = trained("-learn all superdiagnostic", "both")
    capsys.readouterr()
    readings.main(["-run", str(run), "-data", "data/ptbxl-images"])
    lines = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()[2:]]
    found = {way: (float(dev), float(test)) for name, way, dev, test in lines if name == "both"}
    assert len(found) == 4
    assert len({*found.values()}) == 4
    scores = score_partition(run, None, "test")
    on_dev = read_card(run).dev_macro_auroc
    assert found["both, as the run does"] == pytest.approx(
        (on_dev, macro_auroc(scores.labels, scores.scores)), abs=2e-3
    )


def test_a_run_with_one_reading_is_refused():
    run = trained("", "plain")
    with pytest.raises(EcgFusionError, match="reads its classes in one way: train it with -learn all superdiagnostic"):
        readings.main(["-run", str(run), "-data", "data/ptbxl-images"])
