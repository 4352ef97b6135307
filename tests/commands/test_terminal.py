"""What a command's user reads: sentences, warnings apart, epochs in a line; the console adds counts and tables."""

from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.commands.terminal import Terminal, told_to
from pipeline.errors import EcgFusionError
from pipeline.labels import Labels, LabelsChosen
from pipeline.listening import EpochEnded, Listener, progress_bar, remark, tell, warn
from pipeline.report.console import Console

EPOCH = EpochEnded(3, 15, 0.12345, 0.87654, True, 41.6)


def test_warnings_go_to_stderr(capsys):
    def main(_: Sequence[str] | None) -> None:
        remark("a sentence")
        warn("mind")
        tell(EPOCH)

    told_to(Terminal)(main)([])
    said = capsys.readouterr()
    assert said.out == "a sentence\nepoch 3/15: train loss 0.1235, dev macro-AUC 0.8765 (best so far), 42 s\n"
    assert said.err == "warning: mind\n"


def test_a_bar_that_an_error_interrupts_ends_its_line(capsys):
    def main(_: Sequence[str] | None) -> None:
        for _ in progress_bar(range(3), "reading"):
            raise EcgFusionError("a record is bad")

    with pytest.raises(EcgFusionError) as held:  # with it the frame that holds the bar
        told_to(Terminal)(main)([])
    assert str(held.value) == "a record is bad"
    said = capsys.readouterr().err
    assert said.startswith("\rreading")
    assert said.endswith("\n")


def test_the_listener_is_the_commands_own_and_ends_with_it(capsys):
    told_to(Terminal)(lambda _: None)([])
    remark("afterwards")
    assert capsys.readouterr().out == ""


def test_the_console_counts_classes():
    labels = Labels(("MI", "CD"), "multilabel", np.array([[1, 0], [1, 1]], np.uint8), np.array([True, True]))
    said = Console().text(LabelsChosen("train: 2 items", "disease", labels))
    assert said == "train: 2 items\n  disease: 2 labelled, 0 not; MI 2 CD 1"


def test_an_event_without_words_is_a_mistake_of_ours():
    labels = Labels((), "multilabel", np.zeros((0, 0), np.uint8), np.zeros(0, bool))
    with pytest.raises(TypeError, match="Terminal has no words for LabelsChosen"):
        Terminal().text(LabelsChosen("x", "y", labels))
    assert list(Listener().bar(range(2), "quiet")) == [0, 1]
