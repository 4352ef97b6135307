"""The page of the data contract names what is written, and nothing else."""

import re
import shutil
from dataclasses import fields
from pathlib import Path

import h5py
import pytest
from heartbeat_sets import write_mitdb

from pipeline import create_stores, open_source
from pipeline.evaluation.scores import _OPTIONAL, _REQUIRED
from pipeline.runs.card import Card
from pipeline.runs.seals import SEAL

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "data_contract.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def stores(synthetic_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Of a sample of records with images, and of heartbeats whose patients are in several partitions."""
    folder = tmp_path_factory.mktemp("stores")
    create_stores(open_source("ptbxl", synthetic_folder), folder / "records", limit=4, size=32, workers=1)
    write_mitdb(folder / "mitdb", dict.fromkeys((101, 106, 100, 103), "NV" * 10))
    beats = open_source("mitdb", folder / "mitdb")
    create_stores(beats, folder / "beats", representations="none", folds="intra_patient", workers=1)
    return [folder / "records" / "train.h5", folder / "beats" / "train.h5"]


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading."""
    text = PAGE.partition(f"{heading}\n")[2].partition("\n#")[0]
    lines = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line] for line in lines]


def first_names(heading: str) -> set[str]:
    return {re.findall(r"`([^`]+)`", row[0])[0] for row in rows(heading)}


def as_on_the_page(dataset: str) -> str:
    """A dataset as the page has it: NAME and TASK for what is one of many."""
    group, _, last = dataset.rpartition("/")
    name = {"labels": "TASK", "labelled": "TASK", "features": "NAME", "images": "NAME", "checksums/images": "NAME"}
    return f"/{group}/{name.get(group, last)}" if group else f"/{last}"


def contents(path: Path) -> tuple[set[str], dict[str, set[str]]]:
    """Attributes of the file, and each dataset with its own."""
    found: dict[str, set[str]] = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, each: found.update({name: set(each.attrs)} if isinstance(each, h5py.Dataset) else {})
        )
        return set(file.attrs), found


def test_every_dataset_is_named_and_is_there(stores: list[Path]):
    written = {as_on_the_page(name) for path in stores for name in contents(path)[1]}
    assert first_names("### Datasets") == written


def test_every_attribute_of_the_file_is_named_and_is_there(stores: list[Path]):
    assert first_names("### Attributes of the file") == set().union(*(contents(path)[0] for path in stores))


def test_every_attribute_of_a_dataset_is_named_and_is_there(stores: list[Path]):
    named = {row[0].strip("`"): set(re.findall(r"`(\w+)`", row[1])) for row in rows("### Attributes of a dataset")}
    named["/labels/TASK"] -= {"multilabel", "multiclass"}
    written: dict[str, set[str]] = {}
    for path in stores:
        for name, attributes in contents(path)[1].items():
            if attributes:
                shown = "/labels/TASK" if name.startswith("labels/") else f"/{name}"
                written[shown] = written.get(shown, set()) | attributes
    assert named == written


def test_shapes_and_types_are_those_of_the_page(stores: list[Path]):
    said = {row[0].strip("`"): row[1] for row in rows("### Datasets")}
    for path in stores:
        with h5py.File(path) as file:
            for name in contents(path)[1]:
                shape, _, kind = said[as_on_the_page(name)].rpartition(") ")
                assert len(file[name].shape) == len(shape.strip("(").rstrip(",").split(",")), name
                assert (kind == "text") == (file[name].dtype == object), name
                assert kind in ("text", str(file[name].dtype)), name


def test_the_scores_file_is_that_of_the_page():
    assert [re.findall(r"`(\w+)`", row[0])[0] for row in rows("## A scores file")] == [*_REQUIRED, *_OPTIONAL]
    optional = [row[0].strip("`") for row in rows("## A scores file") if "may be absent" in row[1]]
    assert optional == list(_OPTIONAL)


def test_the_card_is_that_of_the_page():
    assert first_names("## A card") == {each.name for each in fields(Card)} | {SEAL}
    absent = {row[0].split("`")[1] for row in rows("## A card") if "○" in row[0]}
    assert absent == {each.name for each in fields(Card) if each.default is None}


def test_the_python_of_the_page_reads_a_store(stores: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copy(stores[0], tmp_path / "train.h5")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(PAGE.partition("<!-- contract -->\n```python\n")[2].partition("```")[0], "page", "exec"), names)
    assert names["classes"] == ["MI", "STTC", "CD", "HYP"]
    assert getattr(names["first_mv"], "shape", None) == (12, 1000)
    assert getattr(names["labels"], "shape", (0, 0))[1] == 4
