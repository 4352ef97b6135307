"""What a training goes on with is what it was begun with: labels, patients, signals and images."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from cards import card_json, write_json
from kills import Killed, kill_at_call
from small_stores import sum_anew

import train
from pipeline.errors import EcgFusionError
from pipeline.inputs.spec import InputSpec
from pipeline.runs.card import BRANCHES, FORMAT, RESUME
from pipeline.runs.card_file import read_card
from pipeline.store.mapped import Held
from pipeline.store.reading import Store
from pipeline.training import contents as module
from pipeline.training import loop, network
from pipeline.training.contents import contents

pytestmark = pytest.mark.usefixtures("cpu_as_before")

SIGNAL = InputSpec("signal", ("I",), 100.0, 1000.0, 1000)
IMAGE = replace(SIGNAL, modality="image", representations={"gaf": {}, "rp": {}})


def test_what_is_not_read_is_not_digested(store: Store):
    assert contents(store, "disease", []).keys() == {"labels"}
    assert contents(store, "disease", [SIGNAL]).keys() == {"labels", "signals"}
    assert contents(store, "disease", [SIGNAL, IMAGE]).keys() == {"labels", "signals", "gaf", "rp"}
    assert contents(store, "disease", [replace(IMAGE, on_the_fly=True)]).keys() == {"labels", "signals"}


def changed(store: Store, what: str) -> Store:
    labels, row = store.task("disease"), int(np.flatnonzero(store.task("disease").labelled)[3])
    if what == "labels":
        values = labels.values.copy()
        values[row, 1] ^= 1
        return replace(store, labels={**store.labels, "disease": replace(labels, values=values)})
    if what == "patients":
        patients = store.columns["patient_id"].copy()
        patients[row] = "another"
        return replace(store, columns={**store.columns, "patient_id": patients})
    if what == "lengths":
        lengths = store.columns["length"].copy()
        lengths[row] -= 1
        return replace(store, columns={**store.columns, "length": lengths})
    array = np.array(store.signals.open() if what == "signals" else store.images[what].open())
    array[row, 0, -1] ^= 1
    if what == "signals":
        return replace(store, signals=Held(array))
    return replace(store, images={**store.images, what: Held(array)})


@pytest.mark.parametrize(
    ("what", "where"), [("labels", "labels"), ("patients", "labels"), ("signals", "signals"), ("rp", "rp")]
)
def test_one_value_that_is_another_is_told_apart(store: Store, what: str, where: str):
    before, after = (contents(each, "disease", [IMAGE]) for each in (store, changed(store, what)))
    assert [name for name in before if before[name] != after[name]] == [where]


def test_of_many_items_some_are_read(store: Store, monkeypatch):
    n_bytes = store.signals.open()[0].nbytes
    monkeypatch.setattr(module, "_MOST_BYTES", 10 * n_bytes)
    read = []
    monkeypatch.setattr(Held, "read_ahead", lambda _, rows: read.extend(rows.tolist()))
    contents(replace(store, signals=Held(store.signals.open())), "disease", [SIGNAL])
    rows = np.flatnonzero(store.task("disease").labelled)
    assert read == rows[:: -(-len(rows) // 10)].tolist()


GRU = "-model gru -hidden_size 3 -n_layers 1 -leads I II -crop 2 -stride 2 -threads 1"
RUNS = {
    "network": f"{GRU} -epochs 2",
    "images": "-model resnet -nb_filters 2 -representation gaf rp -leads II -epochs 2 -batch_size 16 -threads 1",
    "kfold": f"{GRU} -kfold 2 -epochs 2",
    "late": "-model late -combine weighted",
    "concat": "-model intermediate -combine concat -hidden_size 4 -epochs 2 -threads 1",
}
KILLS = {"late": (network, "save_scores", 1)}
CHANGES: dict[str, Callable[[h5py.File], object]] = {
    "labels or patients": lambda file: file["labels/disease"].write_direct(1 - file["labels/disease"][()]),
    "signals": lambda file: file["signals"].write_direct(file["signals"][()] + 1),
    "images": lambda file: file["images/rp"].write_direct(255 - file["images/rp"][()]),
}


@pytest.fixture(scope="module")
def branches(small_store_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folders = [str(tmp_path_factory.mktemp("branches") / name) for name in ("a", "b")]
    for seed, folder in enumerate(folders):
        common = ["-data", str(small_store_folder), "-path_save_model", folder, "-seed", str(seed)]
        train.main([*GRU.split(), "-epochs", "1", *common])
    return folders


@pytest.mark.parametrize("partition", ["train", "dev"])
@pytest.mark.parametrize(
    ("name", "what"),
    [
        *[(name, "labels or patients") for name in RUNS],
        *[(name, "signals") for name in RUNS if name != "late"],  # which reads scores
        ("images", "images"),
    ],
)
def test_a_training_goes_on_with_what_it_was_begun_with(
    name: str, what: str, partition: str, small_store_folder: Path, branches: list[str], tmp_path: Path
):
    stores = shutil.copytree(small_store_folder, tmp_path / "stores")
    words = [*RUNS[name].split(), "-data", str(stores), "-path_save_model", str(tmp_path / "run")]
    with pytest.MonkeyPatch.context() as patch:
        kill_at_call(patch, *KILLS.get(name, (loop.TrainingState, "save", 2)))
        with pytest.raises(Killed):
            train.main([*words, *(["-branches", *branches] if "combine" in RUNS[name] else [])])
    with h5py.File(stores / f"{partition}.h5", "r+") as file:
        CHANGES[what](file)
        sum_anew(file)
    with pytest.raises(EcgFusionError, match=rf"{partition}\.h5 has other {what} than .*run was begun with: name its"):
        train.main(["-resume", "-path_save_model", str(tmp_path / "run")])
    train.main(["-resume", "-path_save_model", str(tmp_path / "run"), "-data", str(small_store_folder)])
    assert read_card(tmp_path / "run").complete


def test_a_run_that_an_earlier_program_began_goes_on(small_store_folder: Path, tmp_path: Path):
    """Its card says nothing of what it was begun with; what comes of it is sealed."""
    words = [*RUNS["network"].split(), "-data", str(small_store_folder), "-path_save_model", str(tmp_path / "run")]
    with pytest.MonkeyPatch.context() as patch:
        kill_at_call(patch, loop.TrainingState, "save", 2)
        with pytest.raises(Killed):
            train.main(words)
    card = card_json(tmp_path / "run")
    del card["seal"], card["data"]["contents"], card["data"]["dev_items_digest"]
    write_json(tmp_path / "run", {**card, "format": 1})
    state = torch.load(tmp_path / "run" / RESUME, weights_only=True)
    for part, name in ((state, "seal"), (state, "training"), (state["progress"], "best_weights")):
        del part[name]
    torch.save(state, tmp_path / "run" / RESUME)
    train.main(["-resume", "-path_save_model", str(tmp_path / "run")])
    finished = read_card(tmp_path / "run")
    assert (finished.format, finished.data.contents) == (FORMAT, None)
    assert finished.sha256
    assert BRANCHES not in finished.sha256
