"""PTB-XL's folder: its labels as the published benchmark has them, its versions, its faults."""

import ast
import csv
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import create_images
from pipeline.errors import EcgFusionError
from pipeline.report.overview import source_overview
from pipeline.signals.leads import LEADS
from pipeline.sources import SOURCES, BadRecord, open_source
from pipeline.sources.formats.wfdb import read_recording
from pipeline.sources.items import Whole
from pipeline.sources.ptbdb import CLASSES
from pipeline.store.partitions import parse_folds, partition_rows
from pipeline.store.reading import open_store

SUPERCLASSES = ("CD", "HYP", "MI", "NORM", "STTC")
N_CLASSES = {
    "disease": 4,
    "superdiagnostic": 5,
    "subdiagnostic": 23,
    "diagnostic": 44,
    "form": 19,
    "rhythm": 12,
    "all": 71,
}
NEEDED_COLUMNS = ("ecg_id", "patient_id", "scp_codes", "strat_fold", "filename_lr")


def write_table(folder: Path, rows: Sequence[Mapping[str, object]], statements: Path, name: str = "set") -> Path:
    """A folder with a table of these rows, what is not given being plausible, and no records."""
    folder = folder / name
    folder.mkdir()
    shutil.copy(statements / "scp_statements.csv", folder)
    usual = {"patient_id": 1.0, "scp_codes": "{'NORM': 100.0}", "strat_fold": 1, "filename_lr": ""}
    with open(folder / "ptbxl_database.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list({key: None for row in rows for key in ("ecg_id", *usual, *row)}))
        writer.writeheader()
        for number, row in enumerate(rows, start=1):
            writer.writerow({"ecg_id": number, **usual, "filename_lr": f"records100/x{number}", **row})
    return folder


def labels_of(folder: Path, codes: list[str], statements: Path, **options) -> dict[str, dict[str, list[int]]]:
    """Task to class to the column of labels, for records that bear these statements."""
    source = open_source("ptbxl", write_table(folder, [{"scp_codes": code} for code in codes], statements), **options)
    return {
        task: {name: labels.values[:, column].tolist() for column, name in enumerate(labels.classes)}
        for task, labels in source.labels.items()
    }


@pytest.fixture(scope="module")
def real(ptbxl_folder):
    return open_source("ptbxl", ptbxl_folder)


# the real table


@pytest.mark.realdata
def test_fold_9_has_the_published_superclass_counts(real):
    rows = partition_rows(real.records, parse_folds(["dev=9"]))["dev"]
    labels = real.labels["superdiagnostic"].rows(rows)
    counts = dict(zip(labels.classes, labels.values.sum(axis=0), strict=True))
    assert counts == {"NORM": 955, "MI": 540, "STTC": 528, "CD": 495, "HYP": 268}
    assert (~labels.labelled).sum() == 37


@pytest.mark.realdata
def test_a_task_labels_the_records_with_one_of_its_statements(real):
    assert len(real.records) == 19_601
    assert {task: int(labels.labelled.sum()) for task, labels in real.labels.items()} == {
        "disease": 19_230,
        "superdiagnostic": 19_230,
        "subdiagnostic": 19_230,
        "diagnostic": 19_230,
        "form": 8_098,
        "rhythm": 18_932,
        "all": 19_601,
    }
    assert {task: len(labels.classes) for task, labels in real.labels.items()} == N_CLASSES


@pytest.mark.realdata
def test_only_disease_has_labelled_rows_without_a_class(real):
    disease = real.labels["disease"]
    nothing = ~disease.values.any(axis=1)
    assert nothing.sum() == 8_528
    assert (nothing & ~disease.labelled).sum() == 371
    for task, labels in real.labels.items():
        assert task == "disease" or labels.values[labels.labelled].any(axis=1).all()
        assert not labels.values[~labels.labelled].any()


@pytest.mark.realdata
def test_real_folds_have_their_published_sizes_and_no_patient_is_shared(real):
    sizes = np.bincount(real.records["fold"], minlength=11)[1:]
    assert sizes.tolist() == [2175, 2181, 2192, 2174, 2174, 2173, 2176, 2173, 2183, 0]
    rows = partition_rows(real.records, parse_folds(["train=1-8", "dev=9", "test=10"]))
    assert [len(rows[name]) for name in ("train", "dev", "test")] == [17_418, 2183, 0]


@pytest.mark.realdata
def test_a_real_record_is_what_its_file_holds(real, ptbxl_folder):
    chosen = real.records.iloc[[0, 777, 19_600]]
    for signal, file in zip(real.read(chosen), chosen["file"], strict=True):
        recording = read_recording(ptbxl_folder / file)
        assert recording.leads == LEADS
        np.testing.assert_array_equal(signal, recording.signal)
        # counts of a thousandth of a millivolt, so that the store holds the very numbers of the file
        np.testing.assert_array_equal(
            np.rint(signal * 1000), np.fromfile(ptbxl_folder / f"{file}.dat", "<i2").reshape(-1, 12).T
        )


@pytest.mark.realdata
def test_the_official_rows_are_read_whole(ptbxl_folder, tmp_path):
    original = ptbxl_folder / "ptbxl_database_original_rows.csv"
    shutil.copy(original, tmp_path / "ptbxl_database.csv")
    shutil.copy(ptbxl_folder / "scp_statements.csv", tmp_path)
    table = pd.read_csv(original)
    assert table.shape == (422, 28)
    assert any("Ä" in str(report) for report in table["report"])  # German
    statements = pd.read_csv(ptbxl_folder / "scp_statements.csv", index_col=0)
    superclass = statements.loc[statements["diagnostic"] == 1, "diagnostic_class"]
    for least in (0, 50, 100):
        source = open_source("ptbxl", tmp_path, min_likelihood=least)
        assert source.records["record_id"].tolist() == table["ecg_id"].astype(str).tolist()
        labels = source.labels["superdiagnostic"]
        for row, text in enumerate(table["scp_codes"]):
            # by the rule itself: 0 is unknown and kept, anything else has to reach the least likelihood
            found = {
                superclass[code]
                for code, likelihood in ast.literal_eval(text).items()
                if code in superclass and (likelihood == 0 or likelihood >= least)
            }
            assert {name for name, has in zip(labels.classes, labels.values[row], strict=True) if has} == found
    strict, every = open_source("ptbxl", tmp_path, min_likelihood=100), open_source("ptbxl", tmp_path)
    assert strict.labels["diagnostic"].values.sum() < every.labels["diagnostic"].values.sum()
    np.testing.assert_array_equal(strict.labels["rhythm"].values, every.labels["rhythm"].values)


# official rows that come with the tests


ROWS = Path(__file__).parent / "ptbxl_rows.csv"  # 72 of PTB-XL's: ids, codes with real likelihoods, folds (CC BY 4.0)
LABELLED = {"disease": 70, "superdiagnostic": 70, "subdiagnostic": 70, "diagnostic": 70, "form": 30, "rhythm": 67}
IN_ROWS = {  # counted by pandas and ast from the rows and the official scp_statements.csv, not by this program
    "disease": "CD 16 HYP 12 MI 20 STTC 23",
    "superdiagnostic": "CD 16 HYP 12 MI 20 NORM 26 STTC 23",
    "subdiagnostic": "AMI 9 CLBBB 2 CRBBB 3 ILBBB 1 IMI 12 IRBBB 2 ISCA 3 ISCI 2 ISC_ 5 IVCD 2 LAFB/LPFB 6 LAO/LAE 1 "
    "LMI 2 LVH 9 NORM 26 NST_ 4 RAO/RAE 1 RVH 1 SEHYP 1 STTC 12 _AVB 2",
    "diagnostic": "1AVB 2 ALMI 2 AMI 1 ANEUR 2 ASMI 6 CLBBB 2 CRBBB 3 DIG 2 EL 1 ILBBB 1 ILMI 1 IMI 10 INJAL 1 INJAS 1 "
    "IPMI 1 IRBBB 2 ISCAL 1 ISCAS 1 ISCIL 1 ISCIN 1 ISCLA 1 ISC_ 5 IVCD 2 LAFB 5 LAO/LAE 1 LMI 2 LNGQT 1 LPFB 2 LVH 9 "
    "NDT 8 NORM 26 NST_ 4 RAO/RAE 1 RVH 1 SEHYP 1",
    "form": "ABQRS 6 DIG 2 HVOLT 1 INVT 1 LNGQT 1 LOWT 3 LPR 1 LVOLT 2 NDT 8 NST_ 4 NT_ 2 PAC 2 PVC 5 QWAVE 3 STD_ 5 "
    "TAB_ 1 VCLVH 3",
    "rhythm": "AFIB 4 AFLT 1 PACE 1 SARRH 3 SBRAD 2 SR 56 STACH 1",
}
IN_ROWS_OF_100_PERCENT = "CD 16 HYP 6 MI 7 NORM 20 STTC 19"


def official_rows(folder: Path, statements: Path) -> Path:
    table = pd.read_csv(ROWS, dtype=str)
    table["filename_lr"] = [f"records100/{number}" for number in table["ecg_id"]]
    folder.mkdir()
    table.to_csv(folder / "ptbxl_database.csv", index=False)
    shutil.copy(statements / "scp_statements.csv", folder)
    return folder


def counts_of(labels) -> str:
    counts = zip(labels.classes, labels.values.sum(axis=0, dtype=int), strict=True)
    return " ".join(f"{name} {count}" for name, count in sorted(counts) if count)


def test_official_rows_give_their_counts(tmp_path, synthetic_folder):
    source = open_source("ptbxl", official_rows(tmp_path / "rows", synthetic_folder))
    assert {task: counts_of(source.labels[task]) for task in IN_ROWS} == IN_ROWS
    assert {task: int(source.labels[task].labelled.sum()) for task in LABELLED} == LABELLED
    assert source.labels["all"].labelled.all()
    assert source.labels["all"].values.sum() == sum(
        len(ast.literal_eval(codes)) for codes in pd.read_csv(ROWS)["scp_codes"]
    )
    assert np.bincount(source.records["fold"], minlength=11).tolist() == [0, 7, 8, 3, 6, 8, 9, 6, 6, 19, 0]
    assert source.records["patient_id"].tolist()[:4] == ["15709", "13243", "20372", "11275"]


def test_official_rows_of_full_likelihood_give_their_counts(tmp_path, synthetic_folder):
    source = open_source("ptbxl", official_rows(tmp_path / "rows", synthetic_folder), min_likelihood=100)
    assert counts_of(source.labels["superdiagnostic"]) == IN_ROWS_OF_100_PERCENT
    assert int(source.labels["superdiagnostic"].labelled.sum()) == 59
    assert {task: counts_of(source.labels[task]) for task in ("form", "rhythm")} == {
        task: IN_ROWS[task] for task in ("form", "rhythm")
    }


# labels


def test_every_statement_counts_whatever_its_likelihood(tmp_path, synthetic_folder):
    labels = labels_of(tmp_path, ["{'IMI': 15.0, 'LVH': 0.0, 'SR': 0.0}"], synthetic_folder)
    assert {name for name, column in labels["superdiagnostic"].items() if column == [1]} == {"MI", "HYP"}
    assert {name for name, column in labels["disease"].items() if column == [1]} == {"MI", "HYP"}
    assert {name for name, column in labels["diagnostic"].items() if column == [1]} == {"IMI", "LVH"}
    assert {name for name, column in labels["rhythm"].items() if column == [1]} == {"SR"}
    assert {name for name, column in labels["all"].items() if column == [1]} == {"IMI", "LVH", "SR"}


@pytest.mark.parametrize(
    ("likelihood", "least", "counts"), [(0, 50, 1), (49, 50, 0), (50, 50, 1), (100, 100, 1), (15, 0, 1)]
)
def test_the_least_likelihood(tmp_path, synthetic_folder, likelihood, least, counts):
    codes = [f"{{'IMI': {likelihood}.0, 'ABQRS': 20.0, 'SR': 20.0}}"]
    labels = labels_of(tmp_path, codes, synthetic_folder, min_likelihood=least)
    assert labels["disease"]["MI"] == labels["diagnostic"]["IMI"] == labels["all"]["IMI"] == [counts]
    # statements of form and rhythm have no likelihood to speak of
    assert labels["form"]["ABQRS"] == labels["rhythm"]["SR"] == labels["all"]["ABQRS"] == [1]


def test_normal_is_a_disease_row_of_zeros_and_nothing_is_unlabelled(tmp_path, synthetic_folder):
    codes = ["{'NORM': 100.0}", "{'SR': 0.0}", "{}"]
    folder = write_table(tmp_path, [{"scp_codes": code} for code in codes], synthetic_folder)
    source = open_source("ptbxl", folder)
    assert not source.labels["disease"].values.any()
    assert source.labels["disease"].labelled.tolist() == [True, False, False]
    assert source.labels["all"].labelled.tolist() == [True, True, False]


def test_synthetic_and_real_sets_have_the_same_tasks(synthetic_folder):
    source = open_source("ptbxl", synthetic_folder)
    assert {task: len(labels.classes) for task, labels in source.labels.items()} == N_CLASSES
    assert source.labels["superdiagnostic"].classes == SUPERCLASSES
    assert source.labels["disease"].classes == ("MI", "STTC", "CD", "HYP")
    assert {labels.kind for labels in source.labels.values()} == {"multilabel"}


# infarction against normal


MI_CODES = {
    "{'IMI': 100.0, 'SR': 0.0}": "MI",
    "{'IMI': 15.0, 'LVH': 100.0}": "MI",
    "{'NORM': 100.0, 'SR': 0.0}": "HC",
    "{'NORM': 80.0, 'IMI': 15.0}": None,
    "{'NORM': 80.0, 'LVH': 15.0}": None,
    "{'LVH': 100.0}": None,
    "{'SR': 0.0}": None,
    "{}": None,
}


def test_mi_is_infarction_without_norm_against_norm_alone_and_nothing_else_is_kept(tmp_path, synthetic_folder):
    folder = write_table(tmp_path, [{"scp_codes": code} for code in MI_CODES], synthetic_folder)
    source = open_source("ptbxl", folder, tasks=["mi"])
    (labels,) = source.labels.values()
    assert (labels.classes, labels.kind) == (CLASSES, "multiclass")
    wanted = [(str(number), name) for number, name in enumerate(MI_CODES.values(), start=1) if name]
    found = [labels.classes[number] for number in labels.values.argmax(axis=1)]
    assert list(zip(source.records["record_id"], found, strict=True)) == wanted
    assert labels.labelled.all()
    assert source.remarks[-1] == "5 records are left out, which mi says nothing of."
    assert source.entry.default_task == "mi"
    assert source.options == open_source("ptbxl", folder).options


def test_several_tasks_keep_the_records_of_any(tmp_path, synthetic_folder):
    folder = write_table(tmp_path, [{"scp_codes": code} for code in MI_CODES], synthetic_folder)
    source = open_source("ptbxl", folder, tasks=["rhythm", "mi"])
    assert [*source.labels] == ["rhythm", "mi"]
    assert source.records["record_id"].tolist() == ["1", "2", "3", "7"]
    assert source.labels["mi"].labelled.tolist() == [True, True, True, False]
    assert len(source.records) == len(source.labels["mi"].values)


def test_an_unknown_task_and_one_without_a_record_are_told(tmp_path, synthetic_folder):
    folder = write_table(tmp_path, [{"scp_codes": "{'LVH': 100.0}"}], synthetic_folder)
    with pytest.raises(EcgFusionError, match=r"there is no task rythm of ptbxl: did you mean rhythm\?"):
        open_source("ptbxl", folder, tasks=["rythm"])
    with pytest.raises(EcgFusionError, match="has no record that mi labels: choose other --tasks"):
        open_source("ptbxl", folder, tasks=["mi"])


@pytest.mark.realdata
def test_real_folds_have_these_records_of_infarction_and_normal(ptbxl_folder):
    source = open_source("ptbxl", ptbxl_folder, tasks=["mi"])
    fold, values = source.records["fold"], source.labels["mi"].values
    assert (len(source.records), values[fold <= 7].sum(axis=0).tolist()) == (13_075, [3840, 6354])
    assert [values[fold == number].sum(axis=0).tolist() for number in (8, 9)] == [[538, 889], [540, 914]]


def test_heartbeats_at_125_hz_take_the_coarser_files_where_there_are_no_finer_ones(tmp_path):
    from pipeline.sources.synthetic import write_dataset

    write_dataset(tmp_path / "both", n_records=2, seed=0, rates=(100, 500))
    write_dataset(tmp_path / "slow", n_records=2, seed=0, rates=(100,))
    assert open_source("ptbxl", tmp_path / "both", sampling_rate=125).sampling_rate == 500
    slow = open_source("ptbxl", tmp_path / "slow", sampling_rate=125)
    assert slow.sampling_rate == 100
    assert "125 Hz are wanted: records100 is interpolated, since no records500 is there." in slow.remarks
    assert open_source("ptbxl", tmp_path / "slow", sampling_rate=250).sampling_rate == 500  # and is told to fetch it


def test_beats_of_the_coarser_files_become_stores_at_125_hz(tmp_path, synthetic_folder):
    words = "--tasks mi --beat kachuee --folds train=1-8 dev=9 test=10 --partition train --representations none"
    where = ["--source", "ptbxl", "--data", str(synthetic_folder), "--out", str(tmp_path / "stores"), "--workers", "1"]
    create_images.main([*words.split(), *where])
    store = open_store(tmp_path / "stores" / "train.h5")
    assert (store.sampling_rate, store.attributes["source_sampling_rate"], store.default_task) == (125.0, 100.0, "mi")
    assert store.signals.shape[1:] == (12, 187)
    assert [*store.labels] == ["mi"]
    assert store.task("mi").labelled.all()
    assert store.n_items > 5 * len(set(store.columns["record_id"]))


# the table


def test_ids_are_decimal_and_ages_over_89_are_90(tmp_path, synthetic_folder):
    rows: list[dict[str, object]] = [
        {"ecg_id": 7, "patient_id": 15709.0, "age": 300, "sex": 1},
        {"ecg_id": 12, "patient_id": 8.0, "age": 56.0, "sex": 0},
        {"ecg_id": 13, "patient_id": 8.0, "age": "", "sex": ""},
    ]
    items = open_source("ptbxl", write_table(tmp_path, rows, synthetic_folder)).records
    assert items["record_id"].tolist() == ["7", "12", "13"]
    assert items["patient_id"].tolist() == ["15709", "8", "8"]
    np.testing.assert_array_equal(items["age"], [90, 56, np.nan])
    assert items["sex"].tolist() == [1, 0, -1]
    assert items["length"].tolist() == [10.0] * 3


def test_patients_of_twenty_digits_stay_themselves(tmp_path, synthetic_folder):
    for name, end in (("whole", ""), ("floats", ".0")):
        rows = [{"patient_id": f"{10**20 + number}{end}"} for number in range(30)]
        items = open_source("ptbxl", write_table(tmp_path, rows, synthetic_folder, name)).records
        assert items["patient_id"].tolist() == [str(10**20 + number) for number in range(30)]


@pytest.mark.parametrize("written", ["records100\\00000\\00003_lr", " records100/00000/00003_lr.dat ", "{}.hea"])
def test_a_file_is_found_however_its_name_is_written(copied_folder, written):
    table = pd.read_csv(copied_folder / "ptbxl_database.csv", dtype=str)
    usual = open_source("ptbxl", copied_folder)
    table.loc[2, "filename_lr"] = written.format("records100/00000/00003_lr")
    table.to_csv(copied_folder / "ptbxl_database.csv", index=False)
    source = open_source("ptbxl", copied_folder)
    np.testing.assert_array_equal(source.read(source.records.iloc[2:3])[0], usual.read(usual.records.iloc[2:3])[0])


def test_words_for_the_sexes(tmp_path, synthetic_folder):
    rows = [{"sex": word} for word in ("male", "F", "m", "Female", "", "0.0")]
    items = open_source("ptbxl", write_table(tmp_path, rows, synthetic_folder)).records
    assert items["sex"].tolist() == [0, 1, 0, 1, -1, 0]


def test_optional_columns_may_be_absent(tmp_path, synthetic_folder):
    source = open_source("ptbxl", write_table(tmp_path, [{}], synthetic_folder))
    assert np.isnan(source.records["age"]).all()
    assert source.records["sex"].tolist() == [-1]
    with pytest.raises(EcgFusionError, match="has no column filename_hr"):
        open_source("ptbxl", tmp_path / "set", sampling_rate=500)


@pytest.mark.parametrize("column", NEEDED_COLUMNS)
def test_a_needed_column_is_asked_for_by_name(tmp_path, synthetic_folder, column):
    folder = write_table(tmp_path, [{}], synthetic_folder)
    pd.read_csv(folder / "ptbxl_database.csv").drop(columns=column).to_csv(folder / "ptbxl_database.csv", index=False)
    with pytest.raises(EcgFusionError, match=f"ptbxl_database.csv has no column {column}"):
        open_source("ptbxl", folder)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([{}, {"scp_codes": "NORM"}], "line 3: scp_codes cannot be read"),
        ([{}, {"scp_codes": ""}], "line 3: scp_codes cannot be read"),
        ([{"scp_codes": "{'NORM': 'likely'}"}], "line 2: scp_codes cannot be read"),
        ([{"scp_codes": "['NORM']"}], "line 2: scp_codes cannot be read"),
        ([{"scp_codes": "{'XYZ': 100.0}"}], "line 2: 'XYZ' is no statement of scp_statements.csv"),
        ([{"patient_id": ""}], "line 2: patient_id is not a whole number"),
        ([{}, {"strat_fold": 1.5}], "line 3: strat_fold is not a whole number"),
        ([{"ecg_id": "one"}], "line 2: ecg_id is not a whole number"),
        ([{"ecg_id": "inf"}], "line 2: ecg_id is not a whole number"),
        ([{"ecg_id": 5}, {"ecg_id": 5}], "lists ecg_id 5 twice"),
        ([{"ecg_id": 5}, {"ecg_id": "5.0"}], "lists ecg_id 5 twice"),
        ([{"ecg_id": "1e5"}], "line 2: ecg_id is not a whole number but '1e5', whose last digits may be lost"),
        ([{}, {"patient_id": "07"}, {"patient_id": 7}], "has the patient_id 7 and 07"),
        ([{}, {"sex": "inf"}], "line 3: sex is 'inf', not 0 or male, 1 or female, or nothing"),
        ([{"sex": 300}], "line 2: sex is '300'"),
        ([{"sex": 0.5}], "line 2: sex is '0.5'"),
        ([{"age": -5}], "line 2: age is '-5', not years"),
        ([{"age": "inf"}], "line 2: age is 'inf'"),
        ([{"age": "old"}], "line 2: age is 'old'"),
        ([{"strat_fold": 0}], "line 2: strat_fold is '0', not a fold from 1 to 10 .a table that counts them from 0"),
        ([{"strat_fold": 11}], "line 2: strat_fold is '11', not a fold from 1 to 10"),
        ([{"strat_fold": 10**12}], "line 2: strat_fold is '1000000000000', not a fold"),
        ([{"strat_fold": ""}], "line 2: strat_fold is not a whole number .empty."),
        ([{}, {"filename_lr": ""}], "line 3: filename_lr is empty: give the name of the recording's file"),
        ([{"filename_lr": "/etc/passwd"}], "line 2: filename_lr is '/etc/passwd', which leads out of the folder"),
        ([{"filename_lr": "..\\x"}], "line 2: filename_lr is .*, which leads out of the folder"),
        ([{"filename_lr": "a/x"}, {"filename_lr": "a\\x.hea"}], "has one file, a/x, for the records 1 and 2"),
        ([{"scp_codes": "{'NORM': 300.0}"}], "line 2: scp_codes gives 'NORM' the likelihood 300.0, not 0 to 100"),
        ([{"scp_codes": "{'NORM': nan}"}], "line 2: scp_codes gives 'NORM' the likelihood nan"),
        ([{"scp_codes": "-" * 100_000}], "line 2: scp_codes cannot be read"),
        ([{"scp_codes": "+1j" * 20_000}], "line 2: scp_codes cannot be read"),
    ],
)
def test_a_damaged_table_is_a_sentence(tmp_path, synthetic_folder, rows, sentence):
    folder = write_table(tmp_path, rows, synthetic_folder)
    with pytest.raises(EcgFusionError, match=sentence):
        open_source("ptbxl", folder)


def test_a_table_without_a_record_is_told(tmp_path, synthetic_folder):
    path = write_table(tmp_path, [{}], synthetic_folder) / "ptbxl_database.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    with pytest.raises(EcgFusionError, match="lists no record: take the official table"):
        open_source("ptbxl", path.parent)


@pytest.mark.parametrize("file", ["ptbxl_database.csv", "scp_statements.csv"])
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00garbage" * 9, b'a,b\n"1\n', b"a,b\n1,2,3\n"])
def test_a_table_that_is_none_is_named(tmp_path, synthetic_folder, file, content):
    folder = write_table(tmp_path, [{}], synthetic_folder)
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_bytes(content)
    with pytest.raises(EcgFusionError, match=file):
        open_source("ptbxl", folder)


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(EcgFusionError, match=r"there is no folder .*nowhere"):
        open_source("ptbxl", tmp_path / "nowhere")


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_refuses_a_folder_that_is_empty(tmp_path, name):
    with pytest.raises(EcgFusionError, match=r"is missing|has no .*, it is empty: |holds no .* is empty\): "):
        open_source(name, tmp_path)


def test_an_unknown_source_is_told_the_known_ones(tmp_path):
    with pytest.raises(EcgFusionError, match="there is no source ptb: choose one of ptbxl"):
        open_source("ptb", tmp_path)


@pytest.mark.parametrize("name", ["PTBXL", "ptb-xl", "Ptbxl"])
def test_a_source_of_nearly_its_name_is_told(tmp_path, name):
    with pytest.raises(EcgFusionError, match=f"there is no source {name}: choose one of ptbxl, .*; did you mean ptbxl"):
        open_source(name, tmp_path)


# version


@pytest.mark.parametrize(
    ("name", "version"),
    [("ptb-xl-a-large-publicly-available-electrocardiography-dataset-1.0.3", "1.0.3"), ("ptbxl-1.0.1", "1.0.1")],
)
def test_the_version_is_in_the_folder_name(tmp_path, synthetic_folder, name, version):
    assert open_source("ptbxl", write_table(tmp_path, [{}], synthetic_folder, name)).version == version


@pytest.mark.parametrize(
    ("listed", "version"), [((), "1.0.1"), (("v102",), "1.0.2"), (("v102", "v103"), "1.0.3"), (("v103",), "1.0.3")]
)
def test_or_in_the_list_of_checksums(tmp_path, synthetic_folder, listed, version):
    folder = write_table(tmp_path, [{}], synthetic_folder)
    lines = ["0a  ptbxl_database.csv", *(f"0b  ptbxl_{name}_changelog.txt" for name in listed)]
    (folder / "SHA256SUMS.txt").write_text("\n".join(lines))
    assert open_source("ptbxl", folder).version == version


def test_or_it_is_unknown_and_the_table_is_named_by_its_digest(tmp_path, synthetic_folder):
    versions = [
        open_source("ptbxl", write_table(tmp_path, rows, synthetic_folder, name)).version
        for name, rows in (("a", [{}]), ("b", [{}]), ("c", [{"age": 5}]))
    ]
    assert versions[0].startswith("unknown (table ")
    assert versions[0] == versions[1] != versions[2]
    (remark,) = open_source("ptbxl", tmp_path / "a").remarks
    assert remark.startswith("Its version is not known, since neither the folder's name nor a SHA256SUMS.txt")
    assert "name the folder after it (ptb-xl-1.0.3), or put its SHA256SUMS.txt there" in remark
    assert remark in overview(open_source("ptbxl", tmp_path / "a"), {})


def test_or_in_the_change_logs_beside_it(tmp_path, synthetic_folder):
    folder = write_table(tmp_path, [{}], synthetic_folder)
    for number in (2, 3):
        (folder / f"ptbxl_v10{number}_changelog.txt").touch()
        source = open_source("ptbxl", folder)
        assert (source.version, source.remarks) == (f"1.0.{number}", ())


# records


def header_of(folder: Path, record: int) -> Path:
    return folder / f"records100/00000/{record:05d}_lr.hea"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (" 12 100 1000", " 12 125 1000", "00003_lr is at 125 Hz, not 100"),
        (" V6", " V7", "00003_lr has the leads .* V7, not the standard twelve"),
        (" 12 100 1000", " 12 100 999", "00003_lr.dat has 24000 bytes where its header says 23976"),
        ("/mV", "/mmHg", "00003_lr.dat is in mmHg"),
    ],
)
def test_a_bad_record_is_named_with_what_is_wrong(copied_folder, old, new, problem):
    header = header_of(copied_folder, 3)
    header.write_text(header.read_text().replace(old, new))
    source = open_source("ptbxl", copied_folder)
    read = source.read(source.records.iloc[1:4])
    assert [isinstance(signal, BadRecord) for signal in read] == [False, True, False]
    assert read[1].record_id == "3"
    assert re.search(problem, read[1].problem)


def test_a_record_of_other_length_or_lead_count_is_bad(copied_folder):
    lines = header_of(copied_folder, 3).read_text().splitlines()
    data = np.fromfile(header_of(copied_folder, 3).with_suffix(".dat"), "<i2").reshape(-1, 12)

    def store(counts: np.ndarray) -> np.ndarray | BadRecord:
        counts.tofile(header_of(copied_folder, 3).with_suffix(".dat"))
        n_samples, n_leads = counts.shape
        sums = counts.sum(axis=0, dtype=np.int64) % 65536
        described = [
            " ".join([*line.split()[:6], str(total), *line.split()[7:]])
            for line, total in zip(lines[1 : n_leads + 1], sums, strict=True)
        ]
        header_of(copied_folder, 3).write_text("\n".join([f"00003_lr {n_leads} 100 {n_samples}", *described]))
        source = open_source("ptbxl", copied_folder)
        return source.read(source.records.iloc[2:3])[0]

    assert isinstance(store(data), np.ndarray)
    assert store(data[:900]).problem.endswith("00003_lr has 900 samples, not 1000")
    assert "not the standard twelve" in store(np.ascontiguousarray(data[:, :8])).problem


def test_leads_come_in_the_standard_order_however_the_file_has_them(copied_folder):
    source = open_source("ptbxl", copied_folder)
    (signal,) = source.read(source.records.iloc[2:3])
    header = header_of(copied_folder, 3)
    lines = header.read_text().splitlines()
    data = np.fromfile(header.with_suffix(".dat"), "<i2").reshape(-1, 12)
    np.ascontiguousarray(data[:, ::-1]).tofile(header.with_suffix(".dat"))
    header.write_text("\n".join([lines[0], *lines[:0:-1]]))
    np.testing.assert_array_equal(source.read(source.records.iloc[2:3])[0], signal)


def test_both_rates_are_read_and_any_other_takes_the_finer(tmp_path):
    from pipeline.sources.synthetic import write_dataset

    write_dataset(tmp_path / "set", n_records=2, seed=0, rates=(100, 500))
    slow, fast = (open_source("ptbxl", tmp_path / "set", sampling_rate=rate) for rate in (100, 500))
    assert (slow.sampling_rate, fast.sampling_rate) == (100.0, 500.0)
    assert slow.read(slow.records)[0].shape == (12, 1000)
    assert fast.read(fast.records)[0].shape == (12, 5000)
    assert open_source("ptbxl", tmp_path / "set", sampling_rate=250).sampling_rate == 500
    assert open_source("ptbxl", tmp_path / "set", sampling_rate=50).sampling_rate == 100


# what is printed


def overview(source, rows):
    return source_overview(source, Whole().table(source), rows)


def test_the_overview_counts_records_patients_and_classes(tmp_path, synthetic_folder):
    rows: list[dict[str, object]] = [
        {"patient_id": 1, "scp_codes": "{'IMI': 100.0, 'SR': 0.0}"},
        {"patient_id": 1, "scp_codes": "{'AFIB': 0.0}"},
        {"patient_id": 2, "scp_codes": "{'IMI': 100.0, 'LVH': 100.0}"},
        {"patient_id": 3, "strat_fold": 9},
    ]
    folder = write_table(tmp_path, rows, synthetic_folder, "ptbxl-1.0.3")
    source = open_source("ptbxl", folder)
    chosen = partition_rows(source.records, parse_folds(["train=1", "dev=9", "test=10"]))
    lines = overview(source, chosen).splitlines()
    assert lines[0] == f"ptbxl 1.0.3 in {folder}: 4 records of 3 patients at 100 Hz"
    assert lines[1] == "train: 3 records of 2 patients"
    assert "  disease: 2 labelled, 1 not; MI 2 STTC 0 CD 0 HYP 1" in lines
    assert "dev: 1 records of 1 patients" in lines
    assert "  disease: 1 labelled, 0 not; MI 0 STTC 0 CD 0 HYP 0" in lines
    assert lines[-1] == "test: 0 records of 0 patients"
