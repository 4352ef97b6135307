"""What goes wrong through the input rather than through the program."""


class EcgFusionError(Exception):
    """A problem that the user can solve: one sentence that names the file or value and the remedy."""
