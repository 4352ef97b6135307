"""How much faster a training step is where the C library keeps what is freed (`keep_freed_memory`).

Two processes take turns at the same step, since what is set is set for a process's whole life: one keeps freed memory,
the other leaves everything as it is. Asking either for a step takes some tenths of a millisecond, which count for both.

    python -m benchmarks.memory
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context

from benchmarks.ratio import Row, Waiting, medians
from pipeline.commands.parser import CommandParser, positive_int, run_command

Case = tuple[str, tuple[int, ...]]  # a network and the shape of its input: (items, channels, ...)
CASES: tuple[Case, ...] = (("resnet1d_wang", (128, 12, 250)), ("alexnet", (64, 9, 256, 256)))
AIM = 1.05


def main(words: Sequence[str] | None = None) -> None:
    """Times both in turn and prints a line for each network."""
    parser = CommandParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.option("turns", type=positive_int, default=9, help="default %(default)s")
    for row in measure(parser.parse_args(words).turns):
        print(row, flush=True)


def measure(turns: int = 9, cases: Sequence[Case] = CASES) -> list[Row | Waiting]:
    """The claim of each network; it waits where the C library is not glibc."""
    return [_measure(case, turns) for case in cases]


def _measure(case: Case, turns: int) -> Row | Waiting:
    from pipeline.machine.devices import keep_freed_memory
    from pipeline.machine.memory import peak_memory

    model, (n_items, *item) = case
    what = f"a step of {model} ({n_items} items of {' × '.join(map(str, item))}) on the CPU"
    what += ", freed memory kept, against given back"
    with _process() as keeps, _process() as gives_back:
        if not keeps.submit(keep_freed_memory).result():
            return Waiting(what, "glibc", AIM)
        runs = {
            "kept": lambda: keeps.submit(step, case).result(),
            "given back": lambda: gives_back.submit(step, case).result(),
        }
        found = medians(runs, turns, calls=2)
        peak, usual_peak = (each.submit(peak_memory).result() for each in (keeps, gives_back))
    note = f"with {peak / usual_peak:.2f} times the peak memory"
    return Row(what, found["kept"], found["given back"], AIM, note)


def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def step(case: Case) -> None:
    """The next step of the training that this process has begun for the case."""
    _training(case)()


@cache
def _training(case: Case) -> Callable[[], None]:
    import torch

    from models import create_model

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    model, shape = case
    network = create_model(model, in_channels=shape[1], n_classes=5)
    optimizer = torch.optim.AdamW(network.parameters())
    x = torch.rand(shape)

    def next_step() -> None:
        network(x).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()

    return next_step


if __name__ == "__main__":
    run_command(main)
