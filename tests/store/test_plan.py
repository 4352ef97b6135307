"""Options and a data set become one job a partition, before any record is read."""

from typing import Any

import pytest

from pipeline.errors import EcgFusionError
from pipeline.listening import Listener, Warned, listening
from pipeline.representations import ImageRecipe
from pipeline.sources import open_source
from pipeline.sources.base import SourceOpened
from pipeline.store.options import StoreOptions
from pipeline.store.plan import announce, plan_stores


class Remembering(Listener):
    def __init__(self):
        self.heard = []

    def hear(self, event):
        self.heard.append(event)


@pytest.fixture(scope="module")
def source(synthetic_folder):
    return open_source("ptbxl", synthetic_folder)


def asked(source, **given) -> StoreOptions:
    keywords: Any = given
    return StoreOptions.of(source, "o", keywords)


def test_without_options_there_are_three_jobs_of_all_records(source):
    jobs = plan_stores(asked(source))
    assert [job.partition for job in jobs] == ["train", "dev", "test"]
    assert sorted(row for job in jobs for row in job.rows) == list(range(len(source.items)))
    for job in jobs:
        assert set(job.items["fold"]) <= set(job.folds[job.partition])
        assert job.image_leads == ("I", "II", "V2")
        assert job.image_recipe == ImageRecipe()
        assert (job.signal_recipe.band, job.signal_recipe.sampling_rate, job.signal_recipe.gain) == (
            (0.5, 40),
            100,
            1000,
        )
        assert job.workers >= 1


def test_a_limit_is_of_each_partition_and_takes_the_first(source):
    whole, limited = plan_stores(asked(source)), plan_stores(asked(source, limit=2))
    assert [job.rows.tolist() for job in limited] == [job.rows[:2].tolist() for job in whole]


def test_partitions_come_once_and_as_they_were_asked_for(source):
    assert [job.partition for job in plan_stores(asked(source, partition="test train test"))] == ["test", "train"]


@pytest.mark.parametrize(
    ("given", "leads"),
    [({"leads": "all"}, None), ({"leads": "v2 AVR"}, ("V2", "aVR")), ({"leads": "V7"}, "there is no lead V7")],
)
def test_leads_are_named_however_they_are_spelled(source, given, leads):
    if isinstance(leads, str):
        with pytest.raises(EcgFusionError, match=leads):
            plan_stores(asked(source, **given))
    else:
        assert plan_stores(asked(source, **given))[0].image_leads == (leads or source.leads)


@pytest.mark.parametrize("none", [(), "none", ["none"]])
def test_no_representation_is_a_recipe_of_no_images(source, none):
    job = plan_stores(asked(source, representations=none))[0]
    assert job.image_recipe.representations == ()
    assert job.image_bytes == 0
    assert job.recipe()["images"] == {}


def test_an_empty_partition_has_no_job_and_a_warning(source):
    options, listener = asked(source, folds="train=1-10 dev=11"), Remembering()
    assert [job.partition for job in plan_stores(options)] == ["train"]
    with listening(listener):
        announce(options)
    opened, warned = listener.heard
    assert isinstance(opened, SourceOpened)
    assert set(opened.rows) == {"train"}
    assert isinstance(warned, Warned)
    assert warned.sentence == f"{source.folder} has no record for dev (train=1-10 dev=11): no store is made"
