"""The scores file: what goes in comes out, and what must not go in is refused in one sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import Scores, load_scores, save_scores


def arrays(**changes: Any) -> dict[str, Any]:
    """What a valid file of three items and two classes holds, but for the changes; None leaves one out."""
    valid = {
        "scores": np.array([[0.1, 0.9], [0.5, 0.5], [1, 0]], np.float32),
        "labels": np.array([[0, 1], [1, 1], [0, 0]], np.uint8),
        "item_id": np.array(["i1", "i2", "i3"]),
        "classes": np.array(["MI", "Überleitung"]),
        "kind": np.array("multilabel"),
    }
    return {name: value for name, value in (valid | changes).items() if value is not None}


def saved(path: Path, **changes: Any) -> Path:
    np.savez(path, **arrays(**changes))
    return path


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_saved_is_loaded(tmp_path, dtype):
    draw = np.random.default_rng(0)
    scores = Scores(
        draw.random((4, 2)).astype(dtype),
        draw.integers(0, 2, (4, 2)),
        np.array(["w", "x", "y", "z"]),
        ("MI", "Überleitung"),
        "multilabel",
        record_id=np.array(["r1", "r1", "r2", "r2"]),
        patient_id=np.array([7, 7, 7, 7]),
        task="disease",
    )
    save_scores(tmp_path / "new" / "scores.npz", scores)
    loaded = load_scores(tmp_path / "new" / "scores.npz")
    assert loaded.scores.dtype == dtype
    assert loaded.labels.dtype == np.uint8
    for name in ("scores", "labels", "item_id", "record_id", "patient_id"):
        assert np.array_equal(getattr(loaded, name), getattr(scores, name))
    for name in ("classes", "kind", "task"):
        assert getattr(loaded, name) == getattr(scores, name)
    assert loaded.patient_id.tolist() == ["7"] * 4
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["scores.npz"]


def test_the_file_holds_what_the_contract_says(tmp_path):
    save_scores(tmp_path / "s.npz", Scores(**arrays()))
    with np.load(tmp_path / "s.npz", allow_pickle=False) as file:
        assert set(file.files) == {"scores", "labels", "item_id", "classes", "kind"}
        assert {file[name].dtype.kind for name in ("item_id", "classes", "kind")} == {"U"}
        assert (file["scores"].dtype, file["labels"].dtype) == (np.float32, np.uint8)
        assert file["kind"].shape == ()


@pytest.mark.parametrize("kind", ["multilabel", "multiclass"])
def test_a_remark_is_a_part_of_the_file(tmp_path, kind):
    said = "beats of one patient are in train and test: 10 % | ‡"
    scores = Scores(**arrays(remark=said, labels=np.eye(3, 2)[[0, 1, 0]], kind=kind))
    save_scores(tmp_path / "s.npz", scores)
    assert load_scores(tmp_path / "s.npz").remark == said
    assert load_scores(saved(tmp_path / "t.npz", remark=np.array([said.encode()]))).remark == said
    assert load_scores(saved(tmp_path / "u.npz", remark=np.array(""))).remark is None
    assert load_scores(saved(tmp_path / "v.npz")).remark is None


def test_of_classes_that_exclude_each_other_none_is_no_class(tmp_path):
    file = saved(
        tmp_path / "s.npz", kind=np.array("multiclass"), labels=np.eye(3, 2)[[0, 1, 0]], none_name=np.array("NORM")
    )
    assert load_scores(file).none_name is None


@pytest.mark.parametrize(
    "changes",
    [
        {"item_id": np.array([1, 2, 3])},
        {"item_id": np.array([b"i1", b"i2", b"i3"])},
        {"labels": np.array([[0, 1.0], [1, 1], [0, 0]])},
        {"labels": np.array([[0, 1], [1, 1], [0, 0]], bool)},
        {"scores": np.array([[0, 1], [1, 1], [0, 0]])},
        {"scores": np.array([[0.5, 1], [1, 1], [0, 0]], ">f8")},
        {"kind": np.array(["multilabel"])},
        {"kind": np.array(b"multilabel")},
        {"task": np.array("")},
    ],
)
def test_other_peoples_types_are_taken(tmp_path, changes):
    scores = load_scores(saved(tmp_path / "s.npz", **changes))
    assert scores.scores.dtype in (np.float32, np.float64)
    assert scores.labels.tolist() == [[0, 1], [1, 1], [0, 0]]
    assert (scores.kind, scores.task) == ("multilabel", None)
    assert all(isinstance(name, str) for name in scores.item_id.tolist())


def test_names_from_a_store_are_taken():
    names = np.array([b"i1", b"i2", "i3"], dtype=object)  # as h5py gives them
    assert Scores(**arrays(item_id=names)).item_id.tolist() == ["i1", "i2", "i3"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"scores": None, "kind": None}, "lacks scores, kind: save scores, labels, item_id, classes, kind"),
        ({"kind": np.array("binary")}, "the kind is 'binary': save multilabel or multiclass"),
        ({"kind": np.array(["multilabel"] * 2)}, "kind is not one word"),
        ({"task": np.array(3)}, "task is not one word"),
        ({"remark": np.array(3)}, "remark is not one line"),
        ({"remark": np.array(["a", "b"])}, "remark is not one line"),
        ({"remark": np.array("a\nb")}, r"the remark 'a\\nb' is not one printable line without blanks around it"),
        ({"remark": np.array("\x1b[31mred")}, "the remark .* is not one printable line"),
        ({"remark": np.array("a\u202eb")}, "the remark .* is not one printable line"),
        ({"remark": np.array(" a")}, "the remark ' a' is not one printable line"),
        ({"remark": np.array("x" * 501)}, "the remark has 501 characters, not at most 500: save a shorter one"),
        (
            {
                "classes": np.array([f"c{i}" for i in range(1001)]),
                "kind": np.array("multiclass"),
                "scores": np.eye(3, 1001),
                "labels": np.eye(3, 1001),
            },
            "1,001 classes exclude each other, more than 1,000: save groups of them",
        ),
        ({"classes": np.array([], "U1"), "scores": np.zeros((3, 0))}, "there are no classes"),
        ({"item_id": np.array([], "U1")}, "there are no items: score at least one"),
        ({"item_id": np.array(["i1", "i2", "i1"])}, "the item_id 'i1' stands there 2 times: save each once"),
        ({"item_id": np.array([1.0, 2.0, 3.0])}, "item_id holds float64: save names"),
        ({"item_id": np.array([["i1", "i2", "i3"]])}, r"item_id has the shape \(1, 3\): save one name a row"),
        ({"item_id": np.array(["i1", "i2"])}, r"scores \(3, 2\) are not \(2, 2\): save one row an item"),
        ({"classes": np.array(["MI", "MI"])}, "the class 'MI' stands there 2 times"),
        ({"classes": np.array(["MI", ""])}, "a class has an empty name: save another name"),
        ({"classes": np.array(["MI", "C\nD"])}, "the class .* has a character in its name that cannot be printed"),
        (
            {"classes": np.array(["MI", "\x1b[31mCD"])},
            "the class .* has a character in its name that cannot be printed",
        ),
        ({"classes": np.array(["MI", "=cmd|x"])}, "the class '=cmd.x' begins like a formula"),
        ({"classes": np.array(["MI", "x" * 300])}, "has a name of 300 characters, not of at most 200"),
        ({"task": np.array("../x")}, "the task '../x' is no plain file name"),
        ({"task": np.array("a\tb")}, "the task .* cannot be printed"),
        ({"none_name": np.array("=1")}, "the class '=1' begins like a formula"),
        ({"none_name": np.array("MI")}, "'MI' is a class and what an item without one is called: save another none_n"),
        (
            {"classes": np.array(["MI"])},
            r"scores \(3, 2\) are not \(3, 1\): save one row an item, one column a",
        ),
        ({"labels": np.array([0, 1, 1])}, r"labels \(3,\) are not \(3, 2\)"),
        ({"record_id": np.array(["r"])}, "record_id has 1 rows, not 3: save one an item"),
        ({"patient_id": np.array(["p"])}, "patient_id has 1 rows, not 3: save one an item"),
        ({"scores": np.full((3, 2), "0.5")}, "scores hold <U3: save numbers"),
        ({"labels": np.full((3, 2), "0")}, "labels hold <U1: save numbers"),
        (
            {"scores": np.array([[0, 0], [0, np.nan], [np.inf, 0]])},
            "scores of 2 items, 'i2' first, are NaN or inf",
        ),
        (
            {"scores": np.array([[0, 0.5], [-3, 1], [8, 0]])},
            "scores run from -3 to 8, not from 0 to 1: save a sig",
        ),
        (
            {"labels": np.array([[0, 1], [2, 1], [0, 0]])},
            "labels hold 2: save 1 where an item bears a class, else",
        ),
        ({"labels": np.array([[0, 1], [np.nan, 1], [0, 0]])}, "labels hold nan: save 1 where"),
        (
            {"kind": np.array("multiclass")},
            "2 items do not bear exactly one class: leave them out, or save multi",
        ),
        (
            {"item_id": np.array(["i1", "i2", "i3"], object)},
            "holds Python objects: save numpy arrays of strings",
        ),
    ],
)
def test_what_must_not_be_in_it_is_refused(tmp_path, changes, sentence):
    path = saved(tmp_path / "bad.npz", **changes)
    with pytest.raises(EcgFusionError, match=sentence) as refusal:
        load_scores(path)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("content", [b"", b"class,score\nMI,0.5\n", b"\x80\x04]\x94.", b"PK\x03\x04rubbish"])
def test_what_is_no_scores_file_is_refused(tmp_path, content):
    (tmp_path / "s.npz").write_bytes(content)
    with pytest.raises(EcgFusionError, match=r"s\.npz (cannot be read as a scores file|is damaged)"):
        load_scores(tmp_path / "s.npz")


def test_a_single_array_is_refused(tmp_path):
    np.save(tmp_path / "s.npy", np.zeros(3))
    with pytest.raises(EcgFusionError, match=r"s\.npy cannot be read as a scores file: save it with numpy\.savez"):
        load_scores(tmp_path / "s.npy")


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.npz", tmp_path):
        with pytest.raises(EcgFusionError, match="there is no scores file"):
            load_scores(path)


def test_a_damaged_file_is_refused_or_reads_as_it_was(tmp_path):
    whole = saved(tmp_path / "whole.npz").read_bytes()
    draw = np.random.default_rng(0)
    damaged = [whole[:cut] for cut in range(0, len(whole), 97)]
    for place in draw.integers(0, len(whole), 200):
        damaged.append(whole[:place] + bytes([whole[place] ^ 1 << draw.integers(8)]) + whole[place + 1 :])
    refused = 0
    for content in damaged:
        (tmp_path / "s.npz").write_bytes(content)
        try:
            loaded = load_scores(tmp_path / "s.npz")
        except EcgFusionError:
            refused += 1
        else:
            assert np.array_equal(loaded.scores, arrays()["scores"])
    assert refused > len(damaged) // 2


def test_an_interrupted_save_leaves_the_older_file(tmp_path, monkeypatch):
    path = saved(tmp_path / "s.npz")
    before = path.read_bytes()

    def break_off(file, **_):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez_compressed", break_off)
    with pytest.raises(KeyboardInterrupt):
        save_scores(path, Scores(**arrays()))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_class_norm_of_the_disease_task_is_a_class(tmp_path):
    scores = load_scores(saved(tmp_path / "s.npz", classes=np.array(["NORM", "MI"]), task=np.array("disease")))
    assert (scores.classes, scores.none_name) == (("NORM", "MI"), None)


def test_names_of_the_field_are_taken(tmp_path):
    names = ("LAFB/LPFB (slow)", "ST−T 室性|早搏")
    assert load_scores(saved(tmp_path / "s.npz", classes=np.array(names))).classes == names


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_roundings_worth_beyond_1_is_taken_off(dtype):
    given = np.array([[1 + 3e-7, -2e-7], [0.5, 1]], dtype)
    scores = Scores(given, np.eye(2, dtype=int), np.array(["a", "b"]), ("x", "y"), "multilabel").scores
    assert scores.max() == 1
    assert scores.min() == 0
    assert scores.dtype == dtype
    with pytest.raises(EcgFusionError, match=r"scores run from 0\.5 to 1\.0001, not from 0 to 1"):
        Scores(np.array([[1.0001, 0.5]]), np.eye(2)[:1], np.array(["a"]), ("x", "y"), "multilabel")
