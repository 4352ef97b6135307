"""A store in shards, that several tests read."""

from pathlib import Path

import pytest
from in_shards import make_in_shards


@pytest.fixture(scope="session")
def sharded(synthetic_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The training store in four shards. Do not write into it."""
    return make_in_shards(synthetic_folder, tmp_path_factory.mktemp("sharded"), "--partition", "train")
