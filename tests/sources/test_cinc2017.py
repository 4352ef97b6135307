"""The challenge of 2017: its four versions of labels, its folder in every shape, and what is wrong with it."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import wfdb
from cinc2017_folders import LABELS, counts_of, write_record, write_reference, write_set

from pipeline.errors import EcgFusionError
from pipeline.report.overview import source_overview
from pipeline.sources import BadRecord, Source, open_source
from pipeline.sources.cinc2017 import N_RECORDS, RHYTHMS, VERSIONS, shuffle74
from pipeline.sources.items import Whole

ALL_NAMES = [f"A{number:05d}" for number in range(1, N_RECORDS + 1)]
HERE = {  # of the records that are at hand, counted by cut, sort and uniq -c
    2: {"N": 4546, "O": 2201, "A": 679, "~": 249},
    3: {"N": 4569, "O": 2163, "A": 698, "~": 245},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_set(tmp_path / "cinc2017")


def counts(source: Source, task: str) -> dict[str, int]:
    labels = source.labels[task]
    return dict(zip(labels.classes, labels.values[labels.labelled].sum(axis=0).tolist(), strict=True))


def refusal(folder: Path, **options) -> str:
    with pytest.raises(EcgFusionError) as refused:
        open_source("cinc2017", folder, **options)
    return str(refused.value)


# what it gives


def test_records_are_what_the_table_lists(folder):
    source = open_source("cinc2017", folder)
    records = source.records
    assert records["record_id"].tolist() == records["patient_id"].tolist() == ALL_NAMES[:10]
    np.testing.assert_allclose(records["length"], 10 + 0.5 * np.arange(10))
    assert (records["fold"] == 0).all()
    assert records["age"].isna().all()
    assert (records["sex"] == -1).all()
    assert (source.sampling_rate, source.leads, source.gain) == (300.0, ("ECG",), 1000.0)
    assert (source.version, source.options) == ("1.0.0", {"label_version": 3})


def test_labels_exclude_each_other_and_noise_has_none_of_the_three(folder):
    source = open_source("cinc2017", folder)
    three, four = source.labels["rhythm3"], source.labels["rhythm4"]
    assert (three.classes, three.kind) == (("N", "O", "A"), "multiclass")
    assert (four.classes, four.kind) == (("N", "O", "A", "~"), "multiclass")
    assert four.labelled.all()
    assert [four.classes[column] for column in four.values.argmax(axis=1)] == list(LABELS)
    assert three.labelled.tolist() == [label != "~" for label in LABELS]
    assert (three.values.sum(axis=1) == three.labelled).all()
    assert source.entry.default_task == "rhythm3"


def test_signals_are_those_of_the_files(folder):
    source = open_source("cinc2017", folder)
    found = source.read(source.records.iloc[[7, 0]])
    for signal, record, n_samples in zip(found, ("A00008", "A00001"), (4050, 3000), strict=True):
        assert isinstance(signal, np.ndarray)
        np.testing.assert_array_equal(signal, counts_of(record, n_samples)[None] / 1000)
        reference = wfdb.rdrecord(str(folder / "training2017" / record)).p_signal
        np.testing.assert_array_equal(signal.T, reference)


def test_records_of_nobody_are_counted_as_no_patients(folder):
    source = open_source("cinc2017", folder)
    said = source_overview(source, Whole().table(source), {"train": np.arange(4)}).splitlines()
    assert said[0].endswith(": 10 records, each counted as a patient, at 300 Hz")
    assert said[2] == "train: 4 records"


# checksums


def test_its_rule_on_checksums_is_said(folder):
    assert any("checksums in its headers are all 0" in remark for remark in open_source("cinc2017", folder).remarks)


@pytest.mark.parametrize("wrong_by", [0, 1])
def test_a_checksum_that_is_said_is_verified(folder, wrong_by):
    total = int(counts_of("A00001", 3000).sum(dtype=np.int64))
    write_record(folder / "training2017", "A00001", checksum=total % 65536 + wrong_by)
    source = open_source("cinc2017", folder)
    (found,) = source.read(source.records.iloc[:1])
    if wrong_by:
        assert isinstance(found, BadRecord)
        assert "A00001.mat fails the checksum of lead 1" in found.problem
    else:
        assert isinstance(found, np.ndarray)


# versions of the labels


def test_the_newest_labels_are_taken_unless_others_are_asked_for(folder):
    other = dict(zip(ALL_NAMES, "NNNNNNNNN~", strict=False))
    write_reference(folder / "REFERENCE-v1.csv", other)
    assert counts(open_source("cinc2017", folder), "rhythm4") == {"N": 5, "O": 2, "A": 2, "~": 1}
    source = open_source("cinc2017", folder, label_version=1)
    assert counts(source, "rhythm4") == {"N": 9, "O": 0, "A": 0, "~": 1}
    assert source.options == {"label_version": 1}


def test_labels_that_are_not_there(folder):
    write_reference(folder / "REFERENCE-v2.csv", dict.fromkeys(ALL_NAMES[:10], "N"))
    assert refusal(folder, label_version=1) == (
        f"{folder} has no labels of version 1 but REFERENCE-v2.csv and REFERENCE-v3.csv: give --label_version 3, "
        f"or put REFERENCE-v1.csv there"
    )
    assert refusal(folder, label_version=7) == "--label_version 7 is none of 0, 1, 2, 3: leave it out"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_table_without_a_version_is_known_by_its_counts(tmp_path, version):
    labels = [name for name, count in zip(RHYTHMS, VERSIONS[version], strict=True) for _ in range(count)]
    folder = tmp_path / "cinc2017"
    write_record(folder, "A00001")
    write_reference(folder / "REFERENCE.csv", dict(zip(ALL_NAMES, labels, strict=True)))
    source = open_source("cinc2017", folder)
    assert source.options == {"label_version": version}
    assert open_source("cinc2017", folder, label_version=version).options == source.options
    assert "leave --label_version out" not in refusal(folder, label_version=3 - version)


def test_a_table_of_no_known_version_is_taken_and_that_is_said(folder):
    (folder / "REFERENCE-v3.csv").rename(folder / "REFERENCE.csv")
    source = open_source("cinc2017", folder)
    assert source.options == {}
    assert source.version.startswith("unknown (labels REFERENCE.csv ")
    assert any("REFERENCE.csv is of no version that is known" in remark for remark in source.remarks)
    assert "leave --label_version out" in refusal(folder, label_version=3)


def test_a_table_with_a_version_goes_before_one_without(folder):
    write_reference(folder / "REFERENCE.csv", {"A00001": "~"})
    source = open_source("cinc2017", folder)
    assert (len(source.records), source.options) == (10, {"label_version": 3})


# the folder's shapes


@pytest.mark.parametrize("below", ["", "training2017", "training"])
@pytest.mark.parametrize("parted", [False, True])
def test_records_are_found_where_they_are_published(tmp_path, below, parted):
    folder = tmp_path / "cinc2017"
    write_set(folder, below=str(Path(below, "A00")) if parted else below)
    if below:
        (folder / "REFERENCE-v3.csv").rename(folder / below / "REFERENCE-v3.csv")
    source = open_source("cinc2017", folder)
    assert len(source.records) == 10
    assert all(isinstance(found, np.ndarray) for found in source.read(source.records))


def test_validation_copies_are_no_second_records(folder):
    write_record(folder / "validation", "A00001", 6000)
    source = open_source("cinc2017", folder)
    assert source.records["length"].iloc[0] == 10


@pytest.mark.parametrize("named", ["training2017", "."])
def test_a_level_too_low_or_too_high(folder, named):
    where = folder / named if named != "." else folder.parent
    assert f"{folder} has REFERENCE-v3.csv: give --data {folder}" in refusal(where)


def test_a_folder_without_a_table(folder):
    (folder / "REFERENCE-v3.csv").unlink()
    said = refusal(folder)
    assert f"{folder / 'REFERENCE-v3.csv'} is missing" in said
    assert "looks like the PhysioNet/CinC Challenge 2017" in said
    assert "name the challenge's folder with --data" in refusal(folder / "nowhere")


# records that are not there, or not whole


def test_records_that_are_not_there_are_left_out_and_counted(folder):
    for name in ("A00002.mat", "A00002.hea", "A00009.mat"):
        (folder / "training2017" / name).unlink()
    source = open_source("cinc2017", folder)
    assert "A00002" not in source.records["record_id"].tolist()
    assert counts(source, "rhythm4") == {"N": 5, "O": 1, "A": 1, "~": 1}
    said = f"2 records (A00002, A00009) of the 10 that {folder / 'REFERENCE-v3.csv'} lists have no .mat here"
    assert any(remark.startswith(said) for remark in source.remarks)


def test_records_that_have_no_label_are_left_out_and_counted(folder):
    write_record(folder / "training2017", "A00011")
    source = open_source("cinc2017", folder)
    assert len(source.records) == 10
    assert any("1 record (A00011) that " in remark and "does not list" in remark for remark in source.remarks)


def test_no_record_at_all(folder):
    shutil.rmtree(folder / "training2017")
    assert "lists 10 records, and no .mat of theirs is in" in refusal(folder)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda mat: mat.with_suffix(".hea").unlink(), "A00001.hea is missing"),
        (lambda mat: mat.write_bytes(mat.read_bytes()[:-1000]), "A00001.mat has 5024 bytes where its header says 6024"),
        (lambda mat: mat.write_bytes(b""), "A00001.mat has 0 bytes where its header says 6024"),
        (lambda mat: mat.with_suffix(".hea").write_text(""), "A00001.hea is empty"),
        (lambda mat: write_record(mat.parent, "A00001", rate=250), "is at 250 Hz, not 300"),
    ],
)
def test_a_record_that_is_not_whole_is_named(folder, damage, problem):
    damage(folder / "training2017" / "A00001.mat")
    source = open_source("cinc2017", folder)
    bad, good = source.read(source.records.iloc[:2])
    assert isinstance(bad, BadRecord)
    assert problem in bad.problem
    assert isinstance(good, np.ndarray)


def test_a_file_of_gigabytes_makes_no_store_of_gigabytes(folder):
    with open(folder / "training2017" / "A00001.mat", "r+b") as file:
        file.truncate(2**40)  # of nothing, on the disk
    source = open_source("cinc2017", folder)
    assert source.records["length"].max() <= 3600
    (bad,) = source.read(source.records.iloc[:1])
    assert isinstance(bad, BadRecord)


# the table


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("A00001,N\nA00002,X\n", "line 2: label is 'X', not one of N, O, A, ~"),
        ("A00001,N\nA00002,\n", "line 2: label is '', not one of"),
        ("A00001,N\nA00002,NaN\n", "line 2: label is 'NaN'"),
        ("A00001,N\n../../etc/passwd,N\n", "line 2: record is '../../etc/passwd', which is no record of this set"),
        ("Recording,Label\nA00001,N\n", "line 1: record is 'Recording', which is no record"),
        ("A00001,N\nA00002,O\nA00001,N\n", "lists A00001 in line 1 and in line 3"),
        ("A00001,N,1\n", "line 1 has 3 fields, not 2 (record, label)"),
        ("A00001\n", "line 1 has 1 fields, not 2 (record, label)"),
        ("", "REFERENCE-v3.csv is empty"),
        ("A00001,N\0\n", "is not a readable table"),
    ],
)
def test_what_the_table_should_not_say(folder, lines, said):
    (folder / "REFERENCE-v3.csv").write_text(lines)
    assert said in refusal(folder)


def test_a_table_saved_by_a_spreadsheet(folder):
    path = folder / "REFERENCE-v3.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b",", b";").replace(b"\n", b"\r\n"))
    assert len(open_source("cinc2017", folder).records) == 10


# the older study's partitions


def test_the_older_study_s_partitions(tmp_path):
    labels = dict.fromkeys(("A00001", "A00002", "A00003", "A08528"), "N")
    source = open_source("cinc2017", write_set(tmp_path / "set", labels))
    scheme = source.schemes["shuffle74"]
    assert (scheme.words, scheme.folds, scheme.intra_patient) == (("train=1", "dev=2", "test=3"), shuffle74, False)
    # by the recipe as the study wrote it, in Python's global state
    import random

    kept = random.getstate()
    try:
        random.seed(74)
        order = list(range(8528))
        random.shuffle(order)
    finally:
        random.setstate(kept)
    study = {ALL_NAMES[number]: 1 + (place >= 6822) + (place >= 7675) for place, number in enumerate(order)}
    folds = shuffle74(source, Whole().table(source), 0)
    assert folds.tolist() == [study[name] for name in labels]
    assert np.array_equal(folds, shuffle74(source, Whole().table(source), 7)), "the study's own seed alone counts"


def test_a_record_that_the_older_study_had_not(tmp_path):
    source = open_source("cinc2017", write_set(tmp_path / "set", {"A00001": "N", "A08529": "N"}))
    with pytest.raises(EcgFusionError, match="has the record A08529, and --folds shuffle74 knows A00001 to A08528"):
        shuffle74(source, Whole().table(source), 0)


# the real recordings


@pytest.mark.realdata
@pytest.mark.parametrize("version", HERE)
def test_real_labels_have_their_counts(cinc2017_folder, version):
    source = open_source("cinc2017", cinc2017_folder, label_version=version)
    assert len(source.records) == 7675
    assert counts(source, "rhythm4") == HERE[version]
    assert counts(source, "rhythm3") == {name: HERE[version][name] for name in ("N", "O", "A")}
    assert source.records["length"].min() == pytest.approx(2714 / 300)
    assert source.records["length"].max() == pytest.approx(18286 / 300)


@pytest.mark.realdata
def test_the_records_that_are_kept_apart_are_the_older_study_s_test(cinc2017_folder):
    source = open_source("cinc2017", cinc2017_folder, label_version=2)
    folds = shuffle74(source, Whole().table(source), 0)
    assert np.bincount(folds, minlength=4).tolist() == [0, 6822, 853, 0]
    # the study's own numbers of records: 6,597 in train, 818 in test
    labelled = source.labels["rhythm3"].labelled
    assert np.bincount(folds[labelled], minlength=4).tolist() == [0, 6597, 829, 0]
    assert N_RECORDS - 6822 - 853 - (VERSIONS[2][3] - HERE[2]["~"]) == 818


@pytest.mark.realdata
def test_real_recordings_are_what_wfdb_reads(cinc2017_folder):
    source = open_source("cinc2017", cinc2017_folder)
    chosen = source.records.iloc[::500]
    for file, signal in zip(chosen["file"], source.read(chosen), strict=True):
        assert isinstance(signal, np.ndarray)
        np.testing.assert_array_equal(signal.T, wfdb.rdrecord(str(cinc2017_folder / file)).p_signal)
