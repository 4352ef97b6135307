"""The benchmarks of create_images.py do what they say, at toy size."""

import pytest

from benchmarks import creating, growth
from benchmarks.growth import Point
from pipeline.errors import EcgFusionError
from pipeline.store.reading import open_store


def test_one_thing_grows_at_a_time():
    found = growth.lines([10, 50, 200], [64, 256], [1, 3, 12])
    assert found["records"] == [Point(10, 256, 3), Point(50, 256, 3), Point(200, 256, 3)]
    assert found["size"] == [Point(50, 64, 3), Point(50, 256, 3)]
    assert found["leads"] == [Point(50, 256, 1), Point(50, 256, 3), Point(50, 256, 12)]


def test_a_point_is_measured_and_leaves_nothing_behind(synthetic_folder, tmp_path):
    point = growth.measure(Point(3, 16, 2), synthetic_folder, tmp_path, workers=1)
    assert (point.records, point.size, point.leads) == (3, 16, 2)
    assert point.seconds > 0
    assert point.peak_mb > 50  # Python, numpy and torch
    assert not list(tmp_path.iterdir())


def test_more_records_than_there_are_is_refused(synthetic_folder, tmp_path):
    with pytest.raises(EcgFusionError, match="has 40 records and -records asks for 41: ask for fewer"):
        growth.measure(Point(41, 16, 1), synthetic_folder, tmp_path, workers=1)


def test_the_plot_is_saved(tmp_path):
    measured = {
        name: [Point(at, at, at, 0.1 * at, 500), Point(4 * at, 4 * at, 4 * at, 0.5 * at, 600)]
        for name, at in (("records", 1000), ("size", 64), ("leads", 3))
    }
    growth.draw(measured, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")


def test_both_sides_write_as_many_bytes(synthetic_folder, tmp_path):
    words = ["--data", str(synthetic_folder), "--size", "16", "--limit", "2", "--workers", "1"]
    n_records, n_bytes = creating.make_stores(words, tmp_path)
    stores = [open_store(path) for path in tmp_path.glob("*.h5")]
    assert n_records == sum(store.n_items for store in stores) == 6
    creating.write_bytes(b"0123456789" * 1000, n_bytes, tmp_path / "bytes")
    assert (tmp_path / "bytes").stat().st_size == n_bytes == sum(store.path.stat().st_size for store in stores)
