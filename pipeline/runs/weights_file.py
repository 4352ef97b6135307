"""The file of a run's weights, before a library is let at it."""

from pathlib import Path

from pipeline.machine.files import open_file

_MOST_OF_A_HEADER = 2**22  # of a network of ten thousand tensors


def check_weights_file(path: Path) -> None:
    """Refuses what is no file, may not be read, or has a header that would take long to read.

    Raises:
        FileNotFoundError: there is none.
        FileError: it is no file, or cannot be read.
        ValueError: its header is too long.
    """
    with open_file(path) as file:
        length = int.from_bytes(file.read(8), "little")
    if length > _MOST_OF_A_HEADER:
        raise ValueError(f"its header has {length} bytes")
