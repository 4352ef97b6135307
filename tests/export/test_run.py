"""What is written answers as the program itself does, of every representation, network, fusion and kind of run."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from smaller_networks import one_of_each_family
from untrained_runs import (
    BESIDE,
    CALIBRATED,
    CLASSES,
    FUSED,
    LEADS,
    NETWORKS,
    OTHERS,
    RATE,
    REPRESENTED,
    image_spec,
    network_run,
    ours,
    signal_spec,
    simulated,
    store_of,
)

from pipeline.errors import EcgFusionError
from pipeline.evaluation.calibration import apply_temperatures
from pipeline.export.onnx_file import session
from pipeline.export.run import export_run
from pipeline.inputs.features import plan_features
from pipeline.inputs.measured import measured
from pipeline.inputs.spec import Strip
from pipeline.representations import LEAD_MAP_KEY, LeadMapRecipe
from pipeline.runs.build import Run
from pipeline.signals.beats import BEAT_S, BEAT_VERSION
from pipeline.sources import open_source

EVERY = {**REPRESENTED, **NETWORKS, **FUSED, **OTHERS}
REAL = [
    *(name for name in REPRESENTED if name.endswith(" record")),
    "lead map",
    *one_of_each_family(),
    *(name for name in FUSED if name.endswith(" multilabel")),
]
"""Every representation and fusion once, and a network of every family."""

WITHIN = 1e-4


def told(path: Path) -> dict[str, str]:
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


def answered(path: Path, signals: np.ndarray, **beside: Any) -> np.ndarray:
    """What onnxruntime says of recordings of the twelve leads."""
    leads = json.loads(told(path)["leads"])
    fed = {"ecg_mv": np.ascontiguousarray(signals[:, [LEADS.index(lead) for lead in leads]]), **beside}
    found: np.ndarray = session(onnxruntime, str(path)).run(["probabilities"], fed)[0]
    return found


@pytest.fixture(scope="module")
def recordings() -> np.ndarray:
    return simulated(5)


@pytest.fixture(scope="module")
def real_recordings(ptbxl_folder: Path) -> np.ndarray:
    """Fifty of PTB-XL, (50, 12, 1000) mV, from its beginning to its end."""
    source = open_source("ptbxl", ptbxl_folder)
    records = source.records.iloc[:: len(source.records) // 50][:50]
    return np.stack([np.asarray(signal) for signal in source.read(records)])


def written(run: Run, folder: Path, signals: np.ndarray) -> Path:
    """The file of a run that takes recordings of this length."""
    return export_run(run, folder / "model.onnx", seconds=signals.shape[-1] / RATE).path


@pytest.fixture(scope="module", params=EVERY)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, Path]]:
    """A run and its file, which is written once for all that ask it."""
    run = EVERY[request.param]()
    path = export_run(run, tmp_path_factory.mktemp("exported") / "model.onnx", seconds=10).path
    yield run, path
    path.unlink()


def test_onnxruntime_answers_as_the_program(case: tuple[Run, Path], recordings: np.ndarray):
    run, path = case
    found, wanted = answered(path, recordings), ours(run, store_of(recordings))
    assert np.abs(found - wanted).max() < WITHIN
    assert np.ptp(wanted, axis=0).max() > 10 * WITHIN, "recordings are not told apart, so that nothing is shown"


@pytest.mark.realdata
@pytest.mark.parametrize("case", REAL, indirect=True)
def test_onnxruntime_answers_as_the_program_on_real_recordings(case: tuple[Run, Path], real_recordings: np.ndarray):
    run, path = case
    assert np.abs(answered(path, real_recordings) - ours(run, store_of(real_recordings))).max() < WITHIN


@pytest.mark.parametrize("kind", CALIBRATED)
def test_probabilities_are_calibrated_and_thresholds_with_them(kind: str, recordings: np.ndarray, tmp_path: Path):
    run = CALIBRATED[kind]()
    path = written(run, tmp_path, recordings)
    temperatures = run.card.calibration.temperatures
    wanted = apply_temperatures(ours(run, store_of(recordings)), CLASSES, temperatures, kind)
    assert np.abs(answered(path, recordings) - wanted).max() < WITHIN
    assert json.loads(told(path)["temperatures"]) == temperatures


def test_numbers_beside_a_recording_go_in_by_their_name(recordings: np.ndarray, tmp_path: Path):
    run, rr = BESIDE(), np.array([[0.8, 1.0], [np.nan, 0.7], [0.5, 2.0], [0.9, np.nan], [1.1, 0.3]], np.float32)
    found = answered(written(run, tmp_path, recordings), recordings, rr=rr)
    assert np.abs(found - ours(run, store_of(recordings, rr=rr))).max() < WITHIN


def test_a_recording_at_another_rate_is_filtered_and_resampled(tmp_path: Path):
    run, fast = NETWORKS["resnet1d_wang"](), simulated(3, 500)
    path = export_run(run, tmp_path / "model.onnx", sampling_rate=500).path
    assert np.abs(answered(path, fast) - ours(run, store_of(fast, 500))).max() < WITHIN


def test_what_is_prepared_is_not_filtered(recordings: np.ndarray, tmp_path: Path):
    run, store = NETWORKS["cnet"](), store_of(recordings)
    path = export_run(run, tmp_path / "model.onnx", prepared=True).path
    prepared = np.asarray(store.signals.open()) / 1000.0
    assert np.abs(answered(path, prepared) - ours(run, store)).max() < WITHIN


def test_what_no_store_would_hold_has_no_answer_and_leaves_the_others_theirs(recordings: np.ndarray, tmp_path: Path):
    path = written(NETWORKS["cnet"](), tmp_path, recordings)
    spoilt = recordings.copy()
    spoilt[1, LEADS.index("II"), 17], spoilt[3] = np.nan, spoilt[3] * 1e5
    found = answered(path, spoilt)
    assert np.isnan(found[[1, 3]]).all()
    np.testing.assert_array_equal(found[[0, 2, 4]], answered(path, recordings)[[0, 2, 4]])


def test_the_file_says_what_it_is(tmp_path: Path):
    said = told(export_run(network_run("cnet", signal_spec()), tmp_path / "model.onnx").path)
    assert json.loads(said["classes"]) == list(CLASSES)
    assert json.loads(said["leads"]) == ["II", "V2"]
    assert (json.loads(said["sampling_rate"]), json.loads(said["n_samples"])) == (100.0, 1000)
    assert said["notice"].startswith("not a medical device")
    assert len(said["seal"]) == 64


PT2 = [
    "all at 256",
    "stft fixed",
    "rp threshold point",
    "resnet1d_wang",
    "compact_transformer",
    "concat multilabel",
    "windows by geometric",
    "s4d",
    "convnext1d",
]
"""Every form of images, a network of each kind of arithmetic, a fusion, windows: each takes seconds to write."""


@pytest.mark.filterwarnings("ignore:.*get_attr:UserWarning")  # torch 2.6, as it loads a file
@pytest.mark.parametrize("name", PT2)
def test_torch_alone_answers_as_the_program(name: str, recordings: np.ndarray, tmp_path: Path):
    run = EVERY[name]()
    done = export_run(run, tmp_path / "model.pt2", seconds=10)
    program = torch.export.load(done.path).module()
    own = torch.from_numpy(recordings[:, [LEADS.index(lead) for lead in done.form.leads]].copy())
    with torch.no_grad():
        assert np.abs(program(own).numpy() - ours(run, store_of(recordings))).max() < WITHIN


@pytest.mark.parametrize("chosen", [{"beat_channels": ("ectopic",)}, {"strip": Strip("II", 5)}])
def test_parts_of_beats_that_no_file_takes_are_refused(tmp_path: Path, chosen: dict[str, Any]):
    drawn = {LEAD_MAP_KEY: LeadMapRecipe(size=80).parameters()}
    spec = image_spec(drawn, leads=LEADS, n_samples=80, beat=BEAT_S, beat_version=BEAT_VERSION, **chosen)
    with pytest.raises(
        EcgFusionError, match=r"sees the median beat .*, and a file takes the median beat alone: export"
    ):
        export_run(network_run("resnet", spec), tmp_path / "model.onnx")


@pytest.mark.parametrize("joined", [False, True])
def test_numbers_that_are_measured_go_in_beside_a_recording_but_not_beside_windows(tmp_path: Path, joined: bool):
    store = store_of(simulated(3))
    features = plan_features(("intervals",), store, np.arange(3))
    cut: dict[str, Any] = {"data": {"cut": {"kind": "windows", "window_s": 5.0, "stride_s": 2.5}}, "join": "mean"}
    spec = signal_spec(n_samples=500 if joined else 1000, features=features)
    run = network_run("cnet", spec, **(cut if joined else {}))
    if joined:
        with pytest.raises(EcgFusionError, match="sees intervals of each window, and a file takes one of a recording"):
            export_run(run, tmp_path / "model.onnx", seconds=10)
        return
    export_run(run, tmp_path / "model.onnx")
    numbers = measured(store, "intervals", np.arange(3))
    found = answered(tmp_path / "model.onnx", simulated(3), intervals=numbers)
    assert np.abs(found - ours(run, store)).max() < WITHIN


def test_a_recurrence_goes_into_no_pt2(tmp_path: Path):
    with pytest.raises(EcgFusionError, match="one operation a sample, so no GRU"):
        export_run(NETWORKS["gru"](), tmp_path / "model.pt2")
    assert not list(tmp_path.iterdir())
