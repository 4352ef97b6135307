"""The judge sees what is wrong: each fault that it must tell from a good answer."""

from pathlib import Path

import pytest

from campaign.children import Outcome
from campaign.judging import changed, fault_of, sentence_of, snapshot


def answer(code: int = 0, err: str = "", seconds: float = 0.1, peak: int = 0, hung: bool = False) -> Outcome:
    return Outcome(code, "", err, seconds, peak, hung)


@pytest.mark.parametrize(
    ("outcome", "fault"),
    [
        (answer(1, "Traceback (most recent call last):\n  File x\nValueError: no\n"), "traceback: ValueError: no"),
        (answer(-11), "killed by signal 11"),
        (answer(-9, hung=True), "hangs"),
        (answer(seconds=10.5), "took 10 s of the processor"),
        (answer(peak=3 * 2**30), "took 3.0 GiB"),
        (answer(1), "ended without a word"),
        (answer(1, "train.py: " + "x" * 2000), "a sentence of 2010 characters"),
        (answer(2, "train.py: no class \x1b[31m: mend it"), "a sentence with '\\x1b'"),
    ],
)
def test_a_fault_is_told(outcome: Outcome, fault: str):
    assert fault_of(outcome) == fault


@pytest.mark.parametrize(
    "outcome", [answer(), answer(1, "train.py: there is no store x: make it\n"), answer(0, "noise")]
)
def test_a_good_answer_has_none(outcome: Outcome):
    assert fault_of(outcome) is None


def test_the_sentence_is_the_last_line():
    assert sentence_of("train:  10%|#\rtrain: 20%|##\rtrain.py: no\n\n") == "train.py: no"
    assert sentence_of("") == ""


def test_what_was_changed_made_or_lost_is_seen(tmp_path: Path):
    for name in ("kept", "changed", "lost", "out/new"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    before = snapshot(tmp_path)
    (tmp_path / "changed").write_text("other")
    (tmp_path / "lost").unlink()
    (tmp_path / "made").symlink_to("kept")
    (tmp_path / "out/new").write_text("allowed")
    (tmp_path / "outside").write_text("begins like a place that may change")
    assert changed(before, snapshot(tmp_path), ("out",)) == ["changed", "lost", "made", "outside"]
