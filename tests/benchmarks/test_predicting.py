"""What is timed of answering files is the same work: the plain loop says what we say, but for rounding to counts."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import predicting
from benchmarks.simulated_store import simulate
from pipeline.runs.load import load_run
from pipeline.scoring.files import Reader

pytestmark = pytest.mark.usefixtures("cpu_as_before")


def test_both_give_the_same_answers(tmp_path: Path):
    recordings = simulate(tmp_path, 60)
    loaded = load_run(predicting.train_one(recordings, tmp_path))
    files = sorted(str(path) for path in recordings.rglob("*.hea"))[:5]
    ours = np.array([list(answer.probabilities.values()) for answer in Reader(loaded).answers(files)])
    np.testing.assert_allclose(predicting.plain(loaded, files), ours, atol=0.002)
