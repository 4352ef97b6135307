"""What became of one partition, in words."""

from types import SimpleNamespace
from typing import Any

from pipeline.representations import ImageRecipe
from pipeline.sources import BadRecord
from pipeline.store.summary import Summary


def lines(tmp_path, n_bad: int) -> list[str]:
    path = tmp_path / "dev.h5"
    path.write_bytes(bytes(1234))
    recipe = ImageRecipe(representations=("gaf", "rp"))
    job: Any = SimpleNamespace(path=path, rows=range(5), extent="5 records", image_leads=("I", "II", "V2"))
    job.image_recipe = recipe
    return str(Summary(job, [BadRecord(str(n), "is gone") for n in range(n_bad)], 2.0)).splitlines()


def test_it_counts_records_images_and_bytes(tmp_path):
    (line,) = lines(tmp_path, 0)
    assert line.startswith(f"{tmp_path}/dev.h5: 5 records, 0 left out, 30 images, 1,234 bytes, 2.0 s, peak memory ")


def test_records_that_were_left_out_are_listed_up_to_a_screenful(tmp_path):
    assert lines(tmp_path, 2)[1:] == ["  left out 0: is gone", "  left out 1: is gone"]
    many = lines(tmp_path, 25)
    assert len(many) == 1 + 20 + 1
    assert many[-1] == "  and 5 more: see the store's bad_records"
