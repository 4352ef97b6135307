"""One recording in memory: what a run says of it is what it says of it in a store, whatever kind of run it is."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from untrained_runs import LEADS as ALL
from untrained_runs import image_spec, measuring_run, network_run, ours, simulated, store_of

from pipeline import load_run, predict_files
from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import load_scores
from pipeline.inputs.measured import measured
from pipeline.representations import LEAD_MAP_KEY, ImageRecipe, LeadMapRecipe
from pipeline.scoring.seen import images_of
from pipeline.signals.beats import BEAT_S, BEAT_VERSION
from pipeline.signals.counts import to_millivolts
from pipeline.signals.leads import LEADS
from pipeline.store.reading import Store, open_store

NAMES = ("gru", "stored", "beat", "drawn", "kfold", "stacking", "weighted", "concat", "nested")


@pytest.fixture(scope="module")
def judged(earlier: Path) -> Store:
    return open_store(earlier / "stores" / "test.h5")


@pytest.fixture
def unfiltered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store holds filtered signals; to filter them once more would be another recording."""
    monkeypatch.setattr("pipeline.store.job.band_pass", lambda x, *_: np.asarray(x, np.float64))


@pytest.mark.usefixtures("unfiltered")
@pytest.mark.parametrize("name", NAMES)
def test_a_recording_is_scored_as_in_a_store(earlier: Path, judged: Store, name: str):
    run, scores = load_run(earlier / "runs" / name), load_scores(earlier / "runs" / name / "evaluation/test/scores.npz")
    for row in (0, 3):
        item = scores.item_id[row]
        at = judged.columns["item_id"].tolist().index(item)
        signal = to_millivolts(judged.signals.open()[at], judged.gain)
        found = run.predict(signal, sampling_rate=100, leads=[f"lead {lead.lower()}" for lead in judged.leads])
        assert tuple(found) == scores.classes
        np.testing.assert_allclose(list(found.values()), scores.scores[row], atol=1e-5)


def test_it_is_resampled_and_filtered(earlier: Path):
    """Five times as many samples of the same waves, on an offset that the filter takes away."""
    run, seconds = load_run(earlier / "runs" / "gru"), np.arange(0, 10, 1 / 500)
    wave = np.stack([np.sin(2 * np.pi * 5 * seconds), np.cos(2 * np.pi * 7 * seconds)])
    fine = run.predict(wave + 3.0, sampling_rate=500, leads=["I", "II"])
    coarse = run.predict(wave[:, ::5], sampling_rate=100, leads=["I", "II"])
    assert fine == pytest.approx(coarse, abs=0.01)
    assert all(0 <= value <= 1 for value in fine.values())


@pytest.mark.parametrize(
    ("signal", "rate", "leads", "sentence"),
    [
        (np.zeros((1, 1000)), 100, ["I"], "the recording lacks lead II, which gru of .* needs"),
        (np.zeros((2, 1)), 100, ["I", "II"], "the recording has 1 samples, too few at 100 Hz"),
        (np.full((2, 1000), np.nan), 100, ["I", "II"], "the recording has a missing sample"),
        (np.zeros(1000), 100, ["I"], "the recording has the shape .*: give .leads, time"),
        (np.zeros((2, 1000)), 100, ["I", "Q"], "there is no lead Q"),
        (np.zeros((2, 1000)), 50, ["I", "II"], "is at 50 Hz and 100 are wanted"),
        (np.zeros((3, 1000)), 100, ["I", "II"], "has 3 rows for 2 leads"),
    ],
)
def test_what_cannot_be_scored_is_one_sentence(earlier: Path, signal, rate, leads, sentence):
    with pytest.raises(EcgFusionError, match=sentence) as problem:
        load_run(earlier / "runs" / "gru").predict(signal, sampling_rate=rate, leads=leads)
    assert "\n" not in str(problem.value)


def test_what_is_shorter_than_an_image_is_refused_and_than_a_crop_of_a_signal_is_seen(earlier: Path):
    with pytest.raises(EcgFusionError, match=r"the recording has 4 s and .* of .* sees \d+ s at once: give a longer"):
        load_run(earlier / "runs" / "stored").predict(np.zeros((12, 400)), sampling_rate=100, leads=LEADS)
    found = load_run(earlier / "runs" / "gru").predict(np.zeros((2, 40)), sampling_rate=100, leads=["I", "II"])
    assert all(0 <= value <= 1 for value in found.values())


@pytest.mark.usefixtures("cpu_as_before")
@pytest.mark.parametrize("crop", [None, 2.5])
def test_what_is_measured_of_a_recording_is_what_is_measured_in_a_store(crop: float | None):
    """On all leads, of the whole of it, whatever the network sees; each number has a part in the answer."""
    run, signals = measuring_run("tabular", "voltage", crop=crop, stride=crop and crop / 2), simulated(3)
    store = store_of(signals)
    columns: dict[str, np.ndarray] = {
        "age": np.array([40, np.nan, 60], np.float32),
        "sex": np.array([1, 0, -1], np.int8),
    }
    expected = ours(run, replace(store, columns={**store.columns, **columns}))
    known: list[dict[str, Any]] = [{"age": 40, "sex": "female"}, {"sex": "male"}, {"age": 60.0}]
    for signal, person, answer in zip(signals, known, expected, strict=True):
        found = run.predict(signal, sampling_rate=100, leads=ALL, **person)
        np.testing.assert_allclose(list(found.values()), answer, atol=1e-5)
        other = run.predict(signal, sampling_rate=100, leads=ALL, age=95, sex=person.get("sex"))
        assert max(abs(other[name] - found[name]) for name in found) > 1e-4
        alone = run.predict(signal[[1, 7]], sampling_rate=100, leads=["II", "V2"], **person)
        assert max(abs(alone[name] - found[name]) for name in found) > 1e-4, "voltages need the other leads"


@pytest.mark.usefixtures("cpu_as_before")
def test_what_is_given_counts_more_than_what_is_measured():
    run, (signal,) = measuring_run("voltage"), simulated(1)
    numbers = measured(store_of(simulated(1)), "voltage", np.arange(1))[0]
    found = run.predict(signal, sampling_rate=100, leads=ALL)
    same = run.predict(signal, sampling_rate=100, leads=ALL, features={"voltage": numbers.tolist()})
    assert same == pytest.approx(found, abs=1e-6)
    doubled = run.predict(signal, sampling_rate=100, leads=ALL, features={"voltage": (2 * numbers).tolist()})
    assert max(abs(doubled[name] - found[name]) for name in found) > 1e-3


def test_each_part_of_a_recording_s_beats_is_an_image_that_is_shown():
    beats: dict[str, Any] = {"beat": BEAT_S, "beat_version": BEAT_VERSION, "beat_channels": ("dominant", "ectopic")}
    of_map = image_spec({LEAD_MAP_KEY: LeadMapRecipe(size=80).parameters()}, leads=ALL, n_samples=80, **beats)
    gaf = image_spec(
        {"gaf": ImageRecipe(("gaf",), size=32).parameters("gaf")}, leads=("II", "V2"), n_samples=80, **beats
    )
    store, run = store_of(simulated(1)), network_run("resnet", replace(of_map, beat_channels=None))
    for spec, leads in (
        (of_map, ("all leads, dominant", "all leads, ectopic")),
        (gaf, ("II, dominant", "V2, dominant", "II, ectopic", "V2, ectopic")),
    ):
        ((name, (grey, named, _)),) = images_of(replace(run, spec=spec), store).items()
        assert (name, named, grey.shape[:2]) == ("resnet", leads, (len(leads), 1))
        assert grey[0].std() > 0
        assert (grey[-1] == grey[-1, 0, 0, 0]).all(), "a regular heart has no other beats"


@pytest.mark.parametrize(
    ("names", "said", "sentence"),
    [
        (
            ("voltage",),
            {"age": 40},
            "-age is for runs that see it beside a recording .train.py -features tabular",
        ),
        (("intervals",), {"sex": "male"}, "-sex is for runs that see it"),
        (("tabular",), {"age": 400}, "--age 400 is no age: give years from 0 to 130"),
        (("tabular",), {"age": float("nan")}, "--age nan is no age"),
        (("tabular",), {"sex": "m"}, "--sex m is neither male nor female"),
    ],
)
def test_an_age_or_sex_that_would_do_nothing_is_refused(names: tuple[str, ...], said: dict[str, Any], sentence: str):
    run = measuring_run(*names)
    with pytest.raises(EcgFusionError, match=sentence):
        run.predict(simulated(1)[0], sampling_rate=100, leads=ALL, **said)
    with pytest.raises(EcgFusionError, match=sentence):
        predict_files(run, [], **said)
