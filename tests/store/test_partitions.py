"""Which folds make which partition, and that no patient is in two."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import EcgFusionError
from pipeline.sources import SOURCES
from pipeline.store.partitions import PARTITIONS, format_folds, parse_folds, partition_rows


def items(patients: list[str], folds: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"patient_id": patients, "fold": folds})


def test_the_default_is_that_of_the_benchmark():
    default_folds = SOURCES["ptbxl"].default_folds
    assert parse_folds(default_folds) == {"train": [1, 2, 3, 4, 5, 6, 7, 8], "dev": [9], "test": [10]}
    assert tuple(parse_folds(default_folds)) == PARTITIONS


@pytest.mark.parametrize(
    ("words", "folds"),
    [
        (["train=1"], {"train": [1]}),
        (["train=3,1,5-7", "test=2"], {"train": [1, 3, 5, 6, 7], "test": [2]}),
        (["dev=4-4,4"], {"dev": [4]}),
        (["test=10", "train=1-2"], {"test": [10], "train": [1, 2]}),
    ],
)
def test_folds_are_numbers_and_spans(words, folds):
    assert parse_folds(words) == folds


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["train=1-8", "dev=8"], "puts fold 8 into train and dev"),
        (["train=1-8", "test=5-20"], "puts fold 5 into train and test"),
        (["train=1", "train=2"], "names train twice"),
        (["train=8-1"], "--folds 8-1 runs backwards: write 1-8"),
        (["valid=9"], "--folds valid=9 is not understood"),
        (["train"], "--folds train is not understood"),
        (["train="], "is not understood"),
        (["train=one"], "is not understood"),
        (["train=1,,2"], "is not understood"),
        (["train=-1"], "is not understood"),
        (["train=1.5"], "is not understood"),
        (["train=1-99999999999"], "is not understood"),
        (["train=1-2-3"], "is not understood"),
    ],
)
def test_a_word_that_makes_no_sense_is_refused(words, sentence):
    with pytest.raises(EcgFusionError, match=sentence):
        parse_folds(words)


def test_rows_come_in_the_order_of_the_table():
    rows = partition_rows(items(list("abcdef"), [9, 1, 2, 9, 1, 4]), parse_folds(["train=1-2", "dev=9"]))
    assert {name: chosen.tolist() for name, chosen in rows.items()} == {"train": [1, 2, 4], "dev": [0, 3]}


def test_a_partition_without_records_is_empty():
    rows = partition_rows(items(["a"], [1]), parse_folds(["train=1", "test=10"]))
    assert rows["test"].tolist() == []


def test_a_patient_in_two_partitions_is_refused():
    table = items(["a", "b", "a", "b"], [1, 1, 9, 3])
    with pytest.raises(EcgFusionError, match=r"patient a \(one of 1\) is in train and in dev"):
        partition_rows(table, parse_folds(["train=1", "dev=9"]))
    # within one partition, or where one of the folds is not used, it is no harm
    assert partition_rows(table, parse_folds(["train=1,9", "dev=2"]))["train"].tolist() == [0, 1, 2]
    assert partition_rows(table, parse_folds(["train=1", "dev=2"]))["train"].tolist() == [0, 1]


@pytest.mark.parametrize("word", ["val=9", "validation=9", "Valid=9"])
def test_what_is_called_dev_here_is_said(word):
    with pytest.raises(EcgFusionError, match="is called dev here, write dev=9"):
        parse_folds([word])


@st.composite
def chosen_folds(draw: st.DrawFn) -> dict[str, list[int]]:
    """Disjoint folds of some partitions."""
    numbers = draw(st.lists(st.integers(0, 9999), unique=True, min_size=1, max_size=30))
    names = draw(st.lists(st.sampled_from(PARTITIONS), unique=True, min_size=1))
    dealt = {name: sorted(numbers[i :: len(names)]) for i, name in enumerate(names)}
    return {name: own for name, own in dealt.items() if own}


@given(folds=chosen_folds())
def test_folds_that_are_written_are_read_again(folds):
    assert parse_folds(format_folds(folds).split()) == folds


@given(
    words=st.lists(
        st.from_regex(r"(train|dev|test|val)?=?[0-9,\-]{0,9}", fullmatch=True) | st.text(max_size=9), max_size=4
    )
)
def test_words_are_folds_or_refused(words):
    folds, refused = {}, "--folds"
    try:
        folds = parse_folds(words)
    except EcgFusionError as problem:
        refused = str(problem)
    assert "--folds" in refused
    taken = [number for numbers in folds.values() for number in numbers]
    assert len(taken) == len(set(taken))
