"""A run's module as ``torch.export`` keeps it, for programs that have torch and nothing of ours."""

import io
from pathlib import Path

import torch
from torch import nn

from pipeline.errors import EcgFusionError
from pipeline.export.form import Form
from pipeline.export.onnx_file import AGREES_WITHIN, first_line, recording
from pipeline.export.whole import WholeRun, example_inputs
from pipeline.machine.files import replace_atomically

METADATA = "ecgfusion.json"
"""The name of the words beside the graph, ``extra_files`` of ``torch.export.load``."""


def write_pt2(whole: WholeRun, form: Form, path: Path, metadata: str) -> float:
    """Writes the file, and gives how far its answers are from the module's, of some noise.

    Args:
        whole: what it is to do.
        form: what goes in.
        path: where it goes.
        metadata: JSON that stands in it.

    Raises:
        EcgFusionError: ``torch.export`` cannot hold the run, or the disk refuses the file.
    """
    _refuse_recurrences(whole, path)
    inputs = example_inputs(form, 2)
    with recording(), torch.no_grad():  # constants that are kept from call to call are made of real tensors
        torch.jit.trace(whole, inputs, check_trace=False)  # type: ignore[no-untyped-call]
    batch = torch.export.Dim("n", min=1)
    of_features = tuple({0: batch} for _ in form.features)
    shapes = ({0: batch}, of_features) if of_features else ({0: batch},)
    try:
        with recording():  # torch 2.6 warns of constants that it then keeps
            program = torch.export.export(whole, inputs, dynamic_shapes=shapes, strict=False)
    except (torch._dynamo.exc.TorchDynamoException, RuntimeError, ValueError) as problem:
        raise EcgFusionError(
            f"torch.export of torch {torch.__version__} cannot hold this run: {first_line(problem)}; "
            f"write {path.with_suffix('.onnx')}"
        ) from None
    held = io.BytesIO()
    torch.export.save(program, held, extra_files={METADATA: metadata})
    with recording():
        again = torch.export.load(io.BytesIO(held.getvalue())).module()
    others = example_inputs(form, 3, seed=3)
    with torch.no_grad():
        apart = float((again(*others) - whole(*others)).abs().max())
    if not apart <= AGREES_WITHIN:
        raise EcgFusionError(
            f"what torch.export of torch {torch.__version__} keeps answers {apart:.1g} beside this program, so {path} "
            f"is not written: write {path.with_suffix('.onnx')}"
        )
    replace_atomically(path, lambda temporary: temporary.write_bytes(held.getvalue()))
    return apart


def _refuse_recurrences(whole: nn.Module, path: Path) -> None:
    recurrent = next((m for m in whole.modules() if isinstance(m, nn.RNNBase)), None)
    if recurrent is not None:
        raise EcgFusionError(
            f"torch.export writes a recurrence as one operation a sample, so no {type(recurrent).__name__} goes into "
            f"{path}: write {path.with_suffix('.onnx')}, which has an operation for it"
        )
