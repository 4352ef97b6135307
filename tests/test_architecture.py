"""The house: which room may import which, read from the imports; nothing runs back up, and nothing runs in a circle."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

GROUND = {"errors", "labels", "listening", "typed", "patient_folds", "models", "signals", "representations"}
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "labels": {"errors", "listening"},
    "listening": {"errors"},
    "typed": set(),
    "patient_folds": set(),
    "models": set(),
    "signals": {"errors"},
    "representations": {"errors", "signals", "listening"},
    "machine": {"errors", "listening"},
    "commands": {"errors", "listening", "typed", "signals", "representations", "machine"},
    "evaluation": {"errors", "labels", "listening", "typed", "machine"},
    "sources": GROUND - {"models", "representations"} | {"machine", "commands"},
    "report": GROUND | {"machine", "commands", "evaluation", "sources", "scoring"},
    "demo": {"errors", "commands", "machine"},
    "store": GROUND - {"models"} | {"machine", "commands", "sources"},
    "inputs": GROUND - {"models"} | {"machine", "commands", "store"},
    "runs": GROUND | {"machine", "commands", "evaluation", "store", "inputs"},
    "scoring": GROUND | {"machine", "evaluation", "sources", "store", "inputs", "runs"},
    "export": GROUND | {"machine", "commands", "evaluation", "inputs", "runs", "scoring"},
    "explain": GROUND
    | {"machine", "commands", "evaluation", "sources", "report", "store", "inputs", "runs", "scoring", "export"},
    "page": GROUND | {"machine", "commands", "evaluation", "report", "store", "inputs", "runs", "scoring", "explain"},
    "training": GROUND | {"machine", "commands", "evaluation", "store", "inputs", "runs", "scoring"},
    "fusion": GROUND | {"machine", "commands", "evaluation", "store", "inputs", "runs", "scoring", "training"},
    "server": GROUND
    | {"machine", "commands", "evaluation", "sources", "report", "store", "inputs", "runs", "scoring", "explain"},
}
"""Each room of ``pipeline`` (and ``models``) → the rooms that it may import, beside itself."""

EXCEPTIONS = {
    ("pipeline/store/show.py", "report"),  # one record as an image, drawn for create_images.py --show
    ("pipeline/training/search.py", "report"),  # a command: it draws what mattered, and writes a table of its trials
    ("pipeline/report/__main__.py", "page"),  # a door: the command is called by the room that people know
}


KNOW_ALL_THE_SAME = {("pipeline/signals/augmentations.py", "torch")}  # they change a batch where it is, on a GPU
"""Files that import what their room knows nothing of; no other file of the room imports them."""


def imported(tree: ast.AST) -> Iterator[str]:
    """The modules that a file imports, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def room_of(module: str) -> str | None:
    """The room that a module lies in, None where it is no part of the house."""
    first, *rest = module.split(".")
    if first == "models":
        return "models"
    return rest[0] if first == "pipeline" and rest else None


def files() -> list[Path]:
    return sorted(path for package in ("pipeline", "models") for path in (ROOT / package).rglob("*.py"))


def arrows() -> set[tuple[str, str, str]]:
    """File, its room, and each other room that it imports."""
    found = set()
    for path in files():
        name = path.relative_to(ROOT).as_posix()
        here = room_of(name.removesuffix(".py").replace("/", "."))
        for module in imported(ast.parse(path.read_text(encoding="utf-8"))):
            there = room_of(module)
            if here in MAY_IMPORT and there in MAY_IMPORT and here != there:
                found.add((name, here, there))
    return found


def test_every_room_is_in_the_table():
    rooms = {
        path.relative_to(ROOT / "pipeline").parts[0].removesuffix(".py") for path in (ROOT / "pipeline").rglob("*.py")
    }
    assert rooms - {"__init__", "__main__"} | {"models"} == set(MAY_IMPORT)


def test_no_arrow_runs_up():
    wrong = {(name, there) for name, here, there in arrows() if there not in MAY_IMPORT[here]}
    assert wrong - EXCEPTIONS == set()
    assert wrong >= EXCEPTIONS, "an exception that nothing needs: take it out of the table"


def test_the_table_has_no_circle():
    below: list[str] = []
    left = dict(MAY_IMPORT)
    while left:
        ready = [room for room, used in left.items() if used <= set(below)]
        assert ready, f"a circle among {sorted(left)}"
        below += ready
        left = {room: used for room, used in left.items() if room not in ready}


@pytest.mark.parametrize(
    ("room", "never"),
    [("evaluation", "torch"), ("models", "pipeline"), ("sources", "h5py"), ("signals", "torch"), ("commands", "torch")],
)
def test_a_room_knows_nothing_of(room: str, never: str):
    folder = ROOT / ("models" if room == "models" else f"pipeline/{room}")
    for path in folder.rglob("*.py"):
        modules = set(imported(ast.parse(path.read_text(encoding="utf-8"))))
        knows = {module for module in modules if module.split(".")[0] == never}
        assert bool(knows) == ((path.relative_to(ROOT).as_posix(), never) in KNOW_ALL_THE_SAME), path


def test_what_knows_all_the_same_is_kept_apart():
    """Who imports another file of the room gets no torch with it."""
    for name, _ in KNOW_ALL_THE_SAME:
        room, module = name.rpartition("/")[0], name.removesuffix(".py").replace("/", ".")
        for path in (ROOT / room).rglob("*.py"):
            assert module not in set(imported(ast.parse(path.read_text(encoding="utf-8")))), path


def test_reports_are_imported_by_commands_alone():
    # the page and an explanation are what a reader sees, too
    importers = {
        name for name, here, there in arrows() if there == "report" and here not in ("server", "explain", "page")
    }
    assert importers == {name for name, room in EXCEPTIONS if room == "report"}


def test_the_door_of_the_page_is_a_door():
    """``python -m pipeline.report`` starts what another room does; nothing of the room of reports is in it."""
    tree = ast.parse((ROOT / "pipeline/report/__main__.py").read_text(encoding="utf-8"))
    assert not any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.walk(tree))
    assert {module for module in imported(tree) if room_of(module) == "page"} == {
        "pipeline.page.command",
        "pipeline.page.command.main",
    }
    importers = {path for path in files() if path.parent.name == "report" and path.stem != "__main__"}
    for path in importers:
        known = {room_of(module) for module in imported(ast.parse(path.read_text(encoding="utf-8")))}
        assert known.isdisjoint({"page", "runs", "explain"}), path
