"""Libraries of some formats: one sentence where they are absent, and each of them is in the extra that it names."""

import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from pipeline.sources.formats.extras import EXTRA, NoReaderError, require
from pipeline.sources.formats.opened import NotSaidError

ROOT = Path(__file__).resolve().parents[3]


def libraries() -> list[str]:
    settings = ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    return [line.partition(">")[0] for line in settings["options.extras_require"][EXTRA].split()]


@pytest.mark.parametrize("library", libraries())
def test_the_extra_brings_it(library):
    assert require(library, "a").__name__ == library


@pytest.mark.parametrize("module", ["pydicom", "defusedxml.ElementTree"])
def test_one_sentence_where_it_is_absent(module, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == module.partition(".")[0]]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module.partition(".")[0], None)
    with pytest.raises(NoReaderError) as told:
        require(module, "heart.x")
    library = module.partition(".")[0]
    assert str(told.value) == (
        f'heart.x is read by {library}, which is not installed: pip install "ecgfusion[clinical]"'
    )
    assert isinstance(told.value, NotSaidError)  # a table of a thousand such files says it once
