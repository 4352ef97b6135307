"""Stores of small images, made by create_images.py."""

from pathlib import Path

import create_images
from pipeline.store.reading import Store, open_store

SMALL = ("--size", "16", "--workers", "1", "--representations", "gaf", "mtf")


def make(data: Path, out: Path, *words: object) -> Path:
    """Runs the command in this process; small images unless the words say otherwise."""
    create_images.main([str(word) for word in ("--data", data, "--out", out, *SMALL, *words)])
    return out


def stores(folder: Path) -> dict[str, Store]:
    return {path.stem: open_store(path) for path in sorted(folder.glob("*.h5"))}


def same_content(one: Path, other: Path) -> bool:
    return {path.name: path.read_bytes() for path in one.glob("*.h5")} == {
        path.name: path.read_bytes() for path in other.glob("*.h5")
    }
