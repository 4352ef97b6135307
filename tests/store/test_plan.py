"""Options and a data set become one job a partition, before any record is read."""

from copy import copy
from typing import Any

import pytest

from pipeline.errors import EcgFusionError
from pipeline.listening import Listener, Remark, Warned, listening
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
    assert sorted(row for job in jobs for row in job.rows) == list(range(len(source.records)))
    for job in jobs:
        assert set(job.items["fold"]) <= set(job.division.folds[job.partition])
        assert job.image_leads == ("I", "II", "V2")
        assert job.image_recipe == ImageRecipe()
        assert (job.signal_recipe.band, job.signal_recipe.sampling_rate, job.signal_recipe.gain) == (
            (0.5, 40),
            100,
            1000,
        )
        assert job.workers >= 1


def test_a_limit_is_of_each_partition_and_takes_a_sample(source):
    whole, limited = plan_stores(asked(source)), plan_stores(asked(source, limit=2))
    assert [len(job.rows) for job in limited] == [2, 2, 2]
    for job, of in zip(limited, whole, strict=True):
        assert set(job.rows) <= set(of.rows)
        assert job.rows.tolist() == sorted(job.rows)
        assert job.recipe()["sample"] == "in proportion to disease, seed 0"
        assert "sample" not in of.recipe()
    again = plan_stores(asked(source, limit=2))
    assert [job.rows.tolist() for job in again] == [job.rows.tolist() for job in limited]
    assert [job.rows.tolist() for job in plan_stores(asked(source, limit=99))] == [job.rows.tolist() for job in whole]


def test_a_sample_has_the_shares_of_the_usual_task(source):
    (train, *_), (some, *_) = plan_stores(asked(source)), plan_stores(asked(source, limit=16))
    share = train.labels["disease"].values.mean(axis=0)
    assert (abs(some.labels["disease"].values.sum(axis=0) - 16 * share) <= 2).all()


def test_a_class_that_the_sample_lacks_is_warned_of(source, told):
    announce(asked(source, limit=2))
    said = [event.sentence for event in told if isinstance(event, Remark)]
    assert said == [
        "--limit 2: of each partition a sample in which the classes of disease have their shares, for a quick trial"
    ]
    warned = [event.sentence for event in told if isinstance(event, Warned)]
    assert warned
    assert all("has no record of" in sentence and "take a higher --limit" in sentence for sentence in warned)
    told.clear()
    announce(asked(source, limit=99))  # all there are
    assert not [event for event in told if isinstance(event, Remark | Warned)]


@pytest.mark.parametrize("labels", [{}, {"rhythm": None}])
def test_a_set_without_the_usual_task_is_sampled_all_the_same(source, labels):
    other = copy(source)
    other.labels = dict.fromkeys(labels, source.labels["disease"])
    jobs = plan_stores(asked(other, limit=2))
    assert [len(job.rows) for job in jobs] == [2, 2, 2]
    assert jobs[0].recipe()["sample"].startswith("in proportion to rhythm" if labels else "at random")


def test_what_cannot_be_held_is_refused_before_anything_is_drawn(source, monkeypatch):
    monkeypatch.setattr("pipeline.store.plan.machine_memory", lambda: 2**24)
    with pytest.raises(EcgFusionError, match=r"images of size 900 of 12 leads take .* this machine has 0: take a"):
        plan_stores(asked(source, size=900, leads="all"))
    plan_stores(asked(source, size=32))


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
