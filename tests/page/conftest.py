"""Scores files on the disk, and the words that name them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from multiclass_scores import drawn_multiclass
from report_pages import HOSTILE, drawn_multilabel

from pipeline.evaluation.scores import Scores, save_scores

Files = Callable[..., list[str]]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Saves scores with those of dev, and gives the words that name both."""

    def save(test: Scores, dev: Scores | None = None, name: str = "test") -> list[str]:
        save_scores(tmp_path / f"{name}.npz", test)
        words = ["-scores", str(tmp_path / f"{name}.npz")]
        if dev is not None:
            save_scores(tmp_path / f"{name}-dev.npz", dev)
            words += ["-dev_scores", str(tmp_path / f"{name}-dev.npz")]
        return words

    return save


@pytest.fixture
def multilabel(files: Files) -> list[str]:
    return files(drawn_multilabel(classes=HOSTILE), drawn_multilabel("d", HOSTILE, seed=5))


@pytest.fixture
def multiclass(files: Files) -> list[str]:
    return files(drawn_multiclass(), drawn_multiclass("d", seed=5))
