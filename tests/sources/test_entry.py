"""What a data set says of itself in its line of the registry, and that a new one needs no more than that."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import create_images
from pipeline.errors import EcgFusionError
from pipeline.labels import Labels
from pipeline.sources import SOURCES, Source, SourceEntry, SourceOption, open_source
from pipeline.store.create import create_stores
from pipeline.store.reading import open_store, store_path

ROOT = Path(__file__).resolve().parents[2]
N_RECORDS = 9


class Toy(Source):
    """Nine records of two leads, three in each fold."""

    name, version, leads, gain = "toy", "1", ("II", "V5"), 1000.0

    def __init__(self, folder, sampling_rate, loudness=1.0):
        self.folder, self.sampling_rate, self.options = folder, 200.0, {"loudness": loudness}
        ids = [f"t{number}" for number in range(N_RECORDS)]
        columns = {"record_id": ids, "patient_id": ids, "fold": np.arange(N_RECORDS) % 3 + 1}
        self.records = pd.DataFrame({**columns, "length": 4.0, "age": np.nan, "sex": -1})
        values = np.eye(N_RECORDS, 2, dtype=np.uint8)
        self.labels = {"rhythm": Labels(("AF", "SR"), "multiclass", values, np.asarray(values.any(axis=1)))}

    def read(self, records):
        times = np.arange(800) / 200
        waves = [np.sin(2 * np.pi * times * (1 + int(name[1:]))) for name in records["record_id"]]
        return [self.options["loudness"] * np.stack([wave, 0.5 * wave]) for wave in waves]


@pytest.fixture
def toy(monkeypatch):
    entry = SourceEntry(
        f"{__name__}:Toy",
        default_task="rhythm",
        default_leads=("V5",),
        default_folds=("train=1", "dev=2", "test=3"),
        options={"loudness": SourceOption(float, "how loud (default 1)")},
    )
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    monkeypatch.setitem(SOURCES, "toy", entry)
    return entry


def test_create_images_makes_its_stores_with_what_is_usual_for_it(toy, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    create_images.main(["--source", "toy", "--size", "16", "--representations", "gaf", "--workers", "1"])
    assert capsys.readouterr().out.startswith("toy 1 in data/toy: 9 records of 9 patients at 200 Hz\n")
    for fold, partition in enumerate(("train", "dev", "test"), start=1):
        store = open_store(store_path(tmp_path / "data" / "toy-images", partition))
        assert set(store.columns["fold"]) == {fold}
        assert (store.leads, store.image_leads) == (["II", "V5"], ["V5"])
        assert (store.default_task, store.default_leads) == ("rhythm", ["V5"])
        assert store.images["gaf"].shape == (3, 1, 16, 16)
        assert store.signals.shape == (3, 2, 400)
        assert store.attributes["loudness"] == 1.0
        assert "min_likelihood" not in store.attributes


def test_its_own_option_is_one_of_the_command(toy, tmp_path):
    words = f"--source toy --data {tmp_path} --out {tmp_path} --representations none --workers 1 --partition dev"
    create_images.main([*words.split(), "--loudness", "2", "--band", "none"])
    store = open_store(store_path(tmp_path, "dev"))
    assert store.attributes["loudness"] == 2.0
    assert store.signals.open().max() >= 1900
    with pytest.raises(EcgFusionError, match=r"loudness 2.0, not 3.0"):
        create_images.main([*words.split(), "--loudness", "3", "--band", "none"])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            "--source toy --min_likelihood 50",
            "--min_likelihood is no option of the source toy, which has only --loudness",
        ),
        ("--source ptbxl --loudness 2", "--loudness is no option of the source ptbxl, which has only --min_likelihood"),
        ("--source toi", "there is no source toi: choose one of ptbxl, .*toy"),
        ("--source toy --loudness 2 --export there", "--loudness does not go with --export"),
    ],
)
def test_an_option_of_another_source_is_refused(toy, tmp_path, monkeypatch, words, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EcgFusionError, match=sentence):
        create_images.main(words.split())
    assert not list(tmp_path.iterdir())


def test_a_source_without_options_says_so(toy, monkeypatch, tmp_path):
    monkeypatch.setitem(SOURCES, "toy", SourceEntry(toy.opener))
    with pytest.raises(EcgFusionError, match="--loudness is no option of the source toy, which has none of its own"):
        open_source("toy", tmp_path, loudness=2)


@pytest.mark.parametrize(
    ("task", "classes", "problem"),
    [
        ("rhythm", ("AF", "S\nR"), "the class of rhythm 'S.+R' has a character in its name that cannot be printed"),
        ("rhythm", ("AF", ""), "a class of rhythm has an empty name"),
        ("rhythm", ("AF", "AF"), "the task rhythm has one class twice: AF, AF"),
        ("../rhythm", ("AF", "SR"), "the task '../rhythm' is no plain file name"),
    ],
)
def test_names_are_checked_where_they_enter(toy, tmp_path, monkeypatch, task, classes, problem):
    usual = Toy.__init__

    def named(self, *words, **options):
        usual(self, *words, **options)
        self.labels = {task: replace(self.labels["rhythm"], classes=classes)}

    monkeypatch.setattr(Toy, "__init__", named)
    with pytest.raises(EcgFusionError, match=f"{problem}.*: rename it"):
        open_source("toy", tmp_path)


def test_a_source_that_is_in_no_registry_is_dealt_into_ten_folds(tmp_path):
    source = Toy(tmp_path, 100.0)
    with pytest.raises(EcgFusionError, match="9 patients make from 2 to 9 folds, not 10: give fewer"):
        create_stores(source, tmp_path)
    (path,) = create_stores(source, tmp_path, folds={"dev": [1, 3]}, representations="rp", size=8, workers=1)
    store = open_store(path)
    assert (store.n_items, store.image_leads) == (6, ["II", "V5"])
    assert (store.default_task, store.default_leads) == ("rhythm", ["II", "V5"])


def test_the_facts_of_ptbxl(synthetic_folder):
    source = open_source("ptbxl", synthetic_folder)
    assert source.entry is SOURCES["ptbxl"]
    assert source.entry.default_task in source.labels
    assert set(source.entry.default_leads) <= set(source.leads)
    assert source.options == {"min_likelihood": 0.0}


def test_the_registry_is_light():
    heavy = {"pandas", "h5py", "torch", "scipy"}
    code = f"import sys, create_images; create_images.parse([]); sys.exit(len({heavy} & {{*sys.modules}}))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
