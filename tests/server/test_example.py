"""The example is a recording that any reader takes."""

from pathlib import Path

import numpy as np

from pipeline.server.example import EXAMPLE, write_example
from pipeline.signals.leads import LEADS
from pipeline.sources.formats.registry import open_file


def test_it_is_read_as_it_is_written(tmp_path: Path):
    assert list(write_example(tmp_path)) == [EXAMPLE]
    recording = open_file(str(tmp_path / EXAMPLE)).read()
    assert (recording.leads, recording.sampling_rate, recording.signal.shape) == (LEADS, 500.0, (12, 5000))
    one, two, three, avr = recording.signal[:4]
    np.testing.assert_allclose(one + three, two, atol=2e-3)  # Einthoven, at three decimals
    np.testing.assert_allclose(avr, -(one + two) / 2, atol=2e-3)
    assert 0.3 < np.abs(recording.signal).max() < 5
