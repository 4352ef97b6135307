"""Steps of both layouts are timed, of the same network."""

import pytest

from benchmarks import layout


@pytest.mark.usefixtures("cpu_as_before")
@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("case", [("cnn", 2, 1, 32, 32), ("resnet1d_wang", 2, 12, 40)], ids=["image", "signal"])
def test_a_row_has_both(bf16: bool, case: tuple[object, ...], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(layout.CASES, "small", case)
    row = layout.measure("small", bf16, 1)
    assert row.ours > 0 < row.theirs
    assert ("bf16" if bf16 else "fp32") in row.what
