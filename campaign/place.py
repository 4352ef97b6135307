"""The place that is damaged: recordings, stores, runs of every kind, and works that were stopped midway; made once."""

import os
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

from campaign.children import watched
from campaign.coded_recordings import write_coded
from campaign.heartbeats import FOLDER, write_heartbeats
from campaign.other_sets import write_other_sets
from campaign.own_recordings import write_own
from pipeline.errors import EcgFusionError

RECORDS = 36
RUNS = ("net", "images", "members", "late", "concat")
_STORE = "--data data/ptbxl --out data/stores --size 32 --representations gaf --workers 1"
_FOLDS = "--folds train=1-6 dev=7-8 test=9-10"
_TRAIN = "-data data/stores -threads 1 -batch_size 8 -epochs 2"
_NET = f"-model gru -hidden_size 4 -n_layers 1 -leads I II -crop 2.5 {_TRAIN}"

COMMANDS = {
    "create": f"create_images {_STORE} {_FOLDS}",
    "net": f"train {_NET} -path_save_model runs/net",
    "other net": f"train {_NET} -seed 7 -path_save_model runs/net-of-another-seed",
    "images": f"train -model resnet -nb_filters 2 {_TRAIN} -path_save_model runs/images",
    "members": f"train {_NET} -kfold 2 -path_save_model runs/members",
    "late": "train -model late -combine weighted -branches runs/net runs/images -path_save_model runs/late",
    "concat": "train -model intermediate -combine concat -branches runs/net runs/images -epochs 2 -threads 1 "
    "-path_save_model runs/concat",
    "finish": "train -resume -data data/stores -path_save_model runs/unfinished",
    "go on": f"create_images {_STORE} {_FOLDS} --partition train",
}
"""What makes the place, and what is done in it: each a line as a user would type it."""


SIGNALS_ONLY = f"create_images --data data/ptbxl --out out --workers 1 --representations none {_FOLDS}"


def run(line: str | Sequence[str]) -> None:
    """Runs a command in this process as its file would; ends by ``SystemExit``."""
    import sys
    from importlib import import_module

    from pipeline.commands.parser import run_command

    name, *words = line.split() if isinstance(line, str) else line
    sys.argv = [f"{name.rpartition('.')[2]}.py", *words]
    run_command(import_module(name).main)


def import_everything() -> None:
    """So that a child need not: imports, and machine code that is kept between processes."""
    import h5py  # noqa: F401
    import pandas  # noqa: F401
    import scipy.io
    import scipy.signal  # noqa: F401
    import sklearn.metrics  # noqa: F401
    import torch
    import torch._dynamo
    import torch.utils.tensorboard

    import create_images  # noqa: F401
    import evaluate  # noqa: F401
    import pipeline.fusion.intermediate
    import pipeline.fusion.late
    import pipeline.runs.load
    import pipeline.scoring.judge
    import pipeline.sources.cinc2017
    import pipeline.sources.formats.delimited
    import pipeline.sources.formats.matlab
    import pipeline.sources.formats.numpy_files
    import pipeline.sources.formats.wfdb_opening
    import pipeline.sources.heartbeat_csv
    import pipeline.sources.mitdb
    import pipeline.sources.ptbxl
    import pipeline.sources.table
    import pipeline.store.create
    import pipeline.training.run  # noqa: F401
    import train  # noqa: F401
    from pipeline.representations import ImageRecipe, draw_images

    for codec in ("ascii", "latin-1", "utf-8-sig", "utf-16"):  # found by name at their first use
        "".encode(codec)
    torch.set_num_threads(1)
    draw_images(torch.randn(2, 64), 100.0, ImageRecipe(size=8))


def make_place(folder: Path) -> Path:
    """Recordings, their stores and one run of every kind, below ``folder / place``; beside it what must stay as it is.

    Raises:
        EcgFusionError: one of the commands did not do what it should, undamaged.
    """
    from pipeline.sources.synthetic import write_dataset

    place = folder / "place"
    (folder / "outside").mkdir(parents=True)
    (folder / "outside" / "canary.txt").write_text("nobody has touched this\n")
    place.mkdir()
    (place / ".place").touch()
    write_dataset(place / "data" / "ptbxl", n_records=RECORDS, seed=3)
    write_heartbeats(place / FOLDER)
    write_other_sets(place)
    for name in ("create", "net", "other net", "images", "members", "late", "concat"):
        _do(name, place)
    write_own(place)
    _score_files(place)
    _stop_midway(place)
    (place / "recipe.toml").write_text(_RECIPE)
    write_coded(place)
    shutil.copy(place / "data" / "stores" / "test.h5", folder / "outside" / "other.h5")
    return place


_RECIPE = """# a recipe
model = "gru"
data = "data/stores"
hidden_size = 4
n_layers = 1
leads = ["I", "II"]
crop = 2.5
epochs = 1
batch_size = 8
threads = 1
learning_rate = 0.01
path_save_model = "runs/new"
"""


def _do(name: str, place: Path) -> None:
    outcome = watched(lambda: run(COMMANDS[name]), place)
    if outcome.code:
        raise EcgFusionError(f"the campaign's own {name} failed, undamaged: {outcome.err.strip()[-2000:]}")


def _score_files(place: Path) -> None:
    for partition in ("dev", "test"):
        line = f"evaluate -run runs/net -partition {partition} -resamples 0 -threads 1 -out tables"
        outcome = watched(lambda line=line: run(line), place)  # type: ignore[misc]
        if outcome.code:
            raise EcgFusionError(f"the campaign's own evaluation failed, undamaged: {outcome.err.strip()[-2000:]}")
        (place / "tables" / "scores.npz").rename(place / f"{partition}.npz")
        shutil.rmtree(place / "tables")


def _stop_midway(place: Path) -> None:
    """A training that was killed behind its first epoch, and a store behind its first records."""
    line = COMMANDS["net"].replace("runs/net", "runs/unfinished")

    def train_and_die() -> None:
        from pipeline.training import resume

        save, calls = resume.TrainingState.save, []

        def save_and_die(self: resume.TrainingState, path: Path) -> None:
            save(self, path)
            calls.append(path)
            if len(calls) == 1:
                os.kill(os.getpid(), signal.SIGKILL)

        resume.TrainingState.save = save_and_die  # type: ignore[method-assign]
        run(line)

    def create_and_die() -> None:
        from pipeline.store import stages
        from pipeline.store.writing import StoreWriter

        vars(stages).update(RECORDS_READ_AT_ONCE=4, RECORDS_DRAWN_AT_ONCE=4, _BYTES_BETWEEN_SYNCS=1)
        write, calls = StoreWriter.write, []

        def write_and_die(self: StoreWriter, name: str, first: int, rows: object) -> None:
            if name != "signals":
                calls.append(name)
            if len(calls) == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            write(self, name, first, rows)  # type: ignore[arg-type]

        StoreWriter.write = write_and_die  # type: ignore[method-assign]
        run(COMMANDS["go on"].replace("data/stores", "data/begun"))

    for act, left in ((train_and_die, "runs/unfinished/resume.pt"), (create_and_die, "data/begun/train.h5.part")):
        watched(act, place)
        if not (place / left).exists():
            raise EcgFusionError(f"the campaign's own {left} is not there")
