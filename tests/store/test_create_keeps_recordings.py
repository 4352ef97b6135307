"""Stores hold what the recordings hold: every partition its own records, their signals and the images of these."""

import os

import numpy as np
import pandas as pd
import pytest
import torch
from recording_files import counts_in
from small_stores import make, same_content, stores

import create_images
import pipeline.store.filling
from pipeline.errors import EcgFusionError
from pipeline.representations import ImageRecipe, draw_images
from pipeline.signals.counts import to_counts, to_millivolts
from pipeline.signals.filters import band_pass, resample
from pipeline.signals.leads import choose_leads
from pipeline.sources import BadRecord, open_source
from pipeline.sources.items import Whole
from pipeline.sources.synthetic import write_dataset
from pipeline.store.job import SignalRecipe
from pipeline.store.reading import open_store, store_path


@pytest.mark.parametrize("partition", ["train", "dev", "test"])
def test_image_and_signal_of_an_item_come_from_its_recording(small_store_folder, synthetic_folder, partition):
    store = open_store(store_path(small_store_folder, partition))
    source = open_source("ptbxl", synthetic_folder)
    items = Whole().table(source).rows.set_index("item_id", drop=False).loc[store.columns["item_id"]]
    recordings = np.array(source.read(source.records.iloc[items["record"]]))
    counts = to_counts(band_pass(recordings, 100, (0.5, 40)), 1000)
    np.testing.assert_array_equal(store.signals.open(), counts)
    x = to_millivolts(counts, 1000)[:, choose_leads(store.leads, store.image_leads)]
    recipe = ImageRecipe(size=32)
    drawn = draw_images(torch.from_numpy(x), 100, recipe).numpy()  # (items, leads, representations, 32, 32)
    for number, name in enumerate(recipe.representations):
        np.testing.assert_array_equal(store.images[name].open(), drawn[:, :, number])


def test_images_are_those_of_the_stored_numbers(small_store_folder):
    for store in stores(small_store_folder).values():
        x = to_millivolts(store.signals.open(), store.gain)[:, choose_leads(store.leads, store.image_leads)]
        recipe = ImageRecipe.from_parameters(store.image_parameters)
        drawn = draw_images(torch.from_numpy(x), store.sampling_rate, recipe).numpy()
        for number, name in enumerate(recipe.representations):
            np.testing.assert_array_equal(store.images[name].open(), drawn[:, :, number])


def test_an_unfiltered_store_holds_the_numbers_of_the_files(synthetic_folder, tmp_path):
    make(synthetic_folder, tmp_path, "--band", "none")
    for store in stores(tmp_path).values():
        assert (store.attributes["band"], store.attributes["filter"]) == (None, "none")
        for record_id, signal in zip(store.columns["record_id"], store.signals.open(), strict=True):
            np.testing.assert_array_equal(signal, counts_in(synthetic_folder, int(record_id)).T)


@pytest.mark.realdata
def test_an_unfiltered_store_holds_the_numbers_of_real_files(ptbxl_folder, tmp_path):
    make(ptbxl_folder, tmp_path, "--band", "none", "--limit", "20", "--partition", "dev", "--leads", "all")
    store = open_store(store_path(tmp_path, "dev"))
    assert (store.n_items, store.leads) == (20, store.image_leads)
    assert store.attributes["source_version"].startswith(("1.0.", "unknown"))
    for record_id, signal in zip(store.columns["record_id"], store.signals.open(), strict=True):
        files = list(ptbxl_folder.glob(f"records100/*/{int(record_id):05d}_lr.dat"))
        np.testing.assert_array_equal(signal, np.fromfile(files[0], "<i2").reshape(-1, 12).T)


@pytest.mark.parametrize(("rate", "n_samples"), [(500, 5000), (250, 2500), (99.9, 999)])
def test_a_store_may_be_finer_than_100_hz(tmp_path, rate, n_samples):
    write_dataset(tmp_path / "ptbxl", n_records=3, seed=0, rates=(100, 500))
    make(tmp_path / "ptbxl", tmp_path / "o", "--folds", "train=1-10", "--sampling_rate", rate, "--band", "1", "45")
    store = open_store(store_path(tmp_path / "o", "train"))
    native = 100 if rate < 100 else 500
    source = open_source("ptbxl", tmp_path / "ptbxl", sampling_rate=native)
    assert (store.sampling_rate, store.attributes["source_sampling_rate"]) == (rate, native)
    assert store.signals.shape == (3, 12, n_samples)
    assert store.lengths.tolist() == [n_samples] * 3
    for signal, stored in zip(source.read(source.records), store.signals.open(), strict=True):
        assert not isinstance(signal, BadRecord)
        # filtered at the native rate, then resampled, then rounded
        expected = to_counts(resample(band_pass(signal, native, (1, 45)), native, rate), 1000)
        np.testing.assert_array_equal(stored, expected)


def test_any_number_of_workers_makes_the_same_files(reference_stores, synthetic_folder, tmp_path):
    make(synthetic_folder, tmp_path, "--workers", "3")
    assert same_content(reference_stores, tmp_path)


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="the system takes no advice on its cache")
@pytest.mark.parametrize(("share", "evicted"), [(1e-9, True), (0.5, False)])
def test_images_leave_the_cache_only_where_memory_is_small_for_them(
    reference_stores, synthetic_folder, tmp_path, monkeypatch, share, evicted
):
    advised = []
    monkeypatch.setattr(os, "posix_fadvise", lambda *arguments: advised.append(arguments[-1]))
    monkeypatch.setattr(pipeline.store.filling, "_SHARE_OF_MEMORY", share)
    make(synthetic_folder, tmp_path)
    assert (os.POSIX_FADV_DONTNEED in advised) == evicted
    assert same_content(reference_stores, tmp_path)


def test_no_representations_is_a_store_of_signals(reference_stores, synthetic_folder, tmp_path):
    words = ["--data", str(synthetic_folder), "--out", str(tmp_path), "--representations", "none", "--workers", "2"]
    create_images.main(words)
    for name, store in stores(tmp_path).items():
        assert (store.images, store.image_leads, store.image_parameters) == ({}, [], {})
        np.testing.assert_array_equal(
            store.signals.open(), open_store(store_path(reference_stores, name)).signals.open()
        )
    create_images.main(words)  # complete


@pytest.mark.parametrize(
    ("words", "leads"),
    [(["aVR", "v6"], ["aVR", "V6"]), (["AVR", "I"], ["aVR", "I"]), (["avr"], ["aVR"]), (["all"], None)],
)
def test_image_leads_are_chosen_and_signals_carry_all(synthetic_folder, tmp_path, words, leads):
    make(synthetic_folder, tmp_path, "--leads", *words, "--partition", "dev")
    store = open_store(store_path(tmp_path, "dev"))
    assert store.image_leads == (leads or store.leads)
    assert store.signals.shape[1] == 12
    assert store.images["gaf"].shape[1] == len(store.image_leads)


def test_limit_keeps_a_sample_of_each_partition(reference_stores, synthetic_folder, tmp_path):
    make(synthetic_folder, tmp_path, "--limit", "3")
    for name, store in stores(tmp_path).items():
        whole = open_store(store_path(reference_stores, name))
        rows = np.flatnonzero(np.isin(whole.columns["item_id"], store.columns["item_id"]))
        assert len(rows) == 3
        assert (store.attributes["limit"], store.attributes["sample"]) == (3, "in proportion to disease, seed 0")
        assert "sample" not in whole.attributes
        assert store.columns["item_id"].tolist() == whole.columns["item_id"][rows].tolist()
        np.testing.assert_array_equal(store.signals.open(), whole.signals.open()[rows])
        np.testing.assert_array_equal(store.images["mtf"].open(), whole.images["mtf"].open()[rows])


def test_the_gain_of_a_finer_source_is_kept():
    signal = np.full((1, 1000), 1 / 4880)
    assert (SignalRecipe(None, 100, 4880.0).counts(signal, 100) == 1).all()
    assert (SignalRecipe(None, 100, 1000.0).counts(signal, 100) == 0).all()


def test_an_empty_partition_is_a_warning(synthetic_folder, tmp_path, capsys):
    make(synthetic_folder, tmp_path, "--folds", "train=1-2", "dev=9", "test=11")
    said = capsys.readouterr().err
    assert "warning: " in said
    assert "has no record for test (train=1-2 dev=9 test=11): no store is made" in said
    assert sorted(stores(tmp_path)) == ["dev", "train"]


@pytest.mark.parametrize("words", ["train=1-8 --partition dev", "dev=11", "train=77 dev=78"])
def test_nothing_to_make_is_a_refusal_behind_the_warning(synthetic_folder, tmp_path, capsys, words):
    with pytest.raises(EcgFusionError, match="has no record for any partition that was asked for: choose other --fold"):
        make(synthetic_folder, tmp_path, "--folds", *words.split())
    assert "has no record for dev" in capsys.readouterr().err  # told by the listener, as where others are made
    assert not stores(tmp_path)


def test_only_the_partition_that_is_asked_for_is_made(synthetic_folder, tmp_path):
    make(synthetic_folder, tmp_path, "--partition", "dev", "dev")
    assert sorted(stores(tmp_path)) == ["dev"]


def test_a_patient_in_two_partitions_is_refused(copied_folder, tmp_path):
    table = pd.read_csv(copied_folder / "ptbxl_database.csv")
    again = table["patient_id"].duplicated(keep=False)
    table.loc[again, "strat_fold"] = np.arange(again.sum()) % 2 + 8
    table.to_csv(copied_folder / "ptbxl_database.csv", index=False)
    with pytest.raises(EcgFusionError, match=r"is in train and in dev: choose --folds that keep every patient in one"):
        make(copied_folder, tmp_path / "o", "--partition", "test")
    assert not (tmp_path / "o").exists()
