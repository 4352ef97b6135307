"""What is timed of the start-up is every command, and each ends as it should."""

import re
from pathlib import Path

import pytest

from benchmarks import startup
from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import load_scores


def test_every_command_is_timed():
    files = [*startup.ROOT.glob("*.py"), *(startup.ROOT / "pipeline").rglob("*.py")]
    runnable = [path.relative_to(startup.ROOT) for path in files if 'if __name__ == "__main__":' in path.read_text()]
    words = {
        str(path) if path.parent == Path() else f"-m {'.'.join(path.with_suffix('').parts).removesuffix('.__main__')}"
        for path in runnable
    }
    assert words == set(startup.COMMANDS)


def test_a_command_that_ends_otherwise_is_not_timed():
    startup.run(["-c", "raise SystemExit(2)"], code=2)
    problem = "python -c raise SystemExit('lost') ended with 1, not 2: lost"
    with pytest.raises(EcgFusionError, match=re.escape(problem)):
        startup.run(["-c", "raise SystemExit('lost')"], code=2)


def test_the_scores_are_a_file_that_evaluate_takes(tmp_path: Path):
    scores = load_scores(startup.save_simulated_scores(tmp_path / "scores.npz", 60, 3))
    assert scores.scores.shape == (60, 3)
    assert (scores.labels.sum(0) > 0).all()
