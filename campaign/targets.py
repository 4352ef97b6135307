"""What is damaged, which command then reads it, and what its result is compared with. One entry a kind of file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from campaign import coded_recordings as coded
from campaign import heartbeats, oracles, other_sets, own_recordings
from campaign.place import COMMANDS, RUNS, SIGNALS_ONLY, run

Result = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """A kind of file that the program reads.

    Attributes:
        name: what the page calls it.
        files: where they lie in the place, as patterns.
        needs: parts of the place that the command needs.
        act: reads them; called in a child whose folder is a copy of the place.
        result: what came of it, read from that copy.
        may_change: places that the command may write.
        as_written: whether a result that differs is what an independent reader finds in the damaged file; None where
            nobody may change such a file, so that a result that differs is wrong.
    """

    name: str
    files: tuple[str, ...]
    needs: tuple[str, ...]
    act: Callable[[], object]
    result: Callable[[Path], Result]
    may_change: tuple[str, ...] = ("out",)
    as_written: Callable[[Path, Result], str | None] | None = None


def same(one: Result, other: Result) -> bool:
    """Whether two results are equal, to the last bit."""
    if one.keys() != other.keys():
        return False
    return all(_equal(value, other[name]) for name, value in one.items())


def _equal(one: Any, other: Any) -> bool:
    if not isinstance(one, np.ndarray):
        return bool(one == other)
    alike = one.dtype == other.dtype and one.shape == other.shape
    return alike and one.tobytes() == bytes(other.tobytes())


def _scores(place: Path) -> Result:
    with np.load(place / "out" / "scores.npz", allow_pickle=False) as file:
        found: dict[str, Any] = {name: file[name] for name in ("scores", "labels", "item_id", "classes")}
    return found | {"counts": (place / "out" / "counts.csv").read_text(encoding="utf-8")}


def _counts(place: Path) -> Result:
    return {"counts": (place / "out" / "counts.csv").read_text(encoding="utf-8")}


def _files(*names: str) -> Callable[[Path], Result]:
    return lambda place: {name: (place / name).read_bytes() for name in names}


def _evaluated(name: str) -> Callable[[], object]:
    return lambda: run(f"evaluate -run runs/{name} -data data/stores -resamples 0 -threads 1 -out out")


_TARGETS = (
    Target(
        "recordings",
        ("data/ptbxl/records100/00000/0000[1-6]_lr.*",),
        ("data/ptbxl",),
        oracles.read_recordings,
        oracles.recordings,
        as_written=oracles.recordings_are_as_wfdb_reads_them,
    ),
    Target(
        "annotated heartbeats",
        (f"{heartbeats.FOLDER}/*",),
        (heartbeats.FOLDER,),
        heartbeats.read_heartbeats,
        heartbeats.heartbeats,
        as_written=heartbeats.heartbeats_are_as_wfdb_reads_them,
    ),
    Target(
        "tables",
        ("data/ptbxl/*.csv",),
        ("data/ptbxl",),
        lambda: run(SIGNALS_ONLY),
        oracles.tables,
        as_written=oracles.stores_are_as_csv_reads_them,
    ),
    *(
        Target(
            name,
            (files,),
            (coded.FOLDER, coded.CLASSES, coded.FOLDS),
            lambda line=line: run(line),  # type: ignore[misc]
            coded.tables,
            as_written=coded.stores_are_as_the_headers_say,
        )
        for name, files, line in (
            ("headers with codes", f"{coded.FOLDER}/**/*.hea", coded.CREATE),
            ("tables of classes", coded.CLASSES, coded.WITH_CLASSES),
            ("tables of folds", coded.FOLDS, coded.WITH_FOLDS),
        )
    ),
    Target(
        "cinc2017",
        (f"{other_sets.CINC2017}/*",),
        (other_sets.CINC2017,),
        lambda: run(other_sets.CREATE[other_sets.CINC2017]),
        other_sets.stored("rhythm4"),
        as_written=other_sets.cinc2017_is_as_wfdb_reads_it,
    ),
    Target(
        "heartbeats",
        (f"{other_sets.HEARTBEATS}/*",),
        (other_sets.HEARTBEATS,),
        lambda: run(other_sets.CREATE[other_sets.HEARTBEATS]),
        other_sets.stored("aami5"),
        as_written=other_sets.heartbeats_are_as_written,
    ),
    Target(
        "one's own recordings",
        tuple(f"{own_recordings.FOLDER}/{name}" for name in own_recordings.FILES),
        (own_recordings.FOLDER,),
        own_recordings.read_own,
        own_recordings.own,
        as_written=own_recordings.own_are_as_others_read_them,
    ),
    Target(
        "one's own table",
        (f"{own_recordings.FOLDER}/records.csv",),
        (own_recordings.FOLDER,),
        own_recordings.read_own,
        own_recordings.own,
        as_written=own_recordings.own_are_as_others_read_them,
    ),
    Target(
        "stores, judged on",
        ("data/stores/test.h5",),
        ("data/stores", "runs/images"),
        _evaluated("images"),
        _scores,
    ),
    Target(
        "stores, trained on",
        ("data/stores/train.h5", "data/stores/dev.h5"),
        ("data/stores",),
        lambda: run(COMMANDS["images"].replace("runs/images", "out").replace("-epochs 2", "-epochs 1")),
        _files("out/weights.safetensors", "out/dev_scores.npz"),
    ),
    *(
        Target(
            f"a run: {name}",
            (f"runs/{name}/**/*",),
            ("data/stores", f"runs/{name}", "runs/net-of-another-seed"),
            _evaluated(name),
            _scores,
        )
        for name in RUNS
    ),
    Target(
        "scores files",
        ("test.npz",),
        ("test.npz", "dev.npz"),
        lambda: run("evaluate -scores test.npz -threshold 0.5 -resamples 0 -out out"),
        _counts,
        as_written=oracles.counts_are_as_numpy_counts_them,
    ),
    Target(
        "an unfinished run",
        ("runs/unfinished/*",),
        ("data/stores", "runs/unfinished", "runs/net"),
        lambda: run(COMMANDS["finish"]),
        _files("runs/unfinished/weights.safetensors", "runs/unfinished/dev_scores.npz"),
        ("runs/unfinished",),
    ),
    Target(
        "stores of an unfinished run",
        ("data/stores/train.h5", "data/stores/dev.h5"),
        ("data/stores", "runs/unfinished"),
        lambda: run(COMMANDS["finish"]),
        _files("runs/unfinished/weights.safetensors", "runs/unfinished/dev_scores.npz"),
        ("runs/unfinished",),
    ),
    Target(
        "an unfinished store",
        ("data/begun/train.h5.part",),
        ("data/ptbxl", "data/begun"),
        lambda: run(COMMANDS["go on"].replace("data/stores", "data/begun")),
        oracles.content_of("data/begun/train.h5"),
        ("data/begun",),
    ),
    Target(
        "recordings of an unfinished store",
        ("data/ptbxl/records100/00000/*",),
        ("data/ptbxl", "data/begun"),
        lambda: run(COMMANDS["go on"].replace("data/stores", "data/begun")),
        oracles.content_of("data/begun/train.h5"),
        ("data/begun",),
        as_written=oracles.store_is_one_made_anew,
    ),
    Target(
        "recipes",
        ("recipe.toml",),
        ("recipe.toml", "data/stores"),
        lambda: run("train -config recipe.toml -path_save_model out -epochs 1"),
        oracles.given,
        as_written=oracles.card_is_as_tomllib_reads_the_recipe,
    ),
)
TARGETS = {target.name: target for target in _TARGETS}
"""Every kind of file that a command reads, by name."""
