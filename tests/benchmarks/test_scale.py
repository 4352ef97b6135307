"""How a store grows: the simulated records are real ones to the program, and every stage is measured."""

import numpy as np

from benchmarks.scale import Sparse, row, stages_of


def test_records_that_exist_only_when_they_are_read(tmp_path):
    source = Sparse(tmp_path, 5000)
    one, other = source.read(source.records.iloc[[3, 4999]])
    np.testing.assert_allclose(other - one, 0.996)
    assert source.records.groupby("patient_id")["fold"].nunique().max() == 1


def test_every_stage_is_measured(tmp_path):
    stages = stages_of(60, tmp_path, 3)
    assert [stage.name for stage in stages if stage.n_bytes] == [
        "a store made by one machine",
        "a store made in shards",
        "merged",
    ]
    assert all(stage.seconds >= 0 and stage.peak_mb > 10 for stage in stages)
    one, _, merged = (stage for stage in stages if stage.n_bytes)
    assert one.n_bytes == merged.n_bytes
    assert row(60, one).count("|") == 7
    assert not [stage for stage in stages_of(60, tmp_path / "again", 0) if stage.name == "merged"]
