"""Answers as JSON: plain types, and beats only where there are some."""

import json

import numpy as np

from pipeline.scoring.answers import NOTICE, Answer, Beat, Refused

ANSWER = Answer(
    file="a/b.hea",
    record_id="b",
    probabilities={"MI": 0.25},
    thresholds={"MI": np.float64(0.5)},
    findings=(),
    intervals={"MI": (0.0, 0.5)},
    spreads=None,
    remarks=("one",),
    seconds=10.0,
    sampling_rate=500.0,
    leads=("I", "II"),
    run="runs/x",
)


def test_it_is_json_as_it_comes_back():
    found = ANSWER.to_json()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["intervals"] == {"MI": [0.0, 0.5]}
    assert (found["leads"], found["notice"]) == (["I", "II"], NOTICE)
    assert "beats" not in found


def test_beats_are_there_where_a_run_says_them():
    from dataclasses import replace

    beat = Beat(start_s=0.5, finding="V", probabilities={"MI": 1.0})
    found = replace(ANSWER, beats=(beat,)).to_json()
    assert found["beats"] == [{"start_s": 0.5, "finding": "V", "probabilities": {"MI": 1.0}}]
    assert Refused(file="a", problem="b").to_json() == {"file": "a", "problem": "b"}
