"""Where the channels of convolutions lie on a CPU: training steps with them last, or first.

The rival is the same network as torch makes it, and of those of the PTB-XL benchmark, whose convolutions over time lay
their channels side by side by themselves, one whose do not. A step is forward, backward and AdamW of one batch in
memory, both layouts in turn.

    python -m benchmarks.layout -threads 1
"""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from benchmarks.ratio import Row
from pipeline.commands.parser import CommandParser, positive_int, run_command

if TYPE_CHECKING:
    from torch import Tensor, nn

CASES: dict[str, tuple[Any, ...]] = {
    "resnet, 64 of 1 x 80 x 80": ("resnet", 64, 1, 80, 80),
    "resnet, 16 of 9 x 256 x 256": ("resnet", 16, 9, 256, 256),
    "alexnet, 16 of 9 x 256 x 256": ("alexnet", 16, 9, 256, 256),
    "vgg, 16 of 9 x 128 x 128": ("vgg", 16, 9, 128, 128),
    "cnn, 16 of 9 x 128 x 128": ("cnn", 16, 9, 128, 128),
    "resnet1d_wang, 128 of 12 x 250": ("resnet1d_wang", 128, 12, 250),
    "xresnet1d101, 128 of 12 x 250": ("xresnet1d101", 128, 12, 250),
}
"""Name to network, and images or signals of a batch, their channels and their sides in pixels or samples."""


def main(words: Sequence[str] | None = None) -> None:
    """Prints a row for each network and precision."""
    parser = CommandParser(prog="python -m benchmarks.layout", description=__doc__)
    parser.option("turns", type=positive_int, default=5, help="default %(default)s")
    parser.option("threads", type=positive_int, default=1, help="default %(default)s")
    options = parser.parse_args(words)
    import torch

    torch.set_num_threads(options.threads)
    for name in CASES:
        for bf16 in (False, True):
            print(measure(name, bf16, options.turns), flush=True)


def measure(name: str, bf16: bool, turns: int) -> Row:
    """Steps of one network in both layouts."""
    import torch

    from models import create_model
    from models.signal.benchmark import ConvolutionNorm
    from pipeline.machine.devices import placed

    model, *shape = CASES[name]
    x, channels = torch.rand(*shape), shape[1]
    ours, theirs = (create_model(model, in_channels=channels, n_classes=5) for _ in range(2))
    for module in theirs.modules():
        if isinstance(module, ConvolutionNorm):
            module.is_beside = False
    steps = [training_step(placed(ours, torch.device("cpu")), x, bf16), training_step(theirs, x, bf16)]
    times: list[list[float]] = [[], []]
    for turn in range(turns + 1):
        for step, found in zip(steps, times, strict=True):
            started = time.perf_counter()
            step()
            if turn:  # the first one makes what later ones find made
                found.append(time.perf_counter() - started)
    of_ours, of_theirs = map(statistics.median, times)
    return Row(f"{name}, {'bf16' if bf16 else 'fp32'}, channels last", of_ours, of_theirs)


def training_step(network: "nn.Module", x: "Tensor", bf16: bool) -> Callable[[], None]:
    """A step of AdamW on one batch, to be called again and again."""
    import torch

    optimizer = torch.optim.AdamW(network.parameters())

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits = network(x)
        logits.float().square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


if __name__ == "__main__":
    run_command(main)
