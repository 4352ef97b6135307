"""A simulated recording, so that a page without any file at hand has something to show; of no real person."""

from functools import lru_cache
from pathlib import Path

EXAMPLE = "example.csv"
_SEED, _RATE = 2, 500


@lru_cache(maxsize=1)
def example_csv() -> bytes:
    """Ten seconds of twelve leads as CSV: times in s, amplitudes in mV."""
    import numpy as np

    from pipeline.signals.leads import LEADS
    from pipeline.sources.simulation.heart import draw_electrodes, draw_heart, simulate

    rng = np.random.default_rng(_SEED)
    signal = simulate(draw_heart(rng), draw_electrodes(rng), rng, _RATE)  # (leads, time)
    rows = [",".join(["time (s)", *(f"{lead} (mV)" for lead in LEADS)])]
    rows += [",".join([f"{i / _RATE:.3f}", *(f"{x:.3f}" for x in sample)]) for i, sample in enumerate(signal.T)]
    return ("\n".join(rows) + "\n").encode()


def write_example(folder: Path) -> dict[str, str]:
    """Writes it into a folder; gives what was written, as files that were sent."""
    (folder / EXAMPLE).write_bytes(example_csv())
    return {EXAMPLE: "example (simulated)"}
