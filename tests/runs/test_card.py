"""The card: of runs that earlier programs wrote, today's gives the figures that they gave."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cards import card_json

import evaluate
from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import load_scores
from pipeline.runs.card_file import read_card, write_card
from pipeline.runs.load import load_run

NAMES = ("gru", "lstm", "stored", "beat", "drawn", "kfold", "stacking", "weighted", "concat", "nested")


@pytest.mark.usefixtures("cpu_as_before")
@pytest.mark.parametrize("name", NAMES)
def test_an_earlier_run_gives_the_figures_that_it_gave(earlier: Path, tmp_path: Path, name: str):
    run, tables = earlier / "runs" / name, tmp_path / "tables"
    words = ["-run", str(run), "-data", str(earlier / "stores"), "-out", str(tables), "-resamples", "40"]
    evaluate.main([*words, "-threads", "1"])
    before = run / "evaluation" / "test"
    was, now = load_scores(before / "scores.npz"), load_scores(tables / "scores.npz")
    np.testing.assert_array_equal(now.item_id, was.item_id)
    np.testing.assert_allclose(now.scores, was.scores, atol=1e-6)
    figures = [json.loads((folder / "metrics.json").read_text()) for folder in (before, tables)]
    rows = [{**each["classes"], "macro": each["macro"]} for each in figures]
    assert rows[0].keys() == rows[1].keys()
    for name, row in rows[0].items():  # of which later programs have more figures
        assert {figure: rows[1][name][figure] for figure in row} == row


@pytest.mark.parametrize("name", NAMES)
def test_an_earlier_card_is_written_as_it_was(earlier: Path, tmp_path: Path, name: str):
    """But for fields that were null and are left out now, and whole numbers that are floats."""
    write_card(tmp_path, read_card(earlier / "runs" / name))
    was = {field: value for field, value in card_json(earlier / "runs" / name).items() if value is not None}
    assert card_json(tmp_path) == was


def test_images_of_another_version_are_one_sentence(earlier: Path, tmp_path: Path):
    card = read_card(earlier / "runs" / "drawn")
    strange = replace(card.spec, representations={"rp": {"size": 32}})
    write_card(tmp_path, replace(card, input=strange))
    with pytest.raises(EcgFusionError, match=r"run\.json: the images it sees are none of this version's"):
        load_run(tmp_path)
