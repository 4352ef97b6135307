"""The HDF5 file of one partition: its layout, and how it is read.

Large datasets are contiguous, so that a reader maps them into memory at their offset, which is faster than HDF5's
own row reads and safe in any number of processes: nothing of the HDF5 library stays open. Those of a partition in
shards are so in each shard.
"""

import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.labels import Labels, none_name_of, wrong_name
from pipeline.listening import remark
from pipeline.machine.files import require_file
from pipeline.machine.places import RemotePath, place
from pipeline.machine.remote_ranges import Ranges
from pipeline.signals.leads import IMAGE_LEADS
from pipeline.signals.windows import samples_of
from pipeline.store.attributes import from_attribute
from pipeline.store.checksums import DIGEST, SHARDS, SUMS, ItemSums, digest_of_contents
from pipeline.store.mapped import Mapped, StoredArray, offset_of
from pipeline.store.opening import opened_hdf5
from pipeline.store.remote_rows import RemoteRows
from pipeline.store.sharded import Shard, Sharded, ShardSums, shards_folder, shards_of
from pipeline.store.structure import check_structure, plain_name

if TYPE_CHECKING:
    from torch import Tensor
    from torch.utils.data import Dataset

SCHEMA_VERSION = 1
STAGES = ("signals", "images")  # whose finished rows /finished counts
TEXT_COLUMNS = ("item_id", "record_id", "patient_id")
NUMBER_COLUMNS = {
    "fold": np.int32,
    "start": np.float64,
    "length": np.float64,
    "age": np.float32,
    "sex": np.int8,
}


def store_path(folder: Path, partition: str) -> Path:
    """Where the store of a partition lies."""
    return place(folder) / f"{partition}.h5"


def digest_of_items(item_ids: Iterable[str]) -> str:
    """A digest of a set of items, whatever their order."""
    return hashlib.sha256("\n".join(sorted(item_ids)).encode()).hexdigest()


@dataclass(frozen=True)
class Store:
    """An opened store: everything small is in memory, signals and images stay on disk.

    The same face over arrays in memory is an ``ArrayStore``.

    Attributes:
        path: the file.
        attributes: everything that made it, decoded.
        columns: ``item_id``, ``record_id``, ``patient_id`` (text), ``fold``, ``start`` and ``length`` (s), ``age``
            (years), ``sex``; an array each, one value an item.
        labels: task name to labels.
        signals: (items, leads, time) int16, ``gain`` counts to the millivolt.
        images: representation to (items, leads, height, width) uint8.
        image_parameters: representation to the parameters that made it.
        features: name to numbers of each item, (items, numbers) float32.
    """

    path: Path
    attributes: Mapping[str, Any]
    columns: Mapping[str, np.ndarray]
    labels: Mapping[str, Labels]
    signals: StoredArray
    images: Mapping[str, StoredArray] = field(default_factory=dict)
    image_parameters: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    features: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def n_items(self) -> int:
        return self.signals.shape[0]

    @property
    def leads(self) -> list[str]:
        return list(self.attributes["leads"])

    @property
    def image_leads(self) -> list[str]:
        return list(self.attributes["image_leads"])

    @property
    def default_leads(self) -> list[str]:
        """Which leads are drawn where nobody chooses; a store that does not say it is of PTB-XL."""
        return list(self.attributes.get("default_leads", IMAGE_LEADS))

    @property
    def default_task(self) -> str | None:
        """What is learnt of it where nobody chooses; None where it does not say."""
        return self.attributes.get("default_task")

    @property
    def cut(self) -> Mapping[str, Any]:
        """How records were cut into its items, ``kind`` and numbers; empty where each is a whole record."""
        return dict(self.attributes.get("cut") or {})

    @property
    def scheme(self) -> str | None:
        """How its folds were made; None where they are the data set's own."""
        return self.attributes.get("scheme")

    @property
    def intra_patient(self) -> bool:
        """Whether items of one patient may be in several partitions."""
        return bool(self.attributes.get("intra_patient", False))

    @property
    def sampling_rate(self) -> float:
        return float(self.attributes["sampling_rate"])

    @property
    def gain(self) -> float:
        return float(self.attributes["gain"])

    @property
    def lengths(self) -> np.ndarray:
        """Samples of each item that are not padding, (items,) int64."""
        return samples_of(self.columns["length"], self.sampling_rate)

    def task(self, name: str) -> Labels:
        """The labels of a task; an unknown one is refused with those that there are."""
        if not self.labels:
            raise EcgFusionError(
                f"{self.path} has no labels, so nothing can be learnt of it: make a store that has some"
            )
        if name not in self.labels:
            raise EcgFusionError(f"{self.path} has no task {name}: choose one of {', '.join(self.labels)}")
        return self.labels[name]

    def dataset(
        self, task: str, representation: str | None = None, leads: Sequence[str] | None = None
    ) -> "Dataset[tuple[Tensor, Tensor, str]]":
        """The items that a task labels as a plain torch ``Dataset`` of ``x, y, item_id``; see ``StoreDataset``."""
        # named, not imported: it is made of stores, and torch is slow to import
        made: Dataset[tuple[Tensor, Tensor, str]] = resolve_name("pipeline.store.dataset:StoreDataset")(
            self, task, representation, leads
        )
        return made


def open_store(path: Path | str) -> Store:
    """Opens a finished store and checks that it is one.

    Raises:
        EcgFusionError: the file is missing, incomplete, foreign, damaged or of a newer program.
    """
    path = place(path)
    require_store(path)
    ranges = Ranges(path) if isinstance(path, RemotePath) else None
    if ranges is None:
        require_file(path)
    try:
        as_it_is = None if ranges else _as_it_is(path)  # before it is opened: what is put in its place then is another
        with opened_hdf5(path, ranges) as file:
            return _read_store(path, file, ranges, as_it_is)
    except (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError) as problem:  # as h5py meets damage
        what = " ".join(str(problem).split())  # HDF5's own words come on several lines
        raise EcgFusionError(
            f"{path} is not a readable store ({what}): "
            + ("copy it there anew" if ranges else f"remove it and make it anew: {_command(path)}")
        ) from None


def open_partition(folder: Path, partition: str) -> Store:
    """Opens the store of a partition in a folder of stores.

    Raises:
        EcgFusionError: see ``open_store``; or it is another partition's, which bears the name of this one.
    """
    store = open_store(store_path(folder, partition))
    held = store.attributes.get("partition", partition)
    if held != partition:
        raise EcgFusionError(
            f"{store.path} holds the partition {held}: rename it, and make {partition} with {_command(store.path)}"
        )
    return store


def require_store(path: Path) -> None:
    """Refuses a store that is not there, with how it comes to be."""
    if path.exists():
        return
    if isinstance(path, RemotePath):
        raise EcgFusionError(f"there is no {path}: make the store with create_images.py, and copy it there")
    if path.with_name(path.name + ".part").exists() or shards_folder(path).is_dir():
        raise EcgFusionError(
            f"{path} is not finished: give the command that began it again, with the same options, and it goes on"
        )
    if _holds_recordings(path.parent):
        store = store_path(path.parent.with_name(f"{path.parent.name}-images"), path.stem)
        first = "" if store.exists() else f", when {_command(store)} --data {path.parent} has made them there"
        raise EcgFusionError(
            f"there is no {path}, for {path.parent} holds recordings: name the folder of its stores, "
            f"{store.parent}{first}"
        )
    raise EcgFusionError(f"there is no {path}: make it with {_command(path)}")


def _command(path: Path) -> str:
    return f"python create_images.py --partition {path.stem} --out {path.parent}"


def _holds_recordings(folder: Path) -> bool:
    """Whether it is a data set's own, in which no stores are to be made."""
    return any(next(folder.glob(pattern), None) for pattern in ("ptbxl_database.csv", "records*/", "*.hea", "RECORDS"))


AsItIs = tuple[Path, int, int, int]
"""A file's path, inode, bytes, and when it was last changed, in ns."""


def _as_it_is(path: Path) -> AsItIs | None:
    """What changes with a file; None where its last change is too young for the next one to have another time."""
    found = path.stat()
    if abs(time.time_ns() - found.st_ctime_ns) < _TOLD_APART_NS:
        return None
    return path.absolute(), found.st_ino, found.st_size, found.st_ctime_ns


_TOLD_APART_NS = 3 * 10**9  # some file systems count in two seconds
_LOOKED_THROUGH: set[AsItIs] = set()
"""Stores whose structure and tables this process has found to be whole: it opens one several times."""


def _read_store(path: Path, file: h5py.File, ranges: Ranges | None, as_it_is: AsItIs | None) -> Store:
    attributes = {key: from_attribute(value) for key, value in file.attrs.items()}
    version = attributes.get("schema_version")
    if not isinstance(version, int):
        raise EcgFusionError(f"{path} is an HDF5 file of another program: name a folder made by create_images.py")
    if version > SCHEMA_VERSION:
        raise EcgFusionError(f"{path} was written by a newer ecgfusion (schema {version}): update this one")
    if as_it_is not in _LOOKED_THROUGH:
        check_structure(path, file)
    if (file["finished"][()] < file["signals"].shape[0]).any():
        raise EcgFusionError(f"{path} is incomplete: remove it and give {_command(path)}")
    columns: dict[str, np.ndarray] = {name: file[name].asstr()[()] for name in TEXT_COLUMNS}
    columns |= {name: file[name][()] for name in NUMBER_COLUMNS}
    _check_names(columns, attributes)
    images, shards = file.get("images", {}), _shards(path, file, ranges)
    signals = _stored(path, file, "signals", shards, ranges)
    stored = {name: _stored(path, file, f"images/{name}", shards, ranges) for name in images}
    _check_extent(path, [array for array in (signals, *stored.values()) if not isinstance(array, Sharded)])
    labels = {name: _read_labels(file, name) for name in attributes["tasks"]}
    if DIGEST not in attributes:
        if SUMS in file:  # both or neither were written
            raise ValueError("the digest of its tables is gone")
        _say_that_nothing_is_noticed(path.absolute(), path.stat().st_mtime_ns)
    elif as_it_is not in _LOOKED_THROUGH and digest_of_contents(file) != attributes[DIGEST]:
        raise ValueError("its tables are not what was written")
    if as_it_is:
        _LOOKED_THROUGH.add(as_it_is)
    return Store(
        path=path,
        attributes=attributes,
        columns=columns,
        labels=labels,
        signals=signals,
        images=stored,
        image_parameters={name: read_parameters(dataset) for name, dataset in images.items()},
        features={name: dataset[()] for name, dataset in file.get("features", {}).items()},
    )


def _shards(path: Path, file: h5py.File, ranges: Ranges | None) -> tuple[Shard, ...]:
    if ranges is not None and SHARDS in file:
        raise EcgFusionError(
            f"{path} lies in shards, which are read from a disk: merge it with create_images.py --merge before it is "
            f"copied there"
        )
    return shards_of(path, file)


def _stored(
    path: Path, file: h5py.File, name: str, shards: tuple[Shard, ...], ranges: Ranges | None
) -> Mapped | Sharded | RemoteRows:
    known = file[f"{SUMS}/{name}"][()] if DIGEST in file.attrs else None  # both or neither were written
    shape, dtype = file[name].shape, file[name].dtype
    if shards:
        if known is None:  # what lies in other files is known by its sums alone
            raise ValueError("it lies in shards, and their sums are gone")
        return Sharded(path, name, shards, shape, dtype, ShardSums(path, name, known, shards))
    sums = None if known is None else ItemSums(path, name, known)
    if ranges is None:
        return Mapped.of(path, file[name], sums)
    return RemoteRows(ranges, offset_of(path, file[name]), shape, dtype, sums)


@cache  # a training opens a store several times
def _say_that_nothing_is_noticed(path: Path, _: int) -> None:
    remark(f"{path} was made by an earlier ecgfusion, without checksums: damage to it would not be noticed")


def _check_names(columns: Mapping[str, np.ndarray], attributes: Mapping[str, Any]) -> None:
    """Refuses names that would lead a file named after them out of its folder."""
    ids = [str(name) for name in columns["item_id"]]
    others = [*attributes.get("image_leads", []), *attributes.get("images", []), *attributes.get("tasks", [])]
    wrong = next((name for name in (*ids, *others) if not plain_name(str(name))), None)
    if wrong is not None:
        raise ValueError(f"{wrong!r} cannot name a file")
    if len(set(ids)) != len(ids):
        raise ValueError("two of its items bear one name")


def _read_labels(file: h5py.File, task: str) -> Labels:
    values = file[f"labels/{task}"]
    classes = tuple(str(name) for name in values.attrs["classes"])
    none_name = values.attrs.get("none_name", none_name_of(task, classes))  # stores of earlier programs do not say it
    none = [] if none_name is None else [str(none_name)]
    wrong = wrong_name("class", [*classes, *none]) or wrong_name("task", [task], plain=True)
    if wrong or none_name in classes:
        raise ValueError(wrong or f"the class {none_name} is also what an item without a class is called")
    labelled = file[f"labelled/{task}"][()].astype(bool)
    return Labels(classes, str(values.attrs["kind"]), values[()], labelled, none_name, _made_of(values.attrs, classes))


def _made_of(attributes: Mapping[str, Any], classes: tuple[str, ...]) -> dict[str, tuple[str, ...]] | None:
    """Which classes of the task ``all`` make each class; None in stores that do not say it."""
    if "made_of" not in attributes:
        return None
    said = json.loads(attributes["made_of"])
    if not isinstance(said, dict) or set(said) != set(classes):
        raise ValueError("what its classes are made of is not said of each")
    made_of = {str(name): tuple(map(str, codes)) for name, codes in said.items()}
    wrong = wrong_name("class", [code for codes in made_of.values() for code in codes])
    if wrong or not all(made_of.values()):
        raise ValueError(wrong or "a class is made of none")
    return made_of


def read_parameters(dataset: h5py.Dataset) -> dict[str, Any]:
    """The parameters that made the images of one representation."""
    return {key: from_attribute(value) for key, value in dataset.attrs.items()}


def _check_extent(path: Path, arrays: Sequence[Mapped | RemoteRows]) -> None:
    size = path.stat().st_size
    for mapped in arrays:
        if mapped.offset + int(np.prod(mapped.shape)) * mapped.dtype.itemsize > size:
            raise ValueError("it is truncated")
