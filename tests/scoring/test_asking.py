"""Several recordings asked together: what is remarked on an item is said of the recording that it is of."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline import load_run
from pipeline.listening import ItemsRemark, Listener, listening, tell
from pipeline.scoring import asking
from pipeline.scoring.ensemble import Said
from pipeline.scoring.fitting import Fitted
from pipeline.scoring.needs import Needs


def windows_of(needs: Needs, n: int) -> Fitted:
    items = np.zeros((n, len(needs.leads), 1000), np.int16)
    return Fitted(items, np.arange(n) * 5.0, "windows", needs.leads, 100.0)


def test_a_remark_on_items_is_said_of_their_recording(earlier: Path, monkeypatch: pytest.MonkeyPatch):
    """Of how many of its windows it is true; once, where several branches make it."""

    def say(run, store, device, batch_size):
        for _branch in range(2):
            tell(ItemsRemark("two of four items are odd", ("1", "3"), "it is odd"))
        tell(ItemsRemark("one of four items is late", ("0",), "it is late"))
        answers = np.full((4, len(run.card.classes)), 0.5, np.float32)
        return Said(answers, answers[:2])

    monkeypatch.setattr(asking, "say", say)
    needs = Needs.of(load_run(earlier / "runs" / "gru"))
    with listening(Listener()):
        first, second = asking.ask(needs, [windows_of(needs, 1), windows_of(needs, 3)], torch.device("cpu"))
    assert first.remarks == ("it is late",)
    assert second.remarks == ("it is odd (in 2 of its 3 windows)",)
