"""README and docs say what is so: commands are understood, recipes and Python run, diffs apply, links lead on."""

import importlib.util
import itertools
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from cards import card_json

import create_images
import evaluate
import predict
import train
from pipeline.commands.parser import CommandParser
from pipeline.signals.augmentations import AUGMENTATIONS
from pipeline.sources.synthetic import write_dataset
from pipeline.training.losses import LOSSES
from pipeline.training.options import TrainOptions

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
}
PARSERS = {
    "create_images.py": create_images.parse,
    "train.py": train.parse,
    "evaluate.py": evaluate.parse,
    "predict.py": predict.parse,
}


def typed(page: str) -> list[list[str]]:
    """The words of what begins with ``python``: indented lines, continued ones joined, and code within a sentence."""
    lines = PAGES[page].replace("\\\n", " ").splitlines()
    indented = [line for line in lines if line.startswith("    python ")]
    within = re.findall(r"`(python [^`…]+)`", PAGES[page])
    return [shlex.split(line, comments=True)[1:] for line in [*indented, *within]]


def commands() -> list[tuple[str, list[str]]]:
    return [(page, words) for page in PAGES for words in typed(page) if words[0] in PARSERS]


def modules() -> list[tuple[str, list[str]]]:
    """Commands of our own that are modules: ``python -m pipeline.…``, ``python -m benchmarks.…`` and the campaign."""
    run = [(page, words[1:]) for page in PAGES for words in typed(page) if words[0] == "-m"]
    return [(page, words) for page, words in run if words[0].split(".")[0] in ("pipeline", "benchmarks", "campaign")]


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGES[page], re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """What the headings of a page are called in an address, as GitHub and its like make it."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(("page", "words"), [pytest.param(*each, id=" ".join(each[1])) for each in commands()])
def test_every_command_is_understood(page: str, words: list[str]):
    PARSERS[words[0]](words[1:])


class Understood(Exception):
    """The options were read; what they ask for is not to be done."""


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")  # other tests have imported it, a shell not
@pytest.mark.parametrize(("page", "words"), [pytest.param(*each, id=" ".join(each[1])) for each in modules()])
def test_every_module_understands_its_options(page: str, words: list[str], monkeypatch: pytest.MonkeyPatch):
    read = CommandParser.parse_args

    def stop(parser: CommandParser, given: Any = None, namespace: Any = None) -> Any:
        read(parser, given, namespace)
        raise Understood

    monkeypatch.setattr(CommandParser, "parse_args", stop)
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(Understood):
        runpy.run_module(words[0], run_name="__main__")


def test_the_commands_are_found():
    assert {words[0] for _, words in modules()} >= {"pipeline.sources.ptbxl", "benchmarks.does_fusion_help"}
    assert {words[0] for _, words in commands()} == set(PARSERS)
    assert len(commands()) > 40
    assert {page for page, _ in commands()} >= {"README.md", "docs/guide.md", "docs/extending.md", "docs/results.md"}


@pytest.mark.parametrize("page", PAGES)
def test_every_script_and_module_that_is_run_exists(page: str):
    for words in typed(page):
        if words[0] == "-m":
            assert importlib.util.find_spec(words[1]), words
        else:
            assert words[0] in PARSERS, words


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str):
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", PAGES[page]) if "://" not in link]
    for link in links:
        place, _, anchor = link.partition("#")
        target = ((ROOT / page).parent / place).resolve() if place else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_exists(page: str):
    for name in re.findall(r"`((?:pipeline|models|tests|benchmarks|campaign)/[\w/]*(?:\.\w+)?)`", PAGES[page]):
        assert (ROOT / name).exists() or name in ADDED, name


def test_the_readme_is_a_front_door():
    assert len(PAGES["README.md"].splitlines()) <= 150
    for page in PAGES.keys() - {"README.md"}:
        assert f"]({page})" in PAGES["README.md"], page


def test_the_badges_are_true():
    setup = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    badges = re.findall(r"badge/(\w+)-([\w.+]+)-", PAGES["README.md"])
    assert [name for name, _ in badges] == ["python", "licence", "not_a"]
    assert f"python_requires = >={badges[0][1].removesuffix('+')}\n" in setup
    assert f"license = {badges[1][1]}\n" in setup


def test_the_map_names_every_room():
    tree = PAGES["README.md"].partition("## The rooms")[2].partition("\n## ")[0]
    named = re.findall(r"^      ([\w.]+/?)  ", tree, re.MULTILINE)
    found = [path for path in (ROOT / "pipeline").iterdir() if not path.name.startswith("_")]
    rooms = {f"{path.name}/" if path.is_dir() else path.name for path in found if path.is_dir() or path.suffix == ".py"}
    assert sorted(named) == sorted(rooms)


def test_the_recipe_is_understood():
    (text,) = blocks("docs/guide.md", "toml")
    assert TrainOptions.of(**tomllib.loads(text)).model == "gru"


def test_the_page_of_training_names_what_there_is():
    named = set(re.findall(r"^\| `(\w+)`", PAGES["docs/training.md"], re.MULTILINE))
    assert named >= {*LOSSES, *AUGMENTATIONS}


RUNS = "<!-- runs -->\n```python\n"
QUICK = {"epochs=12": "epochs=1, threads=1", "evaluate(run)": "evaluate(run, resamples=0)"}


@pytest.mark.usefixtures("cpu_as_before")
def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd):
    (code,) = (text.partition("```")[0] for text in PAGES["README.md"].split(RUNS)[1:])
    assert len([line for line in code.splitlines() if line]) <= 10
    for slow, quick in QUICK.items():
        assert slow in code
        code = code.replace(slow, quick)
    write_dataset(tmp_path / "data" / "ptbxl", n_records=60, seed=0)
    monkeypatch.chdir(tmp_path)
    capfd.readouterr()
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert capfd.readouterr() == ("", "")
    assert (tuple(names["x"].shape), tuple(names["y"].shape)) == ((12, 1000), (4,))
    assert list(names["found"]) == ["MI", "STTC", "CD", "HYP"]
    assert all(0 <= probability <= 1 for probability in names["found"].values())
    assert names["auroc"] == names["auroc"], "no number"


@pytest.mark.usefixtures("cpu_as_before")
def test_the_python_of_the_figures_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    code = "".join(
        text.partition("```")[0] for text in PAGES["docs/figures.md"].split("<!-- figures -->\n```python\n")[1:]
    )
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "figures.md", "exec"), {})
    assert len(list(tmp_path.iterdir())) == code.count("save_figure(") == 7


ADDED = {
    *("pipeline/representations/differences.py", "models/image/blocks.py", "pipeline/sources/arrays.py"),
    *("models/fusion/summed.py", "pipeline/sources/formats/raw_samples.py"),
}
"""What the worked diffs add."""

USE = """
import numpy as np, pandas as pd, torch
import sys; sys.path[:0] = [".", "tests/models"]
from models import create_model, list_models
from pipeline import create_stores, open_source, open_store
from pipeline.representations import ImageRecipe, REPRESENTATIONS
assert list(REPRESENTATIONS)[-1] == "differences" and "blocks" in list_models("image")
network = create_model("blocks", in_channels=9, n_classes=4)
assert create_model("blocks", in_channels=2, n_classes=4, n_blocks=4)(torch.zeros(1, 2, 32, 32)).shape == (1, 4)
from test_base import PARAMETERS
assert PARAMETERS["blocks"] == sum(each.numel() for each in network.parameters())
table = pd.DataFrame({"name": ["a", "b", "c"], "patient": ["1", "2", "3"], "fold": [1, 2, 3], "AF": [0, 1, 0]})
table.to_csv("items.csv")
for name in table["name"]:
    np.save(f"{name}.npy", np.sin(np.arange(2500.0))[None])
create_stores(open_source("arrays", "."), "stores", representations="differences", leads="II", size=32, workers=1)
store = open_store("stores/train.h5")
drawn = store.images["differences"].open()
from models import create_fusion
sys.path.insert(0, "tests/models/fusion")
from test_fusion_contract import GRU_AND_ALEXNET, PARAMETERS as OF_FUSIONS
fusion = create_fusion("summed", branches=GRU_AND_ALEXNET, n_classes=4).eval()
assert OF_FUSIONS["summed"] == sum(each.numel() for each in fusion.parameters())
assert fusion({"gru": torch.randn(3, 128), "alexnet": torch.randn(3, 2048)}).shape == (3, 4)
from pipeline.training.losses import make_loss
logits, targets = torch.tensor([[0.8, 0.3]]).logit(), torch.tensor([[1.0, 0.0]])
assert abs(make_loss("multilabel", None, "brier")(logits, targets) - (0.2**2 + 0.3**2) / 2) < 1e-6
from pipeline.sources.formats.opened import Said
from pipeline.sources.formats.registry import open_file
np.array([[1000, -500], [2000, 0]], "<i2").tofile("a.raw")
read = open_file("a.raw", Said(sampling_rate=250.0, leads=("I", "II"))).read()
assert np.allclose(read.signal, [[1, 2], [-0.5, 0]]) and read.sampling_rate == 250
import train; assert train.parse(["-model", "gru", "-loss", "brier"]).loss == "brier"
assert store.signals.shape == (1, 1, 1000) and drawn.shape == (1, 1, 32, 32) and drawn.max() > 128 > drawn.min()
"""


def test_the_worked_diffs_apply_and_work(tmp_path: Path):
    for room in ("pipeline", "models", "tests"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__", "golden"))
    shutil.copy(ROOT / "train.py", tmp_path)
    diffs = blocks("docs/extending.md", "diff")
    assert len(diffs) == 6
    for diff in diffs:
        # a line of a hunk is enough to find its place, so the numbers may be those of another day
        command = ["git", "apply", "--recount", "--unidiff-zero", "-"]
        apply = subprocess.run(command, cwd=tmp_path, input=diff, text=True, capture_output=True, check=False)
        assert apply.returncode == 0, apply.stderr
    assert all((tmp_path / name).exists() for name in ADDED)
    used = subprocess.run([sys.executable, "-c", USE], cwd=tmp_path, text=True, capture_output=True, check=False)
    assert used.returncode == 0, used.stderr


TOY = {"--size": "67", "-nb_filters": "2", "-epochs": "1"}


def recipe(result: str) -> list[str]:
    """The words of the one command that makes this folder, at toy size."""
    (words,) = [words for _, words in commands() if result in words[1:] and words[-1] == result]
    words = [TOY.get(before, word) for before, word in itertools.pairwise(words)]
    if "--out" in words:
        return [*words, "--workers", "1"]
    return [*words, "-threads", "1", *([] if "-epochs" in words else ["-epochs", "1"])]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where the older study's two networks were trained as its page says, on simulated recordings."""
    folder = tmp_path_factory.mktemp("study")
    write_dataset(folder / "data" / "ptbxl", n_records=60, seed=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        create_images.main(recipe("data/study"))
        for name in ("alexnet", "gru"):
            train.main(recipe(f"runs/study-{name}"))
    return folder


@pytest.mark.usefixtures("cpu_as_before")
@pytest.mark.parametrize("name", ["early", "joint"])
def test_the_older_studys_fusions_run(name, study, monkeypatch):
    monkeypatch.chdir(study)
    folder = Path(f"runs/study-{name}")
    train.main(recipe(str(folder)))
    card = card_json(folder)
    assert card["complete"]
    assert list(card["branches"]) == ["study-gru", "study-alexnet"]
    assert card["options"]["finetune"] == (name == "joint")
    assert [card["options"][silent] for silent in ("auxiliary", "branch_dropout")] == [0, 0]
    evaluate.main(["-run", str(folder), "-resamples", "0"])
    assert (folder / "evaluation" / "test" / "table.md").exists()
