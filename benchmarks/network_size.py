"""How large a run's networks are: parameters, and multiplications with an addition that one look at an item takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.runs.build import Run


def size_of(folder: Path) -> tuple[int, int]:
    """Parameters and MACs of a finished run, of all networks that it consists of together.

    MACs are those of convolutions and matrix products, recurrent layers' and attention's among them, in one forward
    pass on one crop, beat or image; what a late fusion adds counts nothing.
    """
    from pipeline.runs.load import load_run

    sizes = [_size(run) for run in _networks(load_run(folder))]
    return sum(n for n, _ in sizes), sum(macs for _, macs in sizes)


def _networks(run: Run) -> list[Run]:
    """The runs of single networks that a run consists of."""
    return [inner for part in run.parts.values() for inner in _networks(part)] if run.parts else [run]


def _size(run: Run) -> tuple[int, int]:
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    spec, network = run.spec, run.network
    if spec.modality == "image":
        size = next(iter(spec.representations.values()))["size"]
        x = torch.zeros(1, spec.n_channels, size, size)
    else:
        x = torch.zeros(1, spec.n_channels, spec.crop_samples)
    beside: dict[str, Any] = {"numbers": torch.zeros(1, spec.n_numbers)} if spec.features else {}
    network.requires_grad_(False)  # the counter looks for the gradient of what goes into a layer, parameters too
    # in fp64, in which an LSTM is the products that it is made of: as a CPU computes it at once, it counts as nothing
    network.double()
    x, beside = x.double(), {name: values.double() for name, values in beside.items()}
    # attention as the products that it is made of: torch's counter does not know it as a CPU computes it at once
    with sdpa_kernel(SDPBackend.MATH), _no_shortcut(), torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(x, **beside)
    return sum(parameter.numel() for parameter in network.parameters()), counter.get_total_flops() // 2


@contextmanager
def _no_shortcut() -> Iterator[None]:
    """Has layers of a transformer computed as their products, which torch joins into one where nothing is learnt."""
    from torch.backends import mha

    before = mha.get_fastpath_enabled()
    mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        mha.set_fastpath_enabled(before)
