"""A finished store as a tree of files."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import create_images
from pipeline.errors import EcgFusionError
from pipeline.store.reading import open_store, store_path


@pytest.fixture(scope="module")
def tree(small_store_folder, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "tree"
    create_images.main(["--out", str(small_store_folder), "--export", str(folder)])
    return folder


def test_it_holds_a_folder_a_partition(tree):
    assert sorted(str(path.relative_to(tree)) for path in tree.glob("*/*")) == [
        f"{partition}/{kind}" for partition in ("dev", "test", "train") for kind in ("images", "labels")
    ]


@pytest.mark.parametrize("partition", ["train", "dev", "test"])
def test_every_pixel_is_that_of_the_store(tree, small_store_folder, partition):
    store = open_store(store_path(small_store_folder, partition))
    files = {path.name for path in (tree / partition / "images").iterdir()}
    assert len(files) == store.n_items * len(store.image_leads) * len(store.images)
    for name, mapped in store.images.items():
        stored = mapped.open()
        for row, item_id in enumerate(store.columns["item_id"]):
            for column, lead in enumerate(store.image_leads):
                with Image.open(tree / partition / "images" / f"{item_id}_{lead}_{name}.png") as image:
                    assert (image.mode, image.size) == ("L", (32, 32))
                    np.testing.assert_array_equal(np.asarray(image), stored[row, column])


@pytest.mark.parametrize("partition", ["train", "dev", "test"])
def test_a_table_has_the_items_that_its_task_labels(tree, small_store_folder, partition):
    store = open_store(store_path(small_store_folder, partition))
    assert {path.stem for path in (tree / partition / "labels").iterdir()} == set(store.labels)
    for task, labels in store.labels.items():
        with open(tree / partition / "labels" / f"{task}.csv", newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        assert header == ["item_id", *labels.classes]
        assert [row[0] for row in rows] == store.columns["item_id"][labels.labelled].tolist()
        values = np.array([row[1:] for row in rows], dtype=int).reshape(-1, len(labels.classes))
        np.testing.assert_array_equal(values, labels.values[labels.labelled])


def test_one_partition_alone(small_store_folder, tmp_path, capsys):
    words = ["--out", str(small_store_folder), "--export", str(tmp_path / "tree"), "--partition", "dev"]
    create_images.main(words)
    assert [path.name for path in (tmp_path / "tree").iterdir()] == ["dev"]
    assert capsys.readouterr().out == f"{tmp_path / 'tree' / 'dev'}: 48 images, 7 tables of labels\n"
    with pytest.raises(EcgFusionError, match="dev is not empty: name another folder with --export"):
        create_images.main(words)


def test_what_cannot_be_exported_is_refused(synthetic_folder, tmp_path):
    with pytest.raises(EcgFusionError, match=r"there is no .*dev\.h5: make it with python create_images.py"):
        create_images.main(["--out", str(tmp_path), "--export", str(tmp_path / "tree"), "--partition", "dev"])
    words = ["--data", str(synthetic_folder), "--out", str(tmp_path), "--partition", "dev"]
    create_images.main([*words, "--representations", "none", "--workers", "1"])
    with pytest.raises(EcgFusionError, match="holds no images to export: make it with --representations gaf"):
        create_images.main(["--out", str(tmp_path), "--export", str(tmp_path / "tree")])
    assert not (tmp_path / "tree").exists()
