"""The pages: whole, labelled, and asking nobody else."""

import base64
import configparser
import html
import json
from pathlib import Path

import pytest
from serving import Tags

from pipeline.scoring.answers import NOTICE
from pipeline.sources.formats.registry import FORMATS


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_asks_nobody_else_and_can_be_used_without_a_mouse(client, path: str):
    page = client.get(path)
    tags = Tags(page.text).tags
    for tag, attributes in tags:
        assert "style" not in attributes, tag
        for name in ("src", "href", "action"):
            assert not (attributes.get(name) or "").startswith(("http", "//")), attributes
    labelled = {attributes.get("for") for tag, attributes in tags if tag == "label"}
    for tag, attributes in tags:
        if tag in ("input", "select") and attributes.get("type") != "checkbox":
            assert attributes["id"] in labelled, attributes
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert ("html", {"lang": "en"}) in tags
    assert "main" in ids
    assert not [attributes for _, attributes in tags if int(attributes.get("tabindex") or 0) > 0]


def test_the_page_of_an_answer(client, example):
    page = client.post("/", files={"file": example}).text
    part = client.post("/", files={"file": example}, headers={"X-Part": "1"}).text
    assert part.lstrip().startswith("<article")
    assert "<html" not in part
    for text in (page, part):
        for wanted in ("MI", "STTC", "gru", "stored", "kfold", NOTICE, "12 leads", "500 Hz", "10 s"):
            assert wanted in html.unescape(text)
    links = {
        attributes["download"]: attributes["href"] for tag, attributes in Tags(part).tags if "download" in attributes
    }
    assert set(links) == {"example.json", "example.svg"}
    told = json.loads(base64.b64decode(links["example.json"].partition(",")[2]))
    assert told == client.post("/predict", files={"file": example}).json()
    alts = [attributes.get("alt") for tag, attributes in Tags(part).tags if tag == "img"]
    assert all(alts)
    assert sum("field" in alt for alt in alts) == 2 * 3  # stored sees gaf and mtf of three leads


def test_every_format_is_named(client):
    page = html.unescape(client.get("/").text)
    for each in FORMATS.values():
        assert each.title in page


def test_what_the_pages_are_made_of_is_installed_with_them():
    root = Path(__file__).parents[2]
    setup = configparser.ConfigParser()
    setup.read(root / "setup.cfg", encoding="utf-8")
    room = root / "pipeline" / "server"
    named = {path for glob in setup["options.package_data"]["pipeline.server"].split() for path in room.glob(glob)}
    there = {path for path in room.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert named == there
    assert {path.suffix for path in there} == {".html", ".css", ".js", ".svg"}
