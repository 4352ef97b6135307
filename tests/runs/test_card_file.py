"""The file of a card: what was written comes back, and what is none is one sentence."""

from pathlib import Path

import pytest
from cards import card_json, small_card

from pipeline.errors import EcgFusionError
from pipeline.inputs.spec import InputSpec
from pipeline.runs.card import CARD, Card
from pipeline.runs.card_file import read_card, write_card
from pipeline.runs.card_parts import CalibrationCard, Result


def test_a_card_comes_back_as_it_was(tmp_path: Path):
    written = small_card(InputSpec("signal", ("I", "II"), 100.0, 1000.0, 1000, beat=(0.3, 0.5), beat_version=2))
    write_card(tmp_path, written)
    assert read_card(tmp_path) == written


@pytest.mark.parametrize("text", ["[" * 1000 + "]" * 1000, "[" * 100_000, "", "{", "\x00", "nan"])
def test_what_is_no_card_is_one_sentence(tmp_path: Path, text: str):
    (tmp_path / CARD).write_text(text)
    with pytest.raises(EcgFusionError, match=r"run\.json is (damaged|not a card)"):
        read_card(tmp_path)


def test_a_diverged_or_finished_card_keeps_what_came_of_it(tmp_path: Path):
    spec = InputSpec("signal", ("I",), 100.0, 1000.0, 1000)
    for card in (
        small_card(spec, diverged="the loss is nan"),
        small_card(spec, kind="multiclass", complete=True, result=Result(dev_macro_auroc=0.5)),
    ):
        write_card(tmp_path, card)
        found: Card = read_card(tmp_path)
        assert (found.diverged, found.result) == (card.diverged, card.result)


def test_temperatures_come_back_as_they_were_and_count_for_the_seal(tmp_path: Path):
    spec = InputSpec("signal", ("I",), 100.0, 1000.0, 1000)
    temperatures = {"MI": 1.2, "STTC": 0.8, "CD": 1.0, "HYP": 2.0}
    cards = [
        small_card(spec, calibration=calibration)
        for calibration in (
            None,
            CalibrationCard(),
            CalibrationCard(temperatures=temperatures, without=("CD",), brier_before=0.2, brier_after=0.1),
        )
    ]
    for card in cards:
        write_card(tmp_path, card)
        assert read_card(tmp_path) == card
        assert ("calibration" in card_json(tmp_path)) == (card.calibration is not None)
    assert len({card.seal for card in cards}) == 3
    assert len({card.description for card in cards}) == 1  # the weights are as without
