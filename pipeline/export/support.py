"""The table of what can be exported, over the registries, as docs/export.md has it.

python -m pipeline.export.support
"""

from collections.abc import Iterator, Sequence

from pipeline.commands.parser import CommandParser, run_command
from pipeline.machine.streams import say

YES = "yes"
UNROLLED = "no: torch.export writes a recurrence as one operation a sample"


def main(words: Sequence[str] | None = None) -> None:
    """Prints the table."""
    CommandParser(prog="python -m pipeline.export.support", description=__doc__).parse_args(words)
    say(table())


def table() -> str:
    """Markdown, a line a representation, network and fusion."""
    lines = ["| what | name | `.onnx` | `.pt2` |", "| --- | --- | --- | --- |"]
    return "\n".join([*lines, *(f"| {what} | `{name}` | {YES} | {as_pt2} |" for what, name, as_pt2 in _rows())])


def _rows() -> Iterator[tuple[str, str, str]]:
    from models import list_fusions, list_models
    from pipeline.representations import LEAD_MAP, REPRESENTATIONS

    yield from (("representation", name, YES) for name in (*REPRESENTATIONS, LEAD_MAP))
    yield from (("network", name, UNROLLED if is_recurrent(name) else YES) for name in list_models())
    for level in ("late", "intermediate"):
        yield from ((f"{level} fusion", name, "as its branches") for name in list_fusions(level))


def is_recurrent(model: str) -> bool:
    """Whether a network has a recurrence of torch's in it."""
    from torch import nn

    from models import create_model

    return any(isinstance(layer, nn.RNNBase) for layer in create_model(model, in_channels=1, n_classes=2).modules())


if __name__ == "__main__":
    run_command(main)
