"""The table [search]: what may be chosen, and that what cannot be is refused where it enters, with file and option."""

import tomllib
from typing import Any

import pytest

from pipeline.errors import EcgFusionError
from pipeline.training.search_space import Choices, Range, one_by_one, read_space, with_choices

BASE = {"model": "gru", "epochs": 3, "set": {"width": 2}}
FULL = """
learning_rate = { low = 1e-4, high = 1e-1, log = true }
dropout = { low = 0, high = 0.5, step = 0.1 }
nb_filters = { low = 32, high = 128, step = 32 }
batch_size = [32, 64]
beat = [true, false]
augment = [["noise"], ["noise", "scaling"]]
optimizer = { choices = ["adam", "sgd"] }
[set]
depth = { low = 2, high = 4 }
"""


def read(text: str, base: dict[str, Any] | None = None) -> dict[str, Any]:
    return dict(read_space(tomllib.loads(text), BASE if base is None else base, "r.toml"))


def test_ranges_and_choices_are_as_written():
    assert read(FULL) == {
        "learning_rate": Range(1e-4, 1e-1, log=True),
        "dropout": Range(0.0, 0.5, step=0.1),
        "nb_filters": Range(32, 128, step=32, whole=True),
        "batch_size": Choices((32, 64)),
        "beat": Choices((True, False)),
        "augment": Choices((["noise"], ["noise", "scaling"])),
        "optimizer": Choices(("adam", "sgd")),
        "set.depth": Range(2, 4, whole=True),
    }


def test_a_range_knows_its_values_where_they_end():
    assert Range(0.0, 0.3, step=0.1).values() == (0.0, 0.1, 0.2, 0.3)
    assert Range(32, 128, step=32, whole=True).values() == (32, 64, 96, 128)
    assert Range(2, 4, whole=True).values() == (2, 3, 4)
    assert Range(0.0, 1.0).values() is None
    assert Range(1, 8, log=True, whole=True).values() is None


def test_choices_join_the_options_of_the_recipe():
    chosen = {"learning_rate": 0.1, "set.depth": 3}
    assert with_choices(BASE, chosen) == {**BASE, "learning_rate": 0.1, "set": {"width": 2, "depth": 3}}
    assert BASE["set"] == {"width": 2}
    assert with_choices({"model": "gru"}, {"dropout": 0.1}) == {"model": "gru", "dropout": 0.1}


def test_each_end_and_choice_comes_once():
    space = read("dropout = { low = 0.0, high = 0.5 }\nbatch_size = [8, 16, 32]")
    assert [tuple(chosen.values()) for chosen in one_by_one(space)] == [(0.0, 8), (0.5, 8), (0.0, 16), (0.0, 32)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "[search] names what may be chosen"),
        ("lerning_rate = [0.1, 0.2]", "lerning_rate: there is no such option: did you mean learning_rate"),
        ("learning_rate = 0.1", "learning_rate is 0.1, nothing to choose from"),
        ("learning_rate = { low = 0.1 }", "learning_rate has no high"),
        ("learning_rate = { high = 0.1 }", "learning_rate has no low"),
        ("learning_rate = { low = 0.1, high = 0.01 }", "low = 0.1 is not below high = 0.01"),
        ("learning_rate = { low = 0.0, high = 0.1, log = true }", "log = true needs a low above 0"),
        ("learning_rate = { low = 0.1, high = 0.2, log = true, step = 0.1 }", "log = true needs no step"),
        ("learning_rate = { low = 0.1, high = 0.2, log = 1 }", "log is 1: write log = true"),
        ("learning_rate = { low = 0.1, high = inf }", "high is inf, not a number"),
        ("learning_rate = { low = 0.1, high = 1e9 }", "-learning_rate 1000000000.0 does not work"),
        ("learning_rate = { low = 0.1, high = 0.2, lgo = true }", "has no lgo: did you mean low or log"),
        ("dropout = { low = 0.0, high = 0.5, step = 0.2 }", "step = 0.2 does not lead from 0.0 to 0.5"),
        ("batch_size = { low = 1.5, high = 8 }", "batch_size is a whole number"),
        ("batch_size = [8]", "[8] is nothing to choose from"),
        ("batch_size = [8, 8]", "[8, 8] is nothing to choose from"),
        ("batch_size = [8, 0.5]", "[search] batch_size is 0.5, not a whole number"),
        ("batch_size = { choices = 8 }", "choices are a list alone"),
        ("optimizer = ['adam', 'adm']", "optimizer is 'adm', not adam or adamw"),
        ("optimizer = { low = 'adam', high = 'sgd' }", "low is 'adam', not a number; words are listed"),
        ("optimizer = { low = 0.1, high = 0.2 }", "[search] optimizer is 0.1, not text"),
        ("seed = [1, 2]", "seed cannot be searched: it is chance"),
        ("task = ['form', 'all']", "task cannot be searched: it changes what is judged"),
        ("path_save_model = ['a', 'b']", "path_save_model cannot be searched"),
        ("epochs = [1, 2]", "epochs has one value above the table already"),
        ("set = 3", "set is a table of options by name"),
        ("[set]\nwidth = [1, 2]", "set.width has one value above the table already"),
        ("[set]\nepochs = [1, 2]", "-set epochs=1 has an option of its own"),
    ],
)
def test_what_cannot_be_searched_is_refused_with_file_and_option(text: str, said: str):
    with pytest.raises(EcgFusionError) as refused:
        read(text)
    assert str(refused.value).startswith("r.toml: [search]")
    assert said in str(refused.value)
