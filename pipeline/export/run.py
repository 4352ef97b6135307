"""A run's folder → a file that other programs run."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import EcgFusionError
from pipeline.export.form import Form, form_of
from pipeline.export.metadata import as_properties, metadata_of
from pipeline.export.onnx_file import refuse_large, require_onnx, write_onnx
from pipeline.export.pt2_file import write_pt2
from pipeline.export.whole import WholeRun
from pipeline.machine.files import check_writable
from pipeline.runs.build import Run
from pipeline.runs.load import load_run

ENDINGS = (".onnx", ".pt2")


@dataclass(frozen=True)
class Exported:
    """A file that was written.

    Attributes:
        path: where it lies.
        form: what it takes.
        metadata: what it says of itself.
        apart: how far its answers to noise are from the run's, the largest difference of a probability.
    """

    path: Path
    form: Form
    metadata: Mapping[str, Any]
    apart: float


def export_run(
    run: Run | Path | str,
    path: Path | str,
    *,
    sampling_rate: float | None = None,
    seconds: float | None = None,
    prepared: bool = False,
) -> Exported:
    """Writes a run as one ONNX file, or as ``torch.export`` keeps it, by the ending of the path.

    Args:
        run: a finished run, or its folder.
        path: ``.onnx`` or ``.pt2``; a file that is there is replaced.
        sampling_rate: of the recordings that it is to take, Hz; None for the run's own.
        seconds: how long they are; None for as long as those of the training.
        prepared: whether they are filtered and at the run's rate already.

    Raises:
        EcgFusionError: the run cannot be exported so, with why, or an extra is not installed.
    """
    path = Path(path)
    check_path(path)
    if path.suffix == ".onnx":
        require_onnx()
    loaded = run if isinstance(run, Run) else load_run(Path(run))
    form = form_of(loaded, sampling_rate=sampling_rate, seconds=seconds, prepared=prepared)
    refuse_large(form.matrix_bytes, path)
    whole, said = WholeRun(loaded, form), metadata_of(loaded, form)
    if path.suffix == ".onnx":
        apart = write_onnx(whole, form, path, as_properties(said))
    else:
        apart = write_pt2(whole, form, path, json.dumps(said))
    return Exported(path, form, said, apart)


def check_path(path: Path) -> None:
    """Refuses a path that nothing is written to, before a run is loaded.

    Raises:
        EcgFusionError: its ending is neither, it is a folder, or its folder cannot be written into.
    """
    if path.suffix not in ENDINGS:
        raise EcgFusionError(f"{path} ends neither in .onnx nor in .pt2: name the file so, as model.onnx")
    if path.is_dir():
        raise EcgFusionError(f"{path} is a folder: name a file in it, as {path / 'model'}{path.suffix}")
    if not path.parent.is_dir():
        raise EcgFusionError(f"there is no folder {path.parent}: make it, or name another")
    check_writable(path.parent)
