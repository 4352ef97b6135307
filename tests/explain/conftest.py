"""An explanation that was made up, and explanations of arrays."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from explained_runs import SAID, unfiltered

from pipeline.explain.explanation import Explanation
from pipeline.explain.methods import explain
from pipeline.explain.path import Path as Slope
from pipeline.explain.subject import of_file
from pipeline.runs.build import Run
from pipeline.scoring.needs import Needs
from pipeline.sources.formats.opened import Said


@pytest.fixture
def explained(tmp_path: Path) -> Callable[..., Explanation]:
    def of(run: Run, signal: np.ndarray, class_name: str | None = None, said: Said = SAID, **how) -> Explanation:
        np.save(tmp_path / "a.npy", signal)
        return explain(unfiltered(run), tmp_path / "a.npy", class_name, said=said, **how)

    return of


@pytest.fixture
def path_of(tmp_path: Path) -> Callable[..., Slope]:
    def of(run: Run, signal: np.ndarray, number: int = 0) -> Slope:
        np.save(tmp_path / "a.npy", signal)
        needs = Needs.of(unfiltered(run))
        return Slope(needs, of_file(needs, str(tmp_path / "a.npy"), SAID), number)

    return of


@pytest.fixture
def explanation() -> Explanation:
    draw = np.random.default_rng(0)
    values = draw.normal(0, 0.01, (2, 300))
    values[1, 195:207] = -2.0
    values[0, 50:62] = 1.0
    return Explanation(
        file="a.hea",
        record_id="a",
        run="runs/gru",
        class_name="MI",
        probability=0.75,
        method="occlusion",
        window_s=0.12,
        signal=draw.normal(size=(2, 300)),
        leads=("II", "V2"),
        sampling_rate=100.0,
        values=values,
        moments=values.sum(0),
    )
