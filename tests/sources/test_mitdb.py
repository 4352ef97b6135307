"""MIT-BIH: its beats, classes, leads, patients and partitions; what is wrong with its folder is told of."""

from pathlib import Path

import numpy as np
import pytest
import wfdb
from heartbeat_sets import write_mitdb

import create_images
from pipeline.errors import EcgFusionError
from pipeline.labels import INTRA_PATIENT
from pipeline.sources import BadRecord, open_source
from pipeline.sources.beat_cuts import BeatWindows, Kachuee
from pipeline.sources.mitdb import CLASSES, DEV, DS1, DS2, PACED, RECORDS, SYMBOLS, open_mitdb
from pipeline.store.reading import open_store, store_path

BEATS = "NNLRejAaJSVEF/fQNNVN"


def signal_of(source, row: int) -> np.ndarray:
    (signal,) = source.read(source.records.iloc[[row]])
    assert isinstance(signal, np.ndarray)
    return signal


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five records: of train, dev and test, one paced. Do not write into it."""
    folder = tmp_path_factory.mktemp("mitdb")
    write_mitdb(folder, {101: BEATS, 108: BEATS[::-1], 114: BEATS, 100: BEATS})
    write_mitdb(folder, {102: "/" * 20}, leads=("V5", "V2"))
    return folder


def test_the_48_records_are_in_one_set_each():
    assert len(DS1) == len(DS2) == 22
    assert len(RECORDS) == len(set(RECORDS)) == 48
    assert set(DEV) < set(DS1)
    assert not set(PACED) & set(DS1 + DS2)


def test_a_beat_has_the_class_of_aami():
    assert len(SYMBOLS) == 15
    by_class = {name: {symbol for symbol, of in SYMBOLS.items() if of == name} for name in CLASSES}
    assert by_class == {"N": set("NLRej"), "S": set("AaJS"), "V": set("VE"), "F": {"F"}, "Q": set("/fQ")}


def test_records_beats_and_labels(folder, tmp_path):
    source = open_mitdb(folder)
    assert source.records["record_id"].tolist() == ["100", "101", "102", "108", "114"]
    assert source.records["fold"].tolist() == [100, 101, 102, 108, 114]
    assert source.records["age"].tolist() == [75.0] * 5
    assert source.records["sex"].tolist() == [1] * 5
    np.testing.assert_allclose(source.records["length"], 30)
    peaks = write_mitdb(tmp_path, {101: BEATS})[101]
    mine = source.beats.record == 1
    np.testing.assert_array_equal(source.beats.sample[mine], peaks)
    five, four = source.beats.labels["aami5"], source.beats.labels["aami4"]
    assert (five.kind, five.classes, four.classes) == ("multiclass", CLASSES, CLASSES[:4])
    named = "".join(CLASSES[number] for number in five.values[mine].argmax(axis=1))
    assert named == "".join(SYMBOLS[symbol] for symbol in BEATS)
    np.testing.assert_array_equal(four.labelled[mine], [letter != "Q" for letter in named])
    assert five.labelled.all()
    assert source.labels == {}


def test_the_first_lead_is_mlii_wherever_it_is_stored(folder, tmp_path):
    write_mitdb(tmp_path, {101: BEATS}, leads=("V5", "MLII"))
    usual, swapped = open_mitdb(folder), open_mitdb(tmp_path)
    signal = signal_of(swapped, 0)
    np.testing.assert_array_equal(signal[::-1], wfdb.rdsamp(str(tmp_path / "101"))[0].T)
    np.testing.assert_array_equal(signal_of(usual, 1), signal[::-1])
    assert usual.leads == swapped.leads == ("MLII", "V")


def test_what_is_said_of_the_set(folder):
    absent, leads = open_mitdb(folder).remarks
    assert absent == "43 of the 48 records are not there (103, 104, 105, 106, 107 …), and are left out."
    assert leads == "Another lead stands in the place of MLII, where a record has none: 102 V5."


def test_201_and_202_are_one_patient_who_is_in_one_partition(tmp_path):
    write_mitdb(tmp_path, {201: BEATS})
    assert "201" in open_mitdb(tmp_path).schemes["inter_patient"].words[0].partition("=")[2].split(",")
    write_mitdb(tmp_path, {202: BEATS, 114: BEATS, 101: BEATS})
    source = open_mitdb(tmp_path)
    assert source.records["patient_id"].tolist() == ["101", "114", "201", "201"]
    assert "201" not in source.schemes["inter_patient"].words[0].partition("=")[2].split(",")
    assert source.remarks[-1] == ("201 (DS1) and 202 (DS2) are of one patient: inter_patient leaves 201 out of train.")


def store_words(folder: Path, out: Path, *more: str) -> list[str]:
    words = ["--source", "mitdb", "--data", str(folder), "--out", str(out), "--representations", "none"]
    return [*words, "--workers", "1", *more]


def test_stores_of_ds1_and_ds2(folder, tmp_path):
    create_images.main(store_words(folder, tmp_path))
    records = {}
    for partition in ("train", "dev", "test"):
        store = open_store(store_path(tmp_path, partition))
        records[partition] = set(store.columns["record_id"])
        assert store.scheme == "inter_patient"
        assert not store.intra_patient
        assert store.cut == {"kind": "beats", "beat": "window", "beat_extent": [0.25, 0.45], "beats": 1}
        assert store.signals.shape[1:] == (2, 252)
        assert store.attributes["sampling_rate"] == 360
        assert (store.default_task, store.default_leads) == ("aami5", ["MLII"])
        assert store.features["rr"].shape == (store.n_items, 3)
    assert records == {"train": {"101", "108"}, "dev": {"114"}, "test": {"100"}}


def test_stores_of_random_beats_say_that_patients_are_everywhere(folder, tmp_path, capsys):
    create_images.main(store_words(folder, tmp_path, "--folds", "intra_patient"))
    assert INTRA_PATIENT in "".join(capsys.readouterr())
    stores = [open_store(store_path(tmp_path, partition)) for partition in ("train", "dev", "test")]
    assert [store.scheme for store in stores] == ["intra_patient"] * 3
    assert all(store.intra_patient for store in stores)
    assert set.intersection(*(set(store.columns["record_id"]) for store in stores)) >= {"100", "101", "108", "114"}
    assert sum(store.n_items for store in stores) == 100
    assert len({name for store in stores for name in store.columns["item_id"]}) == 100


def test_records_are_named_by_their_numbers(folder, tmp_path):
    create_images.main(store_words(folder, tmp_path, "--folds", "train=101,108", "dev=100", "test=102-107"))
    assert set(open_store(store_path(tmp_path, "test")).columns["record_id"]) == {"102"}


def test_stores_of_the_well_known_cutting_are_at_125_hz(folder, tmp_path):
    create_images.main(store_words(folder, tmp_path, "--beat", "kachuee", "--partition", "dev", "--band", "none"))
    store = open_store(store_path(tmp_path, "dev"))
    assert store.attributes["sampling_rate"] == 125
    assert store.signals.shape == (19, 2, 187)
    signals = store.signals.open()
    assert signals.min() == 0
    assert signals.max() <= 1000
    with pytest.raises(EcgFusionError, match="--sampling_rate 360 does not go with --beat kachuee, which is at 125 Hz"):
        create_images.main(store_words(folder, tmp_path, "--beat", "kachuee", "--sampling_rate", "360"))


def test_a_heartbeat_is_drawn_as_large_as_its_samples_suffice_for(folder, tmp_path, capsys):
    words = ["--source", "mitdb", "--data", str(folder), "--out", str(tmp_path), "--representations", "gaf", "rp"]
    create_images.main([*words, "--partition", "dev"])
    assert "128 x 128 pixels, for heartbeats of 252 samples are too short for 256" in "".join(capsys.readouterr())
    store = open_store(store_path(tmp_path, "dev"))
    assert store.images["rp"].shape[2:] == (128, 128)
    create_images.main([*words, "--show", str(store.columns["item_id"][0])])
    with pytest.raises(EcgFusionError, match="252 samples are too few for images of size 256"):
        create_images.main([*words, "--partition", "train", "--size", "256"])


def test_windows_of_it_have_no_labels_which_is_said(folder, tmp_path, capsys):
    create_images.main(store_words(folder, tmp_path, "--window", "5", "--partition", "dev"))
    said = "only the heartbeats of mitdb are labelled, so these stores have no labels: cut them with --beat"
    assert said in "".join(capsys.readouterr())
    with pytest.raises(EcgFusionError, match=r"dev\.h5 has no labels, so nothing can be learnt of it"):
        open_store(store_path(tmp_path, "dev")).task("aami5")


# what is wrong with a folder


def test_a_record_that_is_damaged_is_bad(folder, tmp_path):
    write_mitdb(tmp_path, {101: BEATS, 114: BEATS})
    data = bytearray(tmp_path.joinpath("101.dat").read_bytes())
    data[1000] ^= 1
    tmp_path.joinpath("101.dat").write_bytes(data)
    source = open_mitdb(tmp_path)
    bad, good = source.read(source.records)
    assert isinstance(bad, BadRecord)
    assert "fails the checksum" in bad.problem
    assert good.shape == (2, 10_800)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda f: (f / "101.atr").unlink(), "101.atr is missing beside 101.hea"),
        (lambda f: (f / "101.dat").unlink(), "101.dat is missing beside 101.hea"),
        (lambda f: (f / "101.atr").write_bytes(b"MZ"), "101.atr .*: fetch it"),
        (lambda f: (f / "101.hea").write_bytes(b""), "101.hea is empty: fetch it"),
        (lambda f: edit(f / "101.hea", "101 2 360", "101 2 250"), "101.hea says 250 Hz and 10800 samples"),
        (lambda f: edit(f / "101.hea", "360 10800", "360 0"), "101.hea says 360 Hz and no number of samples"),
        (lambda f: edit(f / "101.hea", "360 10800", "360 108000000"), "101.hea announces 108,000,000 samples"),
        (lambda f: edit(f / "101.hea", "MLII", "II"), "101.hea has the leads II V1, and records of MIT-BIH have MLII"),
        (lambda f: edit(f / "101.hea", "MLII", "V1"), "101.hea has the leads V1 V1"),
        (
            lambda f: edit(f / "101.hea", "360 10800", "360 9000"),
            "annotation at sample .*, and its record ends at 9000",
        ),
    ],
)
def test_what_is_wrong_with_a_record_is_a_sentence(tmp_path, damage, sentence):
    write_mitdb(tmp_path, {101: BEATS})
    damage(tmp_path)
    with pytest.raises(EcgFusionError, match=sentence):
        open_mitdb(tmp_path)


def test_annotations_of_another_rate_are_refused(tmp_path):
    write_mitdb(tmp_path, {101: BEATS})
    wfdb.wrann("101", "atr", np.array([300]), ["N"], fs=250, write_dir=str(tmp_path))
    with pytest.raises(EcgFusionError, match=r"101\.atr counts samples at 250 Hz, not at 360"):
        open_mitdb(tmp_path)


def test_folders_that_are_none(folder, tmp_path):
    inside = tmp_path / "above" / "mitdb"
    write_mitdb(inside, {101: BEATS})
    for place, sentence in (
        (tmp_path / "nowhere", "there is no folder"),
        (inside / "101.hea", "is a file: name the MIT-BIH folder"),
        (inside.parent, f"no record of MIT-BIH, and {inside} has: give --data {inside}"),
    ):
        with pytest.raises(EcgFusionError, match=sentence):
            open_mitdb(place)
    empty = tmp_path / "else" / "where" / "empty"
    empty.mkdir(parents=True)
    with pytest.raises(EcgFusionError, match=r"has no record of MIT-BIH .*, it is empty"):
        open_mitdb(empty)


# the real records


def counts(source, numbers) -> dict[str, int]:
    mine = np.isin(source.records["fold"].to_numpy()[source.beats.record], numbers)
    return dict(zip(CLASSES, source.beats.labels["aami5"].values[mine].sum(axis=0, dtype=int).tolist(), strict=True))


@pytest.mark.realdata
def test_ds1_has_the_beats_of_de_chazal(mitdb_folder):
    """As many as are annotated; beats too near an end are among them."""
    source = open_source("mitdb", mitdb_folder)
    assert counts(source, DS1) == {"N": 45_866, "S": 944, "V": 3788, "F": 415, "Q": 8}
    items = BeatWindows().table(source)
    ours = np.isin(items.rows["fold"], DS1)
    found = items.labels["aami5"].values[ours].sum(axis=0, dtype=int).tolist()
    assert found == [45_848, 944, 3788, 414, 8]


@pytest.mark.realdata
def test_dev_and_train_hold_every_class(mitdb_folder):
    source = open_source("mitdb", mitdb_folder)
    dev, train = counts(source, DEV), counts(source, [number for number in DS1 if number not in DEV])
    assert dev == {"N": 11_131, "S": 186, "V": 1047, "F": 30, "Q": 4}
    assert train == {"N": 34_735, "S": 758, "V": 2741, "F": 385, "Q": 4}


@pytest.mark.realdata
def test_each_record_is_without_its_last_beat_where_it_is_cut_as_the_well_known_files(mitdb_folder):
    items = Kachuee().table(open_source("mitdb", mitdb_folder))
    assert items.labels["aami5"].values.sum(axis=0, dtype=int).tolist() == [46_351, 943, 4015, 415, 8032]


@pytest.mark.realdata
def test_record_114_gives_mlii_first(mitdb_folder):
    source = open_source("mitdb", mitdb_folder)
    signal = signal_of(source, source.records["record_id"].tolist().index("114"))
    reference = wfdb.rdrecord(str(mitdb_folder / "114"))
    np.testing.assert_array_equal(signal[0], reference.p_signal[:, reference.sig_name.index("MLII")])


@pytest.mark.realdata
def test_beats_are_where_the_signal_is_steep(mitdb_folder):
    """Annotations and signals of one record belong together: R waves stand in the middle of normal beats."""
    source = open_source("mitdb", mitdb_folder)
    cut = BeatWindows()
    items = cut.table(source)
    rows = items.rows[items.rows["record_id"] == "101"]
    beats = np.stack(cut.cut(signal_of(source, 0), 360, rows))[:, 0]
    assert abs(int(np.median(beats, axis=0).argmax()) - 90) <= 5
