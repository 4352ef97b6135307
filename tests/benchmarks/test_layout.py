"""Steps of both layouts are timed, of the same network."""

import pytest

from benchmarks import layout


@pytest.mark.usefixtures("cpu_as_before")
@pytest.mark.parametrize("bf16", [False, True])
def test_a_row_has_both(bf16: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(layout.CASES, "small", ("cnn", 2, 1, 32))
    row = layout.measure("small", bf16, 1)
    assert row.ours > 0 < row.theirs
    assert ("bf16" if bf16 else "fp32") in row.what
