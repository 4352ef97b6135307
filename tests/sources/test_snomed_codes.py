"""Codes of diagnoses to classes, as the sets and challenges that they come from have published them."""

import numpy as np
import pytest

from pipeline.errors import EcgFusionError
from pipeline.sources.snomed_codes import OWN_TASK, TASKS, code_number, read_classes, rows_of_codes, tasks_of

SR, AF, AFL, SB, ST, SI = "426783006", "164889003", "164890007", "426177001", "427084000", "427393009"


def tasks(*codes: str, own=None):
    """The tasks of records that bear these codes, blanks between them."""
    return tasks_of(rows_of_codes(map(str.split, codes)), np.array([bool(each) for each in codes]), own)


def borne(labels, row):
    """The classes of a record; None where it is not labelled."""
    found = [name for name, one in zip(labels.classes, labels.values[row], strict=True) if one]
    assert labels.labelled[row] or not found
    return found if labels.labelled[row] else None


def test_the_published_tasks_have_their_numbers_of_classes():
    assert {name: (len(task.classes), task.kind) for name, task in TASKS.items()} == {
        "cpsc9": (9, "multilabel"),
        "chapman4": (4, "multiclass"),
        "chapman11": (11, "multiclass"),
        "cinc2021": (26, "multilabel"),
    }
    for task in TASKS.values():
        codes = [code for codes in task.classes.values() for code in codes]
        assert len(codes) == len(set(codes)), "a code of two classes"
        assert [code_number(code) for code in codes] == codes


def test_the_challenge_of_2021_scores_thirty_codes_as_26_classes():
    """By dx_mapping_scored.csv of its evaluation: what it scores as the same diagnosis is one class."""
    classes = TASKS["cinc2021"].classes
    assert sum(map(len, classes.values())) == 30
    together = {frozenset(codes) for codes in classes.values() if len(codes) > 1}
    assert together == {
        frozenset({"733534002", "164909002"}),
        frozenset({"713427006", "59118001"}),
        frozenset({"284470004", "63593006"}),
        frozenset({"427172004", "17338001"}),
    }
    found = tasks("713427006", "59118001", "713427006 59118001 63593006", "164884008", "")["cinc2021"]
    assert [borne(found, row) for row in range(5)] == [
        ["CRBBB|RBBB"],
        ["CRBBB|RBBB"],
        ["CRBBB|RBBB", "PAC|SVPB"],
        [],  # a diagnosis that is not scored makes a negative record
        None,  # and no diagnosis none that is labelled
    ]


def test_a_record_without_one_of_the_nine_classes_is_none_of_that_set():
    found = tasks(SR, f"{AF} 59118001", "164884008", "427084000", "")["cpsc9"]
    assert [borne(found, row) for row in range(5)] == [["Normal"], ["AF", "RBBB"], ["PVC"], None, None]


def test_the_rhythms_of_chapman_exclude_each_other():
    found = tasks(SB, AFL, f"{AFL} {AF}", SI, f"{SR} {SI}", f"{SR} {ST}", "195101003", "17366009", "39732003")
    assert [borne(found["chapman4"], row) for row in range(9)] == [
        *(["SB"], ["AFIB"], ["AFIB"], ["SR"], ["SR"]),
        None,
        *(["GSVT"], ["GSVT"]),
        None,
    ]
    assert [borne(found["chapman11"], row) for row in range(9)] == [
        *(["SB"], ["AF"], None, ["SI"], None, None, ["SAAWR"], ["SAAWR"], None),
    ]
    assert (found["chapman11"].values.sum(axis=1) == found["chapman11"].labelled).all()


def test_the_four_groups_hold_the_eleven_rhythms():
    of_four = {code for codes in TASKS["chapman4"].classes.values() for code in codes}
    assert of_four == {code for codes in TASKS["chapman11"].classes.values() for code in codes}


def test_the_first_task_is_the_one_that_fits():
    assert list(tasks(SR, "429622005", "164884008")) == ["cpsc9", "chapman4", "chapman11", "cinc2021"]
    assert list(tasks(SB, ST, "713422000", SR)) == ["chapman4", "cpsc9", "chapman11", "cinc2021"]
    assert next(iter(tasks(*[SB] * 9, "39732003"))) == "chapman4"  # nine in ten are enough
    assert next(iter(tasks(*[SB] * 8, "39732003"))) == "cinc2021"
    assert next(iter(tasks(SB, "164931005", "164931005", "164942001"))) == "cpsc9"  # none fits: the one of most records
    assert list(tasks("39732003")) == ["cinc2021"]
    assert tasks("445211001") == {}


def test_ones_own_classes_come_first(tmp_path):
    (tmp_path / "mine.csv").write_text("name,code\nfast,427084000\nfast, 426761007\nslow,426177001\n")
    own = read_classes(tmp_path / "mine.csv")
    found = tasks(ST, f"426761007 {SB}", SR, "", own=own)
    assert next(iter(found)) == OWN_TASK
    assert found[OWN_TASK].classes == ("fast", "slow")
    assert [borne(found[OWN_TASK], row) for row in range(4)] == [["fast"], ["fast", "slow"], [], None]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("", "is empty: write code,name"),
        ("Dx,name\n1,a\n", r"has no column code \(it has Dx, name\): write code,name"),
        ("code,name\n", "names 0 classes, and a task has 1 to 1,000"),
        ("code,name\n1.64889E+08,AF\n", "line 2: code is not a whole number but '1.64889E.08'"),
        ("code,name\nAF,AF\n", r"line 2: code is not a whole number \('AF'\); write the 6 to 18 digits of a SNOMED CT"),
        ("code,name\n12,AF\n", "line 2: code is '12', which is no SNOMED CT code: one has 6 to 18 digits"),
        (f"code,name\n{AF},AF\n{SR},SR\n{AF},atrial\n", f"line 4: the code {AF} again: give it one name"),
        (f"code,name\n{AF},\n", "a class has an empty name: rename it"),
        (f"code,name\n{AF},=1+1\n", "begins like a formula"),
        ("code,name\n" + "".join(f"{100000 + n},c{n}\n" for n in range(1001)), "names 1,001 classes"),
    ],
)
def test_a_table_of_classes_that_is_none_is_refused(tmp_path, table, says):
    (tmp_path / "mine.csv").write_text(table)
    with pytest.raises(EcgFusionError, match=says) as refused:
        read_classes(tmp_path / "mine.csv")
    assert str(tmp_path / "mine.csv") in str(refused.value)
