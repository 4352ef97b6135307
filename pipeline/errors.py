"""What goes wrong through the input rather than through the program."""

import sys


class EcgFusionError(Exception):
    """A problem that the user can solve: one sentence that names the file or value and the remedy."""


def warn(sentence: str) -> None:
    """Prints a sentence that the user should see, though the work goes on."""
    print(f"warning: {sentence}", file=sys.stderr, flush=True)
