"""A run's module as an ONNX file: traced, checked, run once beside the module, and written whole or not at all."""

import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipeline.errors import EcgFusionError
from pipeline.export.form import Form
from pipeline.export.whole import WholeRun, example_inputs, named_inputs
from pipeline.machine.extras import required
from pipeline.machine.files import replace_atomically

OPSET = 17
"""The oldest that has every operation of every graph, and that onnxruntime reads since 2022."""

MOST_BYTES = 2**31 - 2**20  # of one protobuf message, less room for what is not weights
AGREES_WITHIN = 1e-4  # of a probability
OUTPUT = "probabilities"


def require_onnx() -> tuple[Any, Any]:
    """The modules ``onnx`` and ``onnxruntime``.

    Raises:
        NotInstalledError: one is absent.
    """
    onnx, onnxruntime = (required(name, "export", "ONNX files are written with") for name in ("onnx", "onnxruntime"))
    return onnx, onnxruntime


def check_size(whole: torch.nn.Module, path: Path) -> None:
    """Refuses what one ONNX file cannot hold.

    Raises:
        EcgFusionError: so much.
    """
    refuse_large(sum(x.nbytes for x in (*whole.parameters(), *whole.buffers())), path)


def refuse_large(n_bytes: int, path: Path) -> None:
    """Says of so many bytes of weights and matrices that they are too many, where they are."""
    if n_bytes > MOST_BYTES:
        raise EcgFusionError(
            f"{path} would hold {n_bytes / 2**30:.1f} GiB, and one ONNX file holds less than 2: take a smaller "
            f"-seconds or -sampling_rate, or -prepared, which leaves the filter's matrix out"
        )


def write_onnx(whole: WholeRun, form: Form, path: Path, metadata: Mapping[str, str]) -> float:
    """Writes the file, and gives how far its answers are from the module's, of some noise.

    Args:
        whole: what it is to do.
        form: what goes in.
        path: where it goes.
        metadata: words that stand in it.

    Raises:
        EcgFusionError: no graph of this version can hold it, it answers otherwise, or the disk refuses it.
    """
    onnx, onnxruntime = require_onnx()
    check_size(whole, path)
    model = onnx.load_from_string(_traced(whole, form))
    onnx.helper.set_model_props(model, dict(metadata))
    model.producer_name, model.producer_version = "ecgfusion", metadata["version"]
    try:
        onnx.checker.check_model(model, full_check=False)
    except onnx.checker.ValidationError as problem:
        raise EcgFusionError(f"{path} would be no valid ONNX file: {first_line(problem)}") from None
    held = model.SerializeToString()
    apart = _difference(onnxruntime, held, whole, form)
    if not apart <= AGREES_WITHIN:
        raise EcgFusionError(
            f"onnxruntime {onnxruntime.__version__} answers {apart:.1g} beside this program, so {path} is not written: "
            f"take another version of it"
        )
    replace_atomically(path, lambda temporary: temporary.write_bytes(held))
    return apart


def session(onnxruntime: Any, model: bytes | str, threads: int = 1) -> Any:
    """A session on the CPU that says nothing but errors.

    Args:
        onnxruntime: the module.
        model: the file, or what it holds.
        threads: of the CPU.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _traced(whole: WholeRun, form: Form) -> bytes:
    names = ["ecg_mv", *form.features]
    file: Any = io.BytesIO()
    try:
        with recording():
            torch.onnx.export(
                whole,
                example_inputs(form, 2),
                file,
                dynamo=False,  # the other exporter unrolls recurrences, sample by sample, and is younger than torch 2.6
                opset_version=OPSET,
                input_names=names,
                output_names=[OUTPUT],
                dynamic_axes={name: {0: "n"} for name in (*names, OUTPUT)},
            )
    except torch.onnx.errors.OnnxExporterError as problem:
        raise EcgFusionError(f"no ONNX graph of opset {OPSET} can hold this run: {first_line(problem)}") from None
    held: bytes = file.getvalue()
    return held


@contextmanager
def recording() -> Iterator[None]:
    """Tracing without what it says of sizes that are constants, as they are meant to be, and without fused layers."""
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)


@torch.no_grad()
def _difference(onnxruntime: Any, held: bytes, whole: WholeRun, form: Form) -> float:
    """The largest of noise, of another number of items than was traced, and of one item."""
    running, apart = session(onnxruntime, held), 0.0
    for n in (3, 1):
        inputs = example_inputs(form, n, seed=n)
        fed = {name: x.numpy() for name, x in named_inputs(form, inputs).items()}
        (found,) = running.run([OUTPUT], fed)
        apart = max(apart, float(np.abs(found - whole(*inputs).numpy()).max()))
    return apart


def first_line(problem: Exception) -> str:
    return next((line.strip() for line in str(problem).splitlines() if line.strip()), type(problem).__name__)
