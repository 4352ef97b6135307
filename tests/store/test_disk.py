"""Whether the stores to come fit on the disk."""

import shutil
from collections import namedtuple
from typing import Any

import pytest

from pipeline.errors import EcgFusionError
from pipeline.listening import Listener, listening
from pipeline.sources import open_source
from pipeline.store.disk import check_disk
from pipeline.store.options import StoreOptions
from pipeline.store.plan import plan_stores

Usage = namedtuple("Usage", "total used free")


class Remembering(Listener):
    def __init__(self):
        self.sentences = []

    def hear(self, event):
        self.sentences.append(event.sentence)


@pytest.fixture
def jobs(synthetic_folder, tmp_path):
    given: Any = {"representations": (), "workers": 1}
    return plan_stores(StoreOptions.of(open_source("ptbxl", synthetic_folder), tmp_path, given))


@pytest.mark.parametrize(("short", "fits"), [(0, True), (1, False)])
def test_all_of_them_together_must_fit(jobs, tmp_path, monkeypatch, short, fits):
    needed = sum(job.bytes_to_come for job in jobs)
    assert needed == 40 * 12 * 1000 * 2
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, needed - short))
    listener = Remembering()
    with listening(listener):
        if fits:
            check_disk(jobs)
        else:
            with pytest.raises(
                EcgFusionError, match=f"{needed - 1:,} bytes free and {needed:,} are to come: free some"
            ):
                check_disk(jobs)
    assert [sentence.partition(":")[0] for sentence in listener.sentences] == [str(job.path) for job in jobs]


def test_what_is_complete_takes_no_more(jobs, monkeypatch):
    for job in jobs:
        job.path.touch()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 0))
    check_disk(jobs)
