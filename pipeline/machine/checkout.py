"""Which commit of this program runs, where it runs from a checkout."""

import subprocess
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@lru_cache(maxsize=1)
def commit() -> str | None:
    """The commit's short name, with ``-dirty`` where files differ from it; None where this is no checkout of git."""
    if not (ROOT / ".git").exists():
        return None
    try:
        words = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
