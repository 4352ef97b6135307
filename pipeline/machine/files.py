"""Files that are written whole or not at all."""

import os
from pathlib import Path
from typing import Any


def replace_atomically(path: Path, write: Any) -> None:
    """Lets ``write(temporary_path)`` write a file beside ``path``, then puts it in its place."""
    temporary = path.with_name(path.name + ".part")
    write(temporary)
    descriptor = os.open(temporary, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.replace(path)
