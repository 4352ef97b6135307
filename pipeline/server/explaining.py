"""What moved an answer, drawn on paper: by gradients where a run has some, else by occlusion."""

import io
import warnings
from dataclasses import replace

from pipeline.commands.escaping import file_name
from pipeline.errors import EcgFusionError
from pipeline.explain.drawing import plot_explanation
from pipeline.explain.explanation import Explanation
from pipeline.explain.methods import explain
from pipeline.server.answering import refusing, told
from pipeline.server.service import Asked
from pipeline.sources.formats.opened import Said

_DPI = 110


def explanation_of(asked: Asked) -> tuple[bytes, str]:
    """A PNG of what moved the first run's most probable class, and what a file with it is called.

    Raises:
        Problem: the recording is bad, or the run cannot see it.
    """
    served = asked.runs[0]
    with refusing(asked, served):
        said = served.reader_of(asked.said).said
        found = _explained(asked, said)
    remarks = tuple(told(each, asked, served) for each in found.remarks)
    found = replace(found, record_id=asked.name, file=asked.name, run=served.name, remarks=remarks)
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # of a file's name; a box stands for it
        plot_explanation(found).savefig(file, format="png", dpi=_DPI)
    stem = asked.name.rpartition(".")[0] or asked.name
    return file.getvalue(), file_name(f"{stem} {found.class_name} {found.method}")


def _explained(asked: Asked, said: Said) -> Explanation:
    try:
        return explain(asked.runs[0].run, asked.path, method="gradients", said=said)
    except EcgFusionError:  # not every run has gradients; a recording that is bad is refused again
        return explain(asked.runs[0].run, asked.path, method="occlusion", said=said)
