"""The recipes of ``recipes/``: each is understood, its network is planned as it says, and learns a step.

What they are trained on here are stores of their kind: windows or whole records of a rhythm, heartbeats one by one or
in sequences, images. The networks of rhythms see as many samples as they were published for.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cards import card_json
from made_stores import FOLDS, made_items, write_store
from signal_stores import make_signal_stores

import create_images
from models import describe_fusion, list_fusions
from models.registry import describe_model
from pipeline.commands.recipes import read_recipe
from pipeline.representations import ImageRecipe
from pipeline.sources.snomed_codes import TASKS as CODE_TASKS
from pipeline.store.reading import open_store
from pipeline.training.options import TrainOptions
from pipeline.training.plan import plan
from pipeline.training.run import train_run

pytestmark = pytest.mark.usefixtures("cpu_as_before")

FILES = {path.stem: path for path in sorted((Path(__file__).parent.parent / "recipes").glob("*.toml"))}
RECIPES = {name: read_recipe(path) for name, path in FILES.items()}
NETWORKS = [name for name, recipe in RECIPES.items() if "combine" not in recipe]
FUSIONS = [name for name in RECIPES if name not in NETWORKS]
CLASSES = {"rhythm3": "NOA", "aami4": "NSVF", "aami5": "NSVFQ", "mi": ("HC", "MI")}
CLASSES |= {name: tuple(CODE_TASKS[name].classes) for name in ("cpsc9", "chapman4")}
SLOW = {"epochs", "patience", "warmup", "cycles", "kfold", "folds_seed"}  # what one step has no room for
BEHIND = {"init", "freeze", "init_learning_rate"}  # of a run that is another recipe's: tests/training/test_transfer.py
FOR_WINDOWS = [name for name, recipe in RECIPES.items() if recipe.get("join")]


def make_stores(folder: Path, recipe: dict[str, Any], n_beats: int) -> Path:
    """Train and dev of what a recipe learns from: 16 and 10 records."""
    task, leads, windows = recipe["task"], tuple(recipe.get("leads", ("ECG",))), 2 if "join" in recipe else 1
    seconds: tuple[float, ...] = (15.0,)
    images, how = ImageRecipe(representations=()), dict[str, Any]()
    if task == "rhythm3" and windows == 1:
        seconds = (15.0, 9.5)
    elif task in CODE_TASKS:
        seconds, how = (10.0, 7.0), {"kind": CODE_TASKS[task].kind}
    elif task != "rhythm3":
        kind = {"kind": "beats", "beats": n_beats}
        seconds, how = (n_beats * 1.87,), {"cut": kind}
    if recipe.get("representation") and not recipe.get("on_the_fly"):
        images = ImageRecipe(size=72, representations=tuple(recipe["representation"]))
    for partition, n_records in (("train", 16), ("dev", 10)):
        made = made_items(partition, n_records, CLASSES[task], seconds=seconds, n_leads=len(leads), windows=windows)
        if "features" in recipe:
            made.features["rr"] = np.random.default_rng(0).uniform(0.5, 1.5, (n_records, 3)).astype(np.float32)
        write_store(folder, partition, made, leads=leads, task=task, images=images, folds=FOLDS, **how)
    return folder


@pytest.fixture(scope="module")
def like_ptbxl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stores of 40 records like PTB-XL's, which have its tasks."""
    return make_signal_stores(tmp_path_factory.mktemp("signals"), 40)


@pytest.fixture
def made(name: str, like_ptbxl: Path, tmp_path: Path) -> dict[str, Any]:
    """A recipe's options, for stores of its kind."""
    recipe = {option: value for option, value in RECIPES[name].items() if option not in BEHIND}
    sequence = "n_beats" in describe_model(recipe["model"]).options
    of_its_kind = recipe["task"] in CLASSES
    stores = make_stores(tmp_path / "stores", recipe, 9 if sequence else 1) if of_its_kind else like_ptbxl
    return {**recipe, "data": str(stores), "path_save_model": str(tmp_path / "run"), "threads": 1}


@pytest.mark.parametrize("name", RECIPES)
def test_its_options_are_known_and_it_has_a_folder_of_its_own(name: str) -> None:
    options = TrainOptions.of(str(FILES[name]), **RECIPES[name])
    assert options.path_save_model
    assert [path for path in RECIPES if RECIPES[path].get("path_save_model") == options.path_save_model] == [name]


@pytest.mark.parametrize("name", RECIPES)
def test_it_says_first_what_it_is_and_how_its_stores_are_made(name: str) -> None:
    lines = FILES[name].read_text(encoding="utf-8").split("\n")
    says = "\n".join(line for line in lines if line.startswith("#"))
    assert lines[0].startswith("# ")
    assert f"-config recipes/{name}.toml" in says or "$form.toml" in says
    commands = re.findall(r"^#\s+python create_images\.py ((?:.*\\\n)*.*)$", says, re.MULTILINE)
    assert commands or re.search(r"[sS]tores[^.]*recipes/|^# Stores: see", says, re.MULTILINE)
    for words in commands:
        given = create_images.parse(re.sub(r"\\\n#", " ", words).split())
        assert "join" not in RECIPES[name] or given.window


@pytest.mark.parametrize("name", FUSIONS)
def test_what_a_fusion_fuses_is_trained_by_what_it_says(name: str) -> None:
    recipe, says = RECIPES[name], FILES[name].read_text(encoding="utf-8")
    assert recipe["combine"] in list_fusions(recipe["model"])
    assert describe_fusion(recipe["combine"]).level == recipe["model"]
    for branch in recipe["branches"]:
        assert branch in [each.get("path_save_model") for each in RECIPES.values()] or re.search(
            re.escape(branch.rsplit("-", 1)[0].rsplit("_", 1)[0]), says
        )


@pytest.mark.parametrize("name", NETWORKS)
def test_its_training_is_planned_and_learns_a_step(name: str, made: dict[str, Any]) -> None:
    train, dev = (open_store(Path(made["data"]) / f"{partition}.h5") for partition in ("train", "dev"))
    card = plan(TrainOptions.of(**made), train, dev)
    assert (card.model, card.task, card.join) == (made["model"], made["task"], made.get("join"))
    short = {option: value for option, value in made.items() if option not in SLOW}
    run = train_run(TrainOptions.of(**short, epochs=1))
    assert card_json(run)["complete"]


@pytest.mark.parametrize("name", [name for name in FOR_WINDOWS if name in NETWORKS])
def test_a_network_of_rhythms_is_as_large_as_published(name: str, made: dict[str, Any]) -> None:
    from pipeline.runs.build import build_network

    train, dev = (open_store(Path(made["data"]) / f"{partition}.h5") for partition in ("train", "dev"))
    card = plan(TrainOptions.of(**made), train, dev)
    assert card.spec.crop_samples == 1500
    numbers = sum(weights.numel() for weights in build_network(card).parameters())
    assert f"{numbers:,} trainable parameters" in FILES[name].read_text(encoding="utf-8")
