"""Each promise of the page on safety names a test that is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "safety.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE)


def test_every_test_that_is_named_is_there():
    missing = [
        f"{file}::{name}" for file, name in NAMED if f"\ndef {name}(" not in (ROOT / file).read_text(encoding="utf-8")
    ]
    assert missing == []


def test_every_promise_names_one():
    promises = [line for line in PAGE.splitlines() if re.match(r"\| (?!---|promise)", line)]
    assert len(promises) > 30
    for line in promises:
        assert "::test_" in line, line
