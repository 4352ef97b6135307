"""Stores of one folder go together, or are refused when they are made."""

import pytest
from small_stores import make

import pipeline.store.filling
from pipeline.errors import EcgFusionError
from pipeline.store.reading import store_path
from pipeline.store.writing import part_path


@pytest.mark.parametrize(
    ("words", "difference"),
    [
        (["--size", "32"], "images gaf size 16, not 32"),
        (["--leads", "I"], "image_leads"),
        (["--band", "1", "40"], "band"),
        (["--representations", "gaf"], "images mtf"),
        (["--folds", "train=1-7", "dev=9", "test=10"], "folds train"),
        (["--min_likelihood", "50"], "min_likelihood 0.0, not 50.0"),
    ],
)
def test_other_options_than_those_of_a_neighbour_are_refused(synthetic_folder, tmp_path, words, difference):
    make(synthetic_folder, tmp_path, "--partition", "dev")
    with pytest.raises(EcgFusionError) as refused:
        make(synthetic_folder, tmp_path, "--partition", "train", *words)
    assert str(refused.value).startswith(f"{tmp_path}/dev.h5 has {difference}")
    assert f"could not be used with {tmp_path}/train.h5" in str(refused.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dev.h5"]


def test_an_unfinished_neighbour_counts_and_a_sample_does_not(synthetic_folder, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline.store.filling, "store_images", stop)
    with pytest.raises(KeyboardInterrupt):
        make(synthetic_folder, tmp_path, "--partition", "dev")
    monkeypatch.undo()
    assert part_path(store_path(tmp_path, "dev")).exists()
    with pytest.raises(EcgFusionError, match=r"dev\.h5\.part has images gaf size 16, not 32"):
        make(synthetic_folder, tmp_path, "--partition", "train", "--size", "32")
    make(synthetic_folder, tmp_path, "--partition", "train", "--limit", "2")


def test_what_is_no_store_is_left_to_who_opens_it(synthetic_folder, tmp_path):
    store_path(tmp_path, "train").write_bytes(b"no store")
    make(synthetic_folder, tmp_path, "--partition", "dev")
    assert store_path(tmp_path, "dev").exists()
