"""The scores file: a probability for each item and class, beside the truth."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.evaluation.npz import read_npz
from pipeline.labels import none_name_of, wrong_name
from pipeline.machine.files import make_folder, replace_atomically

KINDS = ("multilabel", "multiclass")
_REQUIRED = ("scores", "labels", "item_id", "classes", "kind")
_OPTIONAL = ("record_id", "patient_id", "task", "none_name", "remark")
MOST_EXCLUSIVE = 1000  # classes that exclude each other; their confusion matrix has the square of it in cells
LONGEST_REMARK = 500  # characters; it stands over every table
_ROUNDING = 1e-6  # how far from 0 to 1 the rounding of a mean of probabilities may lead


@dataclass(eq=False)
class Scores:
    """Probabilities of one model over one partition; what exists has been checked.

    Attributes:
        scores: Probabilities from 0 to 1, beyond which a rounding is taken off; float64 stays unrounded, everything
            else becomes float32.
        labels: 1 where the item bears the class, else 0; one 1 in each multiclass row.
        item_id: Unique names of the items, which join files.
        classes: Unique class names, in the order of the columns.
        kind: ``multilabel`` or ``multiclass``.
        record_id: The recording of each item.
        patient_id: The patient of each item.
        task: The name of the task, if known.
        none_name: What an item without a class is called, where that is a row of its own; if not given, as the task has
            it.
        remark: What every table of these scores is to say, in a line, such as that beats of one patient are in train
            and test; None where there is nothing to say.
        name: What messages call these scores; their file, if they were loaded.

    Shape:
        ``scores`` and ``labels`` are ``(items, classes)``, the identifiers ``(items,)``.

    Raises:
        EcgFusionError: If any of this does not hold.
    """

    scores: np.ndarray
    labels: np.ndarray
    item_id: np.ndarray
    classes: tuple[str, ...]
    kind: str
    record_id: np.ndarray | None = None
    patient_id: np.ndarray | None = None
    task: str | None = None
    none_name: str | None = None
    remark: str | None = None
    name: str = "the scores"

    def __post_init__(self) -> None:
        self.classes = tuple(self._strings("classes", self.classes).tolist())
        self.item_id = self._strings("item_id", self.item_id)
        self.record_id = None if self.record_id is None else self._strings("record_id", self.record_id)
        self.patient_id = None if self.patient_id is None else self._strings("patient_id", self.patient_id)
        self.task = self.task or None
        self.remark = self.remark or None
        name_of_none = self.none_name or none_name_of(self.task, self.classes)
        self.none_name = name_of_none if self.kind == "multilabel" else None
        self._check_names()
        self._check_remark()
        self.scores, self.labels = np.asarray(self.scores), np.asarray(self.labels)
        self._check_shapes()
        self._check_scores()
        self._check_labels()

    def _strings(self, what: str, values: object) -> np.ndarray:
        array = np.asarray(values)
        if array.dtype.kind == "O":
            array = np.array([v.decode(errors="replace") if isinstance(v, bytes) else v for v in array.ravel()])
        if array.dtype.kind == "S":
            array = np.char.decode(array, "utf-8", "replace")
        self._require(array.ndim == 1, f"{what} has the shape {array.shape}: save one name a row")
        plain = array.dtype.kind in "UTiu" or array.size == 0
        self._require(plain, f"{what} holds {array.dtype}: save names, as a numpy array of strings")
        return array.astype(np.str_)

    def _check_names(self) -> None:
        self._require(self.kind in KINDS, f"the kind is {self.kind!r}: save {' or '.join(KINDS)}")
        self._require(len(self.classes) > 0, "there are no classes: save their names as 'classes'")
        is_wide = self.kind == "multiclass" and len(self.classes) > MOST_EXCLUSIVE
        problem = f"{len(self.classes):,} classes exclude each other, more than {MOST_EXCLUSIVE:,}: save groups of them"
        self._require(not is_wide, problem)
        self._require(len(self.item_id) > 0, "there are no items: score at least one")
        for what, names in (("class", self.classes), ("item_id", self.item_id)):
            unique, times = np.unique(names, return_counts=True)
            again = str(unique[times.argmax()])
            self._require(times.max() == 1, f"the {what} {again!r} stands there {times.max()} times: save each once")
        task, none = filter(None, [self.task]), filter(None, [self.none_name])
        wrong = wrong_name("class", [*self.classes, *none]) or wrong_name("task", task, plain=True)
        self._require(wrong is None, f"{wrong}: save another name")
        problem = f"{self.none_name!r} is a class and what an item without one is called: save another none_name"
        self._require(self.none_name not in self.classes, problem)

    def _check_remark(self) -> None:
        remark = self.remark or ""
        problem = f"the remark has {len(remark):,} characters, not at most {LONGEST_REMARK}: save a shorter one"
        self._require(len(remark) <= LONGEST_REMARK, problem)
        is_line = remark.isprintable() and remark == remark.strip()
        problem = f"the remark {remark[:40]!r} is not one printable line without blanks around it: save it as one"
        self._require(is_line, problem)

    def _check_shapes(self) -> None:
        expected = (len(self.item_id), len(self.classes))
        for what, array in (("scores", self.scores), ("labels", self.labels)):
            remedy = "save one row an item, one column a class"
            self._require(array.shape == expected, f"{what} {array.shape} are not {expected}: {remedy}")
            self._require(array.dtype.kind in "fiub", f"{what} hold {array.dtype}: save numbers")
        for what, names in (("record_id", self.record_id), ("patient_id", self.patient_id)):
            rows = expected[0] if names is None else len(names)
            problem = f"{what} has {rows} rows, not {expected[0]}: save one an item"
            self._require(rows == expected[0], problem)

    def _check_scores(self) -> None:
        rounding = 2e-3 if self.scores.dtype == np.float16 else _ROUNDING  # two of its steps below 1
        is_double = self.scores.dtype.kind == "f" and self.scores.dtype.itemsize > 4
        self.scores = self.scores.astype(np.float64 if is_double else np.float32)
        bad = ~np.isfinite(self.scores).all(1)
        which = f"the scores of {bad.sum()} items, {str(self.item_id[bad.argmax()])!r} first"
        self._require(not bad.any(), f"{which}, are NaN or infinite: leave these items out or mend the model")
        low, high = self.scores.min(), self.scores.max()
        problem = f"scores run from {low:.9g} to {high:.9g}, not from 0 to 1: save a sigmoid or softmax of them"
        self._require(low >= -rounding and high <= 1 + rounding, problem)
        if low < 0 or high > 1:
            self.scores = self.scores.clip(0, 1)

    def _check_labels(self) -> None:
        odd = ~np.isin(self.labels, (0, 1))
        value = self.labels.ravel()[odd.argmax()]
        self._require(not odd.any(), f"labels hold {value}: save 1 where an item bears a class, else 0")
        self.labels = self.labels.astype(np.uint8)
        wrong = (self.labels.sum(1) != 1) & (self.kind == "multiclass")
        problem = f"{wrong.sum()} items do not bear exactly one class: leave them out, or save multilabel"
        self._require(not wrong.any(), problem)

    def _require(self, holds: bool, problem: str) -> None:
        if not holds:
            raise EcgFusionError(f"{self.name}: {problem}")


def save_scores(path: Path, scores: Scores) -> None:
    """Writes a scores file, whole or not at all; folders above it are made."""
    optional = {"record_id": scores.record_id, "patient_id": scores.patient_id, "task": scores.task}
    optional |= {"none_name": scores.none_name, "remark": scores.remark}
    arrays = {name: np.asarray(getattr(scores, name)) for name in _REQUIRED}
    arrays |= {name: np.asarray(value) for name, value in optional.items() if value is not None}
    make_folder(path.parent)

    def write(temporary: Path) -> None:
        with open(temporary, "wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]

    replace_atomically(path, write)


def load_scores(path: Path) -> Scores:
    """The checked scores of a file; nothing in it is unpickled.

    Raises:
        EcgFusionError: If it is missing, is no scores file or holds what it must not.
    """
    arrays = read_npz(path, (*_REQUIRED, *_OPTIONAL))
    missing = [name for name in _REQUIRED if name not in arrays]
    if missing:
        raise EcgFusionError(f"{path} lacks {', '.join(missing)}: save {', '.join(_REQUIRED)} in it")
    texts = {
        name: _text(path, name, arrays[name]) for name in ("kind", "task", "none_name", "remark") if name in arrays
    }
    known = (*_REQUIRED, "record_id", "patient_id")
    rest = {name: arrays[name] for name in known if name in arrays and name not in texts}
    return Scores(**rest, **texts, name=str(path))  # type: ignore[arg-type]


def _text(path: Path, what: str, array: np.ndarray) -> str:
    if array.size != 1 or array.dtype.kind not in "US":
        length = "line" if what == "remark" else "word"
        raise EcgFusionError(f"{path}: {what} is not one {length}: save it as a numpy string")
    word = array.ravel()[0]
    return word.decode(errors="replace") if isinstance(word, bytes) else str(word)
