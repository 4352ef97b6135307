"""The simulated PTB-XL: its files, its people, and whether its hearts show what their statements say."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb
from hearts import one_beat

from pipeline.errors import EcgFusionError
from pipeline.signals.leads import LEADS
from pipeline.sources import BadRecord, Source, open_source
from pipeline.sources.formats.wfdb import read_recording
from pipeline.sources.simulation.cohort import CHANGES
from pipeline.sources.simulation.heart import Heart, draw_electrodes, draw_heart, simulate
from pipeline.sources.simulation.statements import STATEMENTS
from pipeline.sources.synthetic import main, write_dataset

TIMES = np.arange(-0.3, 0.6, 0.002)  # s after the R peak
N_HEARTS = 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic") / "ptbxl"
    write_dataset(folder, n_records=300, seed=7)
    return folder


@pytest.fixture(scope="module")
def large_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large") / "ptbxl"
    write_dataset(folder, n_records=1000, seed=2)
    return folder


@pytest.fixture(scope="module")
def table(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "ptbxl_database.csv", index_col="ecg_id")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def beats(code: str, seed: int = 0) -> np.ndarray:
    """One noiseless beat of each of many hearts with a statement, (hearts, leads, time) mV; NORM changes nothing."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(N_HEARTS):
        heart, electrodes = draw_heart(rng), draw_electrodes(rng)
        if code != "NORM":
            # a chance of its own, so that every code gets the same hearts
            CHANGES[code](heart, 1.0, np.random.default_rng([seed, number]))
        found.append(one_beat(heart, electrodes, TIMES))
    return np.array(found)


def level(beat: np.ndarray, lead: str, start: float, stop: float) -> float:
    """The hearts' mean of a lead between two times after the R peak, in mV."""
    return float(beat[:, LEADS.index(lead), (start <= TIMES) & (stop > TIMES)].mean())


def qrs_width(beat: np.ndarray) -> float:
    """Mean time for which the leads together change by a tenth of the fastest or faster, between −0.1 and 0.15 s."""
    speed = np.abs(np.diff(beat, axis=-1)).sum(axis=1)[:, (TIMES[1:] > -0.1) & (TIMES[1:] < 0.15)]
    return float((speed > 0.1 * speed.max(axis=1, keepdims=True)).sum(axis=1).mean() * 0.002)


# --- the files


def test_a_seed_gives_the_same_files_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_dataset(tmp_path / name, n_records=12, seed=seed)
    a, b, c = (contents(tmp_path / name) for name in "abc")
    assert a == b
    assert a.keys() == c.keys()
    signals = [name for name in a if name.endswith(".dat")]
    assert len(signals) == 12
    assert all(a[name] != c[name] for name in signals)


def test_the_files_are_those_of_ptbxl(folder: Path, table: pd.DataFrame) -> None:
    text = (folder / "ptbxl_database.csv").read_text()
    assert text.startswith("ecg_id,patient_id,age,sex,scp_codes,strat_fold,filename_lr,filename_hr\n")
    assert list(table.index) == list(range(1, 301))
    assert table["filename_lr"][7] == "records100/00000/00007_lr"
    assert table["filename_hr"][7] == "records500/00000/00007_hr"
    assert not (folder / "records500").exists()
    assert all(line.split(",")[1].endswith(".0") for line in text.splitlines()[1:])


def test_wfdb_reads_what_was_written_by_hand(folder: Path) -> None:
    for name in ("00001_lr", "00150_lr", "00300_lr"):
        record = wfdb.rdrecord(str(folder / "records100" / "00000" / name), physical=False)
        assert (record.fs, record.sig_len, record.n_sig) == (100, 1000, 12)
        assert record.sig_name == [lead.upper() for lead in LEADS]
        assert set(record.fmt) == {"16"}
        assert set(record.adc_gain) == {1000.0}
        assert set(record.baseline) == {0}
        assert set(record.units) == {"mV"}
        assert record.init_value == record.d_signal[0].tolist()
        assert record.checksum == record.calc_checksum()


def test_wfdb_would_have_written_the_same_samples(folder: Path, tmp_path: Path) -> None:
    record = wfdb.rdrecord(str(folder / "records100" / "00000" / "00001_lr"), physical=False)
    gains = {"fmt": ["16"] * 12, "adc_gain": [1000.0] * 12, "baseline": [0] * 12}
    wfdb.wrsamp(
        "00001_lr", 100, ["mV"] * 12, record.sig_name, d_signal=record.d_signal, write_dir=str(tmp_path), **gains
    )
    written = (tmp_path / "00001_lr.dat").read_bytes()
    assert written == (folder / "records100" / "00000" / "00001_lr.dat").read_bytes()


def test_both_rates_are_one_recording(tmp_path: Path) -> None:
    write_dataset(tmp_path / "both", n_records=3, seed=1, rates=(100, 500))
    write_dataset(tmp_path / "slow", n_records=3, seed=1)
    both, slow = contents(tmp_path / "both"), contents(tmp_path / "slow")
    assert all(both[name] == slow[name] for name in slow)
    for number in (1, 2, 3):
        low = read_recording(tmp_path / "both" / f"records100/00000/0000{number}_lr")
        high = read_recording(tmp_path / "both" / f"records500/00000/0000{number}_hr")
        assert (low.sampling_rate, high.sampling_rate, high.signal.shape) == (100, 500, (12, 5000))
        np.testing.assert_allclose(high.signal[:, ::5], low.signal, atol=0.0011)  # one count of rounding


@pytest.mark.parametrize("n_records", [1, 2, 9])
def test_very_few_records_can_be_written_too(tmp_path: Path, n_records: int) -> None:
    write_dataset(tmp_path / "few", n_records=n_records, seed=0)
    assert len(open_source("ptbxl", tmp_path / "few").records) == n_records


def test_the_thousandth_record_begins_a_new_folder(large_folder: Path) -> None:
    assert (large_folder / "records100" / "01000" / "01000_lr.dat").exists()
    assert len(list((large_folder / "records100" / "00000").glob("*.hea"))) == 999


# --- the statements


def test_the_tasks_are_as_large_as_those_of_ptbxl(folder: Path) -> None:
    sizes = {name: len(labels.classes) for name, labels in open_source("ptbxl", folder).labels.items()}
    published = {"superdiagnostic": 5, "subdiagnostic": 23, "diagnostic": 44, "form": 19, "rhythm": 12, "all": 71}
    assert {name: sizes[name] for name in published} == published


def test_the_statements_are_those_of_the_real_table(folder: Path, ptbxl_folder: Path) -> None:
    real = pd.read_csv(ptbxl_folder / "scp_statements.csv", index_col=0)
    ours = pd.read_csv(folder / "scp_statements.csv", index_col=0)
    columns = ["diagnostic", "form", "rhythm", "diagnostic_class", "diagnostic_subclass"]
    pd.testing.assert_frame_equal(ours[columns], real[columns])


def test_every_statement_changes_something_but_health() -> None:
    assert {statement.code for statement in STATEMENTS} - set(CHANGES) == {"NORM", "SR"}
    assert set(CHANGES) <= {statement.code for statement in STATEMENTS}


@pytest.mark.parametrize("code", sorted(CHANGES))
def test_a_statement_can_be_seen_in_the_recording(code: str) -> None:
    heart, electrodes = draw_heart(np.random.default_rng(0)), draw_electrodes(np.random.default_rng(1))
    changed = heart.copy()
    CHANGES[code](changed, 1.0, np.random.default_rng(2))
    healthy = simulate(heart, electrodes, np.random.default_rng(3), noise=0)
    ill = simulate(changed, electrodes, np.random.default_rng(3), noise=0)
    assert np.isfinite(ill).all()
    assert np.abs(ill).max() < 15
    assert np.abs(ill - healthy).max() > 0.03


def test_superclasses_are_as_common_as_in_ptbxl(folder: Path) -> None:
    labels = open_source("ptbxl", folder).labels["superdiagnostic"]
    share = dict(zip(labels.classes, labels.values.mean(axis=0), strict=True))
    published = {"NORM": 0.44, "MI": 0.25, "STTC": 0.24, "CD": 0.22, "HYP": 0.12}
    assert share == pytest.approx(published, abs=0.05)
    assert 0 < (~labels.labelled).sum() < 15  # only form or rhythm
    assert ((labels.values.sum(axis=1)) > 1).mean() > 0.1


def test_likelihoods_rhythms_and_forms_vary(folder: Path, table: pd.DataFrame) -> None:
    likelihoods = {value for text in table["scp_codes"] for value in ast.literal_eval(text).values()}
    assert {0.0, 15.0, 50.0, 100.0} <= likelihoods
    tasks = open_source("ptbxl", folder).labels
    for task, wanted in (("rhythm", {"SR", "AFIB", "STACH", "SBRAD"}), ("form", {"ABQRS", "PVC", "STD_"})):
        present = {
            name for name, count in zip(tasks[task].classes, tasks[task].values.sum(axis=0), strict=True) if count
        }
        assert wanted <= present


# --- the patients


def test_a_patient_keeps_to_one_fold_and_grows_no_younger_than_18(table: pd.DataFrame) -> None:
    by_patient = table.groupby("patient_id")
    assert (by_patient["strat_fold"].nunique() == 1).all()
    assert (by_patient["sex"].nunique() == 1).all()
    assert by_patient.size().max() > 1
    assert (table["age"].between(18, 89) | (table["age"] == 300)).all()
    assert set(table["sex"]) == {0, 1}


@pytest.mark.parametrize("seed", range(5))
def test_forty_records_fill_all_folds_and_superclasses(tmp_path: Path, seed: int) -> None:
    write_dataset(tmp_path / "forty", n_records=40, seed=seed)
    source = open_source("ptbxl", tmp_path / "forty")
    assert set(source.records["fold"]) == set(range(1, 11))
    assert source.labels["superdiagnostic"].values.any(axis=0).all()
    assert source.records["patient_id"].duplicated().any()


def test_folds_are_balanced(folder: Path) -> None:
    source = open_source("ptbxl", folder)
    assert source.records["fold"].value_counts().between(20, 40).all()
    normal = source.labels["superdiagnostic"].values[:, source.labels["superdiagnostic"].classes.index("NORM")]
    assert pd.Series(normal).groupby(source.records["fold"]).sum().between(8, 19).all()


# --- the physiology


def test_the_twelve_leads_obey_einthoven_and_goldberger(folder: Path) -> None:
    source = open_source("ptbxl", folder)
    for signal in source.read(source.records.iloc[:30]):
        assert isinstance(signal, np.ndarray)
        one, two, three, right, left, foot = signal[:6]
        rounding = 0.0021  # each of up to three leads by half a count
        np.testing.assert_allclose(three, two - one, atol=rounding)
        np.testing.assert_allclose(right, -(one + two) / 2, atol=rounding)
        np.testing.assert_allclose(left, one - two / 2, atol=rounding)
        np.testing.assert_allclose(foot, two - one / 2, atol=rounding)


def test_before_rounding_the_laws_hold_exactly_with_all_noise() -> None:
    rng = np.random.default_rng(0)
    one, two, three, right, left, foot = simulate(draw_heart(rng), draw_electrodes(rng), rng, 500)[:6]
    np.testing.assert_allclose(one + three, two, atol=1e-12)
    np.testing.assert_allclose(right + left + foot, 0, atol=1e-12)
    np.testing.assert_allclose(right, -(one + two) / 2, atol=1e-12)


def test_a_normal_beat_has_its_waves() -> None:
    beat = beats("NORM")
    assert 0.05 < level(beat, "II", -0.18, -0.14) < 0.25  # P
    assert level(beat, "II", -0.01, 0.01) > 0.5  # R
    assert level(beat, "V1", -0.01, 0.03) < -0.3  # rS in V1
    assert level(beat, "V5", -0.01, 0.01) > 0.7
    assert level(beat, "V5", 0.24, 0.32) > 0.1  # T upright
    assert level(beat, "aVR", -0.01, 0.01) < -0.4
    assert 0.05 < qrs_width(beat) < 0.11


@pytest.mark.parametrize(("code", "leads"), [("ASMI", ("V1", "V2", "V3")), ("IMI", ("II", "III", "aVF"))])
def test_an_infarct_raises_st_and_digs_a_q_over_its_wall(code: str, leads: tuple[str, ...]) -> None:
    ill, healthy = beats(code), beats("NORM")
    for lead in leads:
        assert level(ill, lead, 0.09, 0.14) > level(healthy, lead, 0.09, 0.14) + 0.05
        assert level(ill, lead, -0.035, -0.025) < level(healthy, lead, -0.035, -0.025) - 0.15


def test_the_infarct_of_one_wall_spares_the_other() -> None:
    healthy, septal, inferior = beats("NORM"), beats("ASMI"), beats("IMI")
    assert abs(level(septal, "aVF", 0.09, 0.14) - level(healthy, "aVF", 0.09, 0.14)) < 0.05
    assert abs(level(inferior, "V2", 0.09, 0.14) - level(healthy, "V2", 0.09, 0.14)) < 0.05


@pytest.mark.parametrize("code", ["NDT", "ISC_", "ISCAL"])
def test_st_t_changes_invert_t_and_lower_st(code: str) -> None:
    ill, healthy = beats(code), beats("NORM")
    assert level(healthy, "V5", 0.24, 0.32) > 0.1
    assert level(ill, "V5", 0.24, 0.32) < 0
    assert level(ill, "V5", 0.09, 0.14) < level(healthy, "V5", 0.09, 0.14) - 0.015


@pytest.mark.parametrize(("code", "more"), [("CLBBB", 0.03), ("CRBBB", 0.03), ("IVCD", 0.03), ("LAFB", 0.01)])
def test_conduction_disturbances_widen_the_qrs(code: str, more: float) -> None:
    assert qrs_width(beats(code)) > qrs_width(beats("NORM")) + more


def test_a_slow_ventricle_notches_its_r() -> None:
    def turns(beat: np.ndarray) -> float:
        """Mean number of peaks and troughs of V5 around the R peak."""
        around = beat[:, LEADS.index("V5"), (TIMES > -0.06) & (TIMES < 0.08)]
        return float((np.diff(np.sign(np.diff(around)), axis=1) != 0).sum(axis=1).mean())

    assert turns(beats("IVCD")) > turns(beats("NORM")) + 1


def test_bundle_branch_blocks_end_on_their_own_side() -> None:
    assert level(beats("CRBBB"), "V1", 0.07, 0.10) > 0.2
    assert level(beats("CLBBB"), "V1", 0.03, 0.06) < -0.3
    assert level(beats("CLBBB"), "V6", 0.03, 0.06) > 0.2


def test_left_hypertrophy_is_high_voltage() -> None:
    def sokolow(beat: np.ndarray) -> float:
        return float((beat[:, LEADS.index("V5")].max(axis=1) - beat[:, LEADS.index("V1")].min(axis=1)).mean())

    assert sokolow(beats("LVH")) > 3.5 > sokolow(beats("NORM"))  # 3.5 mV is Sokolow and Lyon's limit
    assert sokolow(beats("LVOLT")) < 0.7 * sokolow(beats("NORM"))


def test_av_block_lengthens_pr_and_fibrillation_has_no_p() -> None:
    p_peak = {
        code: TIMES[TIMES < -0.08][beats(code)[:, LEADS.index("II"), TIMES < -0.08].mean(axis=0).argmax()]
        for code in ("NORM", "1AVB")
    }
    assert p_peak["1AVB"] < p_peak["NORM"] - 0.06
    assert abs(level(beats("AFIB"), "II", -0.2, -0.12)) < 0.01


def rr_intervals(code: str, seed: int) -> np.ndarray:
    """RR intervals in s, from the steepest moments of a noiseless recording."""
    from scipy.signal import find_peaks

    rng = np.random.default_rng(seed)
    heart: Heart = draw_heart(rng)
    if code != "SR":
        CHANGES[code](heart, 1.0, rng)
    speed = np.abs(np.diff(simulate(heart, draw_electrodes(rng), rng, 500, noise=0))).sum(axis=0)
    peaks, _ = find_peaks(speed, height=0.5 * speed.max(), distance=120)
    return np.diff(peaks) / 500


def test_rhythms_have_their_rate_and_their_irregularity() -> None:
    rr = {code: [rr_intervals(code, seed) for seed in range(12)] for code in ("SR", "STACH", "SBRAD", "AFIB")}
    mean = {code: np.mean([intervals.mean() for intervals in rr[code]]) for code in rr}
    spread = {code: np.mean([intervals.std() / intervals.mean() for intervals in rr[code]]) for code in rr}
    assert mean["STACH"] < 0.6 < mean["SR"] < 1.1 < mean["SBRAD"]
    assert spread["AFIB"] > 0.1 > spread["SR"] > 0.005


def test_noise_and_wander_are_there_and_small() -> None:
    rng = np.random.default_rng(5)
    wander, hiss = [], []
    for seed in range(20):
        heart, electrodes = draw_heart(rng), draw_electrodes(rng)
        clean = simulate(heart, electrodes, np.random.default_rng(seed), noise=0)
        noise = simulate(heart, electrodes, np.random.default_rng(seed)) - clean
        power = np.abs(np.fft.rfft(noise)[:, 1:]) ** 2  # bins of 0.1 Hz
        wander.append(power[:, :4].sum() / power.sum())
        hiss.append(noise.std())
    assert np.median(wander) > 0.5  # most of it lies below 0.45 Hz
    assert 0.01 < np.median(hiss) < 0.2


def averaged_beat(signal: np.ndarray) -> np.ndarray:
    speed = np.convolve(np.abs(np.diff(signal)).sum(axis=0), np.ones(5) / 5, "same")
    peaks = [i for i in range(25, 950) if speed[i] == speed[i - 20 : i + 20].max() > 0.4 * speed.max()]
    cut = np.array([signal[:, i - 25 : i + 45] for i in peaks])
    return np.median(cut - np.median(cut, axis=2, keepdims=True), axis=0)


def read(source: Source, rows: pd.DataFrame) -> Iterator[np.ndarray]:
    """The recordings, none of which is bad."""
    for signal in source.read(rows):
        assert not isinstance(signal, BadRecord)
        yield signal


def test_one_patients_records_resemble_each_other(folder: Path) -> None:
    source = open_source("ptbxl", folder)
    patients = source.records.groupby("patient_id").filter(lambda rows: len(rows) > 1)
    beats_of = {
        patient: np.array([averaged_beat(signal).ravel() for signal in read(source, rows)])
        for patient, rows in patients.groupby("patient_id")
    }
    within = np.median([np.abs(found[0] - found[1]).mean() for found in beats_of.values()])
    firsts = [found[0] for found in beats_of.values()]
    between = np.median([np.abs(a - b).mean() for a, b in pairwise(firsts)])
    assert within < 0.6 * between


def test_classes_can_be_learnt_but_not_perfectly(large_folder: Path) -> None:
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    source = open_source("ptbxl", large_folder)
    labels, fold = source.labels["superdiagnostic"], source.records["fold"].to_numpy()
    features = np.array([averaged_beat(signal).ravel() for signal in read(source, source.records)])
    areas = {}
    for name, truth in zip(labels.classes, labels.values.T, strict=True):
        model = make_pipeline(StandardScaler(), PCA(60, random_state=0), LogisticRegression(C=0.1, max_iter=2000))
        model.fit(features[fold < 8], truth[fold < 8])
        areas[name] = roc_auc_score(truth[fold >= 8], model.decision_function(features[fold >= 8]))
    assert all(0.75 < area < 0.99 for area in areas.values()), areas
    assert np.mean(list(areas.values())) > 0.82, areas


# --- what is refused


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    kept = tmp_path / "thesis.txt"
    kept.write_text("years of work")
    with pytest.raises(EcgFusionError, match="is not empty"):
        write_dataset(tmp_path, n_records=5, seed=0)
    with pytest.raises(EcgFusionError, match="is a file"):
        write_dataset(kept, n_records=5, seed=0)
    assert contents(tmp_path) == {"thesis.txt": b"years of work"}


@pytest.mark.parametrize(
    "wrong", [{"n_records": 0}, {"seed": -1}, {"rates": (250,)}, {"rates": ()}], ids=lambda wrong: str(wrong)
)
def test_numbers_out_of_range_are_refused_before_anything_is_written(tmp_path: Path, wrong: dict) -> None:
    with pytest.raises(EcgFusionError):
        write_dataset(tmp_path / "new", **{"n_records": 5, "seed": 0, **wrong})
    assert not (tmp_path / "new").exists()


def test_the_command_writes_what_it_says(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pipeline.sources.synthetic",
        str(tmp_path / "new"),
        "-records",
        "4",
        "--seed",
        "5",
    ]
    first = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "4 simulated recordings" in first.stdout
    write_dataset(tmp_path / "same", n_records=4, seed=5)
    assert contents(tmp_path / "new") == contents(tmp_path / "same")
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode != 0
    assert again.stderr.strip().count("\n") == 0
    assert "is not empty" in again.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--record", "3"], "did you mean -records?"),
        (["--records", "0"], "not a whole number of at least 1"),
        (["--rates", "250"], "250"),
        ([], "FOLDER"),
    ],
)
def test_a_mistaken_option_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture, words: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / "new"), *words] if words else [])
    problem = capsys.readouterr().err
    assert ended.value.code == 2
    assert said in problem
    assert problem.strip().count("\n") == 0
