"""Libraries of some work: one sentence where they are absent, and each is in the extra that the sentence names."""

import ast
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from pipeline.errors import EcgFusionError
from pipeline.machine.extras import NotInstalledError, required

ROOT = Path(__file__).resolve().parents[2]


def asked_for() -> list[tuple[str, str]]:
    """Module and extra of each place in the program that says both."""
    found = set()
    for path in ROOT.glob("pipeline/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "required":
                module, extra = node.args[:2]
                if isinstance(module, ast.Constant) and isinstance(extra, ast.Constant):
                    found.add((str(module.value), str(extra.value)))
    return sorted(found)


@pytest.mark.parametrize(("module", "extra"), asked_for())
def test_the_extra_brings_it(module, extra, monkeypatch):
    settings = ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    brought = [line.partition(">")[0] for line in settings["options.extras_require"][extra].split("\n")]
    assert required(module, extra, "a needs").__name__ == module
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(NotInstalledError) as told:
        required(module, extra, "a needs")
    said = str(told.value).removesuffix(f', which is not installed: pip install "ecgfusion[{extra}]"')
    assert said.removeprefix("a needs ").removeprefix("dask.").partition(".")[0] in brought


def test_places_say_what_they_need():
    assert {extra for _, extra in asked_for()} == {"cluster", "remote", "search", "smote"}


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import nothing_of_this_name", "No module named 'nothing_of_this_name'"),
        (
            "raise ImportError('libthing.so.3: cannot open shared object file\\nand more')",
            "libthing.so.3: cannot open .*file",
        ),
        ("raise ImportError", "ImportError"),
    ],
)
def test_a_library_that_lacks_something_itself_is_not_called_absent(code, why, tmp_path, monkeypatch):
    (tmp_path / "halfway.py").write_text(f"{code}\n")
    monkeypatch.syspath_prepend(tmp_path)
    said = rf"^a needs halfway, which is installed and cannot be imported \({why}\): pip install --force-reinstall"
    with pytest.raises(EcgFusionError, match=said) as told:
        required("halfway", "some", "a needs")
    assert not isinstance(told.value, NotInstalledError)
