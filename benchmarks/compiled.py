"""What `torch.compile` is worth in a training step on a CPU, and how long the first step waits for it.

The rival is the same network compiled. A step is forward, backward and AdamW of one batch in memory, in bf16, both in
turn; what the first compiled step takes stands beside them. A short training is over before a slow compiler is.

    python -m benchmarks.compiled -threads 1
"""

import os
import shutil
import time
from collections.abc import Sequence

from benchmarks.layout import CASES, training_step
from benchmarks.ratio import Row, Waiting, medians
from pipeline.commands.parser import CommandParser, positive_int, run_command

NAMES = ("resnet1d_wang, 128 of 12 x 250", "resnet, 64 of 1 x 80 x 80")


def main(words: Sequence[str] | None = None) -> None:
    """Prints a row for each network."""
    parser = CommandParser(prog="python -m benchmarks.compiled", description=__doc__)
    parser.option("turns", type=positive_int, default=5, help="default %(default)s")
    parser.option("threads", type=positive_int, default=1, help="default %(default)s")
    options = parser.parse_args(words)
    from pipeline.machine.devices import set_up_cpu

    set_up_cpu(options.threads)
    for name in NAMES:
        print(steps_of(name, options.turns), flush=True)


def steps_of(name: str, turns: int) -> Row | Waiting:
    """Steps of one network as it is and compiled."""
    what = f"{name}, bf16, as it is against torch.compile"
    if shutil.which(os.environ.get("CXX", "g++")) is None:
        return Waiting(what, "a C++ compiler: name it in CXX")
    import torch

    from models import create_model
    from pipeline.machine.devices import placed

    model, *shape = CASES[name]
    x, device = torch.rand(*shape), torch.device("cpu")
    ours, theirs = (placed(create_model(model, in_channels=shape[1], n_classes=5), device) for _ in range(2))
    theirs.compile()
    compiled = training_step(theirs, x, bf16=True)
    started = time.perf_counter()
    compiled()
    waited = time.perf_counter() - started
    found = medians({"ours": training_step(ours, x, bf16=True), "theirs": compiled}, turns)
    return Row(what, found["ours"], found["theirs"], note=f"the first compiled step took {waited:.0f} s")


if __name__ == "__main__":
    run_command(main)
