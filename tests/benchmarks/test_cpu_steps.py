"""Both ways of an optimizer and of attention are timed, and a line is printed for each size."""

import pytest

from benchmarks import cpu_steps


@pytest.mark.usefixtures("cpu_as_before")
def test_a_row_has_both(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(cpu_steps, "NETWORKS", ("cnn_gru",))
    monkeypatch.setattr(cpu_steps, "HEADS", ((2, 2, 8, 4), (1, 1, 5, 8)))
    cpu_steps.main(["-turns", "1", "-threads", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": ours ")[0] for line in lines] == [
        "AdamW over the parameters of cnn_gru, in one pass",
        "2 items of 2 heads, 8 steps of 4 channels: both passes, in fp32",
        "1 items of 1 heads, 5 steps of 8 channels: both passes, in fp32",
    ]
    assert all("ratio" in line for line in lines)
