"""The commit of a checkout, and none of a copy."""

import subprocess
from pathlib import Path

import pytest

from pipeline.machine import checkout


@pytest.fixture(autouse=True)
def _asked_anew():
    checkout.commit.cache_clear()
    yield
    checkout.commit.cache_clear()


def test_a_checkout_has_a_commit_and_a_copy_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checkout, "ROOT", tmp_path)
    assert checkout.commit() is None
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "a"], check=True)
    checkout.commit.cache_clear()
    found = checkout.commit()
    assert found is not None
    assert subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True).stdout.startswith(found)
