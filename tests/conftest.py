"""What several tests need: the real recordings, where they are at hand."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("ECG_DATA", Path.home() / ".cache" / "ecg-data"))


@pytest.fixture(scope="session")
def ptbxl_folder() -> Path:
    """The real PTB-XL folder (folds 1–9, 100 Hz), or a skip that says what is missing."""
    folder = DATA / "ptbxl"
    if not (folder / "ptbxl_database.csv").exists():
        pytest.skip(f"no real recordings: {folder} is missing (ECG_DATA names the folder that holds ptbxl/)")
    return folder
