"""Recipes and options by name and value: what is read, and that nothing that is typed is a traceback."""

import argparse
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import create_images
import evaluate
import train
from pipeline.commands.recipes import named_value, read_recipe, recipe_text
from pipeline.errors import EcgFusionError

FIELD_WORDS = st.sampled_from(
    ["-model", "--epochs", "-leads", "-set", "-crop", "-folds", "--size", "-run", "-resamples", "all", "I", "V2", "gru"]
)
ODD_WORDS = st.sampled_from(
    ["-1", "1e400", "nan", "", "-", "--", "--=", "-=3", "a=", "=", "a=[" + "[" * 2000, "\x1b[31m", "１"]
)
WORDS = st.lists(FIELD_WORDS | ODD_WORDS | st.text(max_size=12), max_size=8)


@pytest.mark.parametrize(
    "parse", [create_images.parse, train.parse, evaluate.parse], ids=["create", "train", "evaluate"]
)
@given(words=WORDS)
def test_words_are_understood_or_refused_in_a_line(parse, words):
    code: object = 0
    try:
        parse(words)
    except SystemExit as ended:
        code = ended.code
    assert code in (0, 2)


@given(
    text=st.text(max_size=60)
    | st.sampled_from(["a = " + "[" * 5000, "a" + ".a" * 5000 + " = 1", "a = 1\na = 2", "\ufeffa = 1"])
)
def test_a_recipe_is_what_tomllib_reads_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("recipe") / "recipe.toml"
    path.write_text(text, encoding="utf-8", errors="replace", newline="")
    found, refused = None, None
    try:
        found = read_recipe(path)
    except EcgFusionError as problem:
        refused = str(problem)
    if refused:
        assert str(path) in refused
    else:
        assert repr(found) == repr(tomllib.loads(path.read_bytes().decode("utf-8")))


WORD = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
PLAIN = WORD | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.floats(allow_nan=False)
OPTIONS = st.dictionaries(WORD, PLAIN | st.lists(PLAIN) | st.dictionaries(WORD, PLAIN | st.lists(PLAIN)))


@given(options=OPTIONS)
def test_what_is_written_as_a_recipe_is_read_again(options):
    found = tomllib.loads(recipe_text(options))
    assert repr(found) == repr(options)


@given(
    name=st.from_regex(r"[a-z_]{1,8}", fullmatch=True), value=st.integers() | st.booleans() | st.floats(allow_nan=False)
)
def test_a_value_comes_back(name, value):
    written = str(value).lower() if isinstance(value, bool) else repr(value)
    assert named_value(f"{name}={written}") == (name, value)


@given(text=st.text(max_size=40) | st.just("a=" + "[" * 5000))
def test_any_word_is_a_name_and_a_value_or_refused(text):
    name, refused = "", None
    try:
        name, _ = named_value(text)
    except argparse.ArgumentTypeError as problem:
        refused = str(problem)
    assert text.startswith(f"{name}=") if refused is None else "is not NAME=VALUE" in refused


def test_a_folder_is_no_recipe(tmp_path: Path):
    with pytest.raises(EcgFusionError, match="is a folder: name a TOML file"):
        read_recipe(tmp_path)
