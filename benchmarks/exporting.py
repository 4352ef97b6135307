"""Milliseconds a recording in onnxruntime beside ours, signal in millivolts to probabilities, on one thread.

Networks on signals and on images, with weights of chance, answer ten seconds of twelve leads at 100 Hz, one recording
at a time: ours filters, rounds, draws by kernels and asks torch, the rival is the exported file.
They take turns, times are medians, and answers that are 1e-4 apart end the benchmark.

    python -m benchmarks.exporting
"""

import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ratio import Row, medians
from pipeline.commands.parser import CommandParser, positive_int, run_command

AGREES_WITHIN = 1e-4


def main(words: Sequence[str] | None = None) -> None:
    """Times all in turn and prints a line for each network."""
    parser = CommandParser(prog="python -m benchmarks.exporting", description=__doc__)
    parser.option("turns", type=positive_int, default=15, help="default %(default)s")
    options = parser.parse_args(words)
    for row in measure(options.turns):
        print(row, flush=True)


def measure(turns: int = 15) -> list[Row]:
    """A row for each network."""
    import torch

    from benchmarks.exporting_runs import RUNS

    torch.set_num_threads(1)
    rows = []
    for what, made in RUNS.items():
        ours, exported = runs_of(made())
        apart = np.abs(ours() - exported()).max()
        if apart >= AGREES_WITHIN:
            sys.exit(f"{what}: the answers are {apart:.1g} apart, so their times cannot be compared")
        found = medians({"ours": ours, "onnxruntime": exported}, turns, calls=2)
        rows.append(Row(f"{what}: a recording against onnxruntime", found["ours"], found["onnxruntime"]))
    return rows


def runs_of(run: Any) -> tuple[Callable[[], np.ndarray], Callable[[], np.ndarray]]:
    """What answers one simulated recording: the program, and a session of onnxruntime."""
    import onnxruntime

    from benchmarks.exporting_runs import answers, recording
    from pipeline.export.onnx_file import session
    from pipeline.export.run import export_run
    from pipeline.signals.leads import LEADS

    signal = recording()
    with tempfile.TemporaryDirectory() as folder:
        done = export_run(run, Path(folder) / "model.onnx")
        running = session(onnxruntime, done.path.read_bytes())
    fed = {"ecg_mv": np.ascontiguousarray(signal[None, [LEADS.index(lead) for lead in done.form.leads]])}
    return partial(answers, run, signal), lambda: running.run(None, fed)[0]


if __name__ == "__main__":
    run_command(main)
