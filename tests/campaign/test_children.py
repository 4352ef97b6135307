"""A child is seen as it was: its words, its end, what it took."""

import subprocess
import sys
from pathlib import Path

import pytest

import campaign

ROOT = Path(campaign.__file__).parents[1]

SCRIPT = """
import os, sys
from pathlib import Path
from campaign import children
children._HANGS_AFTER = 1.0
place = Path(sys.argv[1])
outcome = children.watched(lambda: exec(sys.argv[2]), place, first=lambda: exec(sys.argv[3]))
print(outcome.code, outcome.hung, outcome.peak_bytes > 2**28, repr(outcome.out), repr(outcome.err[-60:]))
"""


@pytest.mark.parametrize(
    ("act", "first", "seen"),
    [
        ("print('done')", "", "0 False False 'done\\n' ''"),
        ("sys.exit('a sentence')", "", "1 False False '' 'a sentence\\n'"),
        ("sys.exit(3)", "", "3 False False '' ''"),
        ("os._exit(0 if Path.cwd() == place else 5)", "", "0 False False '' ''"),
        ("os.abort()", "", "-6 False False '' ''"),
        ("import time; time.sleep(1000)", "", "-9 True False '' ''"),
        ("held = b'x' * 2**29", "", "0 False True '' ''"),
        ("sys.exit(4 if sys.stdout is None else 0)", "os.close(1)", "4 False False '' ''"),
    ],
)
def test_what_is_seen_of_a_child(tmp_path: Path, act: str, first: str, seen: str):
    (tmp_path / "place").mkdir()
    words = [sys.executable, "-c", SCRIPT, str(tmp_path / "place"), act, first]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == seen


def test_an_exception_is_a_traceback(tmp_path: Path):
    (tmp_path / "place").mkdir()
    words = [sys.executable, "-c", SCRIPT, str(tmp_path / "place"), "raise ValueError('no')", ""]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("70 False False")
    assert "ValueError: no" in done.stdout
