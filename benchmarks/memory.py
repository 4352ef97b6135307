"""How much faster a training step is where the C library keeps what is freed (pipeline.devices.keep_freed_memory).

Fresh processes take turns, since what is set is set for a process's whole life: half of them keep freed memory, half
leave everything as it is. Each gives the median time of a bare step and the most memory it had.

    python -m benchmarks.memory
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence

from benchmarks.ratio import Row
from pipeline.command_line import CommandParser, positive_int, run_command

STEP = """
import json, resource, statistics, sys, time
import torch
from models import create_model
from pipeline.devices import keep_freed_memory

model, channels, shape, batch, keep = json.loads(sys.argv[1])
torch.set_num_threads(1)
torch.set_flush_denormal(True)
if keep and not keep_freed_memory():
    sys.exit("this C library cannot be told to keep freed memory")
network = create_model(model, in_channels=channels, n_classes=5)
optimizer = torch.optim.AdamW(network.parameters())
x = torch.rand(batch, channels, *shape)
seconds = []
for _ in range(8):
    start = time.perf_counter()
    network(x).square().mean().backward()
    optimizer.step()
    optimizer.zero_grad()
    seconds.append(time.perf_counter() - start)
print(json.dumps([statistics.median(seconds[2:]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""
CASES = {
    "resnet1d_wang (128 items of 12 × 250)": ("resnet1d_wang", 12, (250,), 128),
    "alexnet (64 items of 9 × 256 × 256)": ("alexnet", 9, (256, 256), 64),
}
AIM = 1.05


def main(words: Sequence[str] | None = None) -> None:
    """Times both in turn and prints a line for each network."""
    parser = CommandParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.option("turns", type=positive_int, default=5, help="default %(default)s")
    for row in measure(parser.parse_args(words).turns):
        print(row, flush=True)


def measure(turns: int = 5) -> list[Row]:
    """The claim of two networks; none where the C library is not glibc."""
    from pipeline.devices import keep_freed_memory

    if not keep_freed_memory():
        return []
    return [_measure(name, case, turns) for name, case in CASES.items()]


def _measure(name: str, case: tuple[object, ...], turns: int) -> Row:
    found: dict[bool, list[tuple[float, int]]] = {True: [], False: []}
    for _ in range(turns):
        for keep, of_one in found.items():
            command = [sys.executable, "-c", STEP, json.dumps([*case, keep])]
            of_one.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
    (ours, our_peak), (theirs, their_peak) = (
        [statistics.median(values) for values in zip(*found[keep], strict=True)] for keep in (True, False)
    )
    what = f"a step of {name} on the CPU, freed memory kept, against given back"
    return Row(what, ours, theirs, AIM, f"with {our_peak / their_peak:.2f} times the peak memory")


if __name__ == "__main__":
    run_command(main)
