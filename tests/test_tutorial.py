"""The tutorial runs, command by command; and every mistake that a page tells of is answered with its sentence."""

import importlib
import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import create_images
import evaluate
import predict
import train
from pipeline.errors import EcgFusionError

DOCS = Path(__file__).resolve().parents[1] / "docs"
MAINS = {
    "create_images.py": create_images.main,
    "train.py": train.main,
    "evaluate.py": evaluate.main,
    "predict.py": predict.main,
}
QUICK = {"--records": "60", "-epochs": "1 -threads 1"}


def words_of(line: str) -> tuple[str, list[str]]:
    """What is run, a file or a module, and its options."""
    _, first, *rest = shlex.split(line, comments=True)
    return (rest[0], rest[1:]) if first == "-m" else (first, rest)


def run(line: str) -> None:
    program, words = words_of(line)
    main = MAINS.get(program)
    if main is None:
        is_room = importlib.util.find_spec(f"{program}.__main__") if program.count(".") == 1 else None
        main = importlib.import_module(f"{program}.__main__" if is_room else program).main
    main(words)


def steps() -> list[str]:
    """The commands of the tutorial, those that follow a mark."""
    return re.findall(r"<!-- tutorial -->\n\n    (python .+)\n", (DOCS / "tutorial.md").read_text(encoding="utf-8"))


def quickly(line: str) -> str:
    """The same with fewer records and epochs."""
    for option, value in QUICK.items():
        line = re.sub(rf"({option}) \S+", rf"\1 {value}", line)
    return f"{line} -resamples 40" if " evaluate.py " in line else line


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which the tutorial was followed."""
    folder, threads = tmp_path_factory.mktemp("tutorial"), torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for line in steps():
            run(quickly(line))
    yield folder
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)


def test_the_tutorial_leaves_what_it_says(followed: Path):
    assert len(steps()) >= 9
    for name in ("train.h5", "dev.h5", "test.h5", "1.png"):
        assert (followed / "data" / "ptbxl-images" / name).exists()
    for name in ("signal", "beat", "fused"):
        assert (followed / "runs" / name / "run.json").exists()
    assert (followed / "runs" / "signal" / "evaluation" / "test" / "table.md").exists()
    assert (followed / "runs" / "signal" / "evaluation" / "test" / "comparison.md").exists()


def mistakes() -> list[tuple[str, str]]:
    """Commands and what answers them, of all pages."""
    found = []
    for page in sorted(DOCS.glob("*.md")):
        text = page.read_text(encoding="utf-8").partition("\n## Typical mistakes\n")[2].partition("\n## ")[0]
        for command, answer in re.findall(r"^    \$ (python .+)\n((?:    (?!\$).+\n)+)", text, re.MULTILINE):
            found.append((command, " ".join(answer.split())))
    return found


def test_the_mistakes_are_found():
    assert len(mistakes()) > 25
    assert {words_of(command)[0] for command, _ in mistakes()} >= set(MAINS)


@pytest.mark.usefixtures("cpu_as_before")
@pytest.mark.parametrize(("command", "answer"), [pytest.param(*each, id=each[0]) for each in mistakes()])
def test_a_mistake_is_answered_as_its_page_says(command: str, answer: str, followed: Path, monkeypatch, capfd):
    monkeypatch.chdir(followed)
    before = {path for path in followed.rglob("*") if ".lock" not in path.name}
    said = ""
    try:
        run(command)
    except EcgFusionError as problem:
        said = str(problem)
    except SystemExit as problem:
        said = str(problem.code) if isinstance(problem.code, str) else capfd.readouterr().err
    said = " ".join((said or capfd.readouterr().err).split())
    program, _, sentence = answer.partition(": ")
    assert said.removeprefix(f"{program}: ").removeprefix(f"python -m {program}: ").endswith(sentence)
    assert {path for path in followed.rglob("*") if ".lock" not in path.name} == before
