"""What two habits are worth in a training step on a CPU: optimizers in one pass, and short attention in fp32.

The rivals are torch's own ways: an optimizer that goes from tensor to tensor, and attention in the bf16 in which
autocast hands it queries, keys and values. Both ways take turns.

    python -m benchmarks.cpu_steps -threads 1
"""

from collections.abc import Callable, Iterator, Sequence

from benchmarks.ratio import Row, medians
from pipeline.commands.parser import CommandParser, positive_int, run_command

NETWORKS = ("resnet1d_wang", "se_ecgnet", "inception_former", "resnet")
HEADS = ((32, 8, 16, 64), (32, 8, 32, 32), (32, 8, 125, 32), (32, 8, 250, 32), (32, 4, 1000, 32))
"""Items, heads, steps, and channels of a head."""


def main(words: Sequence[str] | None = None) -> None:
    """Prints a row for each network's optimizer and each size of attention."""
    parser = CommandParser(prog="python -m benchmarks.cpu_steps", description=__doc__)
    parser.option("turns", type=positive_int, default=7, help="default %(default)s")
    parser.option("threads", type=positive_int, default=1, help="default %(default)s")
    options = parser.parse_args(words)
    from pipeline.machine.devices import set_up_cpu

    set_up_cpu(options.threads)
    for what, ways in _cases():
        found = medians(ways, options.turns)
        print(Row(what, found["ours"], found["theirs"]), flush=True)


def _cases() -> Iterator[tuple[str, dict[str, Callable[[], None]]]]:
    for name in NETWORKS:
        yield (
            f"AdamW over the parameters of {name}, in one pass",
            {"ours": _adamw(name, True), "theirs": _adamw(name, False)},
        )
    for sizes in HEADS:
        what = "{} items of {} heads, {} steps of {} channels: both passes, in fp32".format(*sizes)
        yield what, {"ours": _attention(sizes, True), "theirs": _attention(sizes, False)}


def _adamw(name: str, fused: bool) -> Callable[[], None]:
    import torch

    from models import create_model

    network = create_model(name, in_channels=12, n_classes=75)
    for parameter in network.parameters():
        parameter.grad = torch.rand_like(parameter)
    optimizer = torch.optim.AdamW(network.parameters(), fused=fused)

    def step() -> None:
        optimizer.step()

    return step


def _attention(sizes: tuple[int, int, int, int], in_fp32: bool) -> Callable[[], None]:
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    from models.signal.heads import dot_products

    query, key, value = (torch.randn(sizes, dtype=torch.bfloat16, requires_grad=True) for _ in range(3))
    up = torch.randn(sizes, dtype=torch.bfloat16)

    def step() -> None:
        y = dot_products(query, key, value, None) if in_fp32 else scaled_dot_product_attention(query, key, value)
        torch.autograd.backward(y, up)

    return step


if __name__ == "__main__":
    run_command(main)
