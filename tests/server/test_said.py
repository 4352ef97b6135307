"""What a sender says of a file, and what cannot be said."""

import pytest

from pipeline.server.limits import Problem
from pipeline.server.said import said_in
from pipeline.server.uploads import Form
from pipeline.sources.formats.opened import Said


def test_an_empty_form_says_nothing():
    assert said_in(Form()) == Said()
    assert said_in(Form(fields={"unit": [""], "sampling_rate": [" "], "leads_of_file": [""], "array": [""]})) == Said()


def test_all_can_be_said():
    fields = {"unit": ["uV"], "sampling_rate": ["500"], "leads_of_file": ["i, AVR  V1"], "array": ["val"]}
    fields |= {"age": ["71.5"], "sex": ["female"]}
    assert said_in(Form(fields=fields)) == Said("uV", 500.0, ("I", "aVR", "V1"), "val", age=71.5, sex=1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("sampling_rate", value) for value in ("fast", "0", "-1", "nan", "inf", "1e12", "<script>")),
        *(("age", value) for value in ("old", "-1", "131", "nan", "inf", "<script>")),
        *(("sex", value) for value in ("Male", "0", "<script>")),
        ("unit", "furlong"),
        ("leads_of_file", "I II I"),
    ],
)
def test_what_cannot_be_is_one_sentence(name: str, value: str):
    with pytest.raises(Problem) as problem:
        said_in(Form(fields={name: [value]}))
    assert problem.value.status == 400
    assert "\n" not in problem.value.sentence
