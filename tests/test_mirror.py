"""The tests mirror the rooms: each module has a test file of its own name, or is named here with who tests it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"

WITHOUT: dict[str, str] = {}
"""Module → the tests that try it, and why it has no file of its own."""


def modules() -> list[Path]:
    found = [path for package in ("models", "pipeline") for path in sorted((ROOT / package).rglob("*.py"))]
    return [path.relative_to(ROOT) for path in found if path.stem not in ("__init__", "__main__")]


def own_tests(module: Path) -> Path:
    """``pipeline/ROOM/NAME.py`` → ``tests/ROOM/test_NAME.py``; of ``models`` the folder stays."""
    inside = module.relative_to("pipeline") if module.parts[0] == "pipeline" else module
    return TESTS / inside.parent / f"test_{inside.name}"


def test_every_module_is_tested_where_one_would_look():
    without = {module.as_posix() for module in modules() if not own_tests(module).exists()}
    assert without - set(WITHOUT) == set()
    assert set(WITHOUT) - without == set(), "these have a test file now, or are gone: take them out of the list"


def test_the_list_names_tests_that_are_there():
    for module, where in WITHOUT.items():
        for name in where.split(":")[0].split(", "):
            assert (TESTS / name).exists(), (module, name)
