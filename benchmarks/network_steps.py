"""How long a training step of each network on signals takes, beside one of resnet1d_wang that takes turns with it.

A step is forward, loss, backward and the optimizer's on a batch of random crops that is in memory, in the sizes of the
study `networks` of benchmarks.results: 32 crops of 2.5 s of twelve leads (of 10 s where 2.5 are too short), 75 outputs.

    python -m benchmarks.network_steps
    python -m benchmarks.network_steps -only mina mvms -precision fp32
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.ratio import medians
from benchmarks.results_rows.networks import BATCH_SIZE, NETWORKS, OPTIONS, crop_of
from pipeline.commands.parser import CommandParser, positive_int, run_command

if TYPE_CHECKING:
    import torch

BESIDE = "resnet1d_wang"
LEADS, OUTPUTS, SAMPLING_RATE = 12, 75, 100
HEAD = f"| | parameters | a step | times `{BESIDE}`'s |\n| --- | ---: | ---: | ---: |"


def main(words: Sequence[str] | None = None) -> None:
    """Times the networks one after the other and prints a line of Markdown for each."""
    parser = CommandParser(prog="python -m benchmarks.network_steps", description=__doc__)
    parser.option("only", nargs="+", choices=NETWORKS, default=NETWORKS, help="these (default all)")
    parser.option("turns", type=positive_int, default=5, help="(default %(default)s)")
    parser.option("threads", type=positive_int, default=1, help="of a CPU (default %(default)s)")
    parser.option("precision", choices=("bf16", "fp32"), default="bf16", help="(default %(default)s)")
    options = parser.parse_args(words)
    print(HEAD, flush=True)
    for line in lines(options.only, options.turns, options.threads, options.precision):
        print(line, flush=True)


def lines(names: Sequence[str], turns: int, threads: int, precision: str) -> Iterator[str]:
    """The line of each network, on the GPU where there is one."""
    import torch

    from pipeline.machine.devices import choose_device, set_up_cpu

    set_up_cpu(threads)
    device = choose_device()
    beside = step_of(BESIDE, device, precision)
    for name in names:
        step = step_of(name, device, precision)
        n_parameters = sum(parameter.numel() for parameter in step.keywords["network"].parameters())
        found = medians({"own": _waited(step, device), "beside": _waited(beside, device)}, turns)
        cells = f"{n_parameters:,} | {1000 * found['own']:.1f} ms | {found['own'] / found['beside']:.2f}"
        yield f"| `{name}` | {cells} |"
        if device.type == "cuda":
            torch.cuda.empty_cache()


def step_of(name: str, device: "torch.device", precision: str) -> partial[None]:
    """A network's step, ready to be called; its network is among the keywords."""
    import torch

    from models import create_model
    from pipeline.machine.devices import placed
    from pipeline.machine.low_precision import keep_right

    torch.manual_seed(0)
    options = OPTIONS.get(name, {})
    network = placed(create_model(name, in_channels=LEADS, n_classes=OUTPUTS, **options), device).train()
    if precision == "bf16" and device.type == "cpu":
        keep_right(network, torch.bfloat16)
    x = torch.randn(BATCH_SIZE, LEADS, round(crop_of(name) * SAMPLING_RATE), device=device)
    y = torch.randint(0, 2, (BATCH_SIZE, OUTPUTS), device=device).float()
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3, fused=True)
    return partial(_step, network=network, x=x, y=y, optimizer=optimizer, is_bf16=precision == "bf16")


def _step(
    network: "torch.nn.Module",
    x: "torch.Tensor",
    y: "torch.Tensor",
    optimizer: "torch.optim.Optimizer",
    is_bf16: bool,
) -> None:
    import torch

    with torch.autocast(x.device.type, torch.bfloat16, enabled=is_bf16):
        logits = network(x)
    torch.autograd.backward(torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), y))
    optimizer.step()
    optimizer.zero_grad()


def _waited(step: Callable[[], None], device: "torch.device") -> Callable[[], None]:
    """A step that is over when it returns, on a GPU too."""
    import torch

    def waited() -> None:
        step()
        if device.type == "cuda":
            torch.cuda.synchronize()

    return waited


if __name__ == "__main__":
    run_command(main)
