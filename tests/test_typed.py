"""JSON and back: a tree of dataclasses survives, and what does not fit is named by its place."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from pipeline.typed import FieldError, as_json, at_least, from_json, left_out, one_of


@dataclass(frozen=True, kw_only=True)
class Leaf:
    name: str
    size: float | None = field(default=None, metadata=at_least(0))


@dataclass(frozen=True, kw_only=True)
class Tree:
    kind: str = field(metadata=one_of("oak", "elm"))
    leaves: tuple[Leaf, ...] = ()
    by_place: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    mixed: str | float | None = field(default=None, metadata=left_out())
    rest: Mapping[str, Any] = field(default_factory=dict)


WHOLE = Tree(
    kind="oak",
    leaves=(Leaf(name="a", size=1.5), Leaf(name="b")),
    by_place={"top": (1, 2)},
    mixed=0.5,
    rest={"list": [1, "x"], "word": "y"},
)


@pytest.mark.parametrize("tree", [WHOLE, Tree(kind="elm"), Tree(kind="elm", mixed="word")])
def test_a_tree_comes_back(tree: Tree):
    assert from_json(Tree, json.loads(json.dumps(as_json(tree)))) == tree


def test_what_is_none_may_be_left_out():
    assert "mixed" not in as_json(Tree(kind="oak"))
    assert as_json(Leaf(name="a")) == {"name": "a", "size": None}


def test_a_whole_number_is_a_number_and_a_truth_is_none():
    assert from_json(Leaf, {"name": "a", "size": 2}) == Leaf(name="a", size=2.0)
    with pytest.raises(FieldError, match="size is True, not a number"):
        from_json(Leaf, {"name": "a", "size": True})


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ([], r"it is \[\], not named fields"),
        ({}, "it lacks kind"),
        ({"kind": "ash"}, "kind is 'ash', not oak or elm"),
        ({"kind": "oak", "leaves": [{"name": "a"}, {}]}, r"it lacks leaves\[1\].name"),
        (
            {"kind": "oak", "leaves": [{"name": "a", "size": -1}]},
            r"leaves\[0\].size is -1.0, not a number of at",
        ),
        ({"kind": "oak", "by_place": {"top": [1]}}, r"by_place.top is \[1\], not a list of 2"),
        ({"kind": "oak", "by_place": {"top": [1, "x"]}}, r"by_place.top\[1\] is 'x', not a whole number"),
        ({"kind": "oak", "height": 3}, "it has height, which this version does not know"),
        ({"kind": "oak", "mixed": []}, r"mixed is \[\], not a number"),
        ({"kind": "oak", "rest": {"deep": [[[1]]]}}, "rest.deep is .* nested too deep"),
        ({"kind": "o" * 500}, r"kind is 'o+', not oak or elm"),
    ],
)
def test_what_does_not_fit_is_named_by_its_place(found, sentence: str):
    with pytest.raises(FieldError, match=sentence):
        from_json(Tree, found)
