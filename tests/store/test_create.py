"""Stores made from Python: the very files of the command, and nothing printed."""

import h5py
import pytest
from small_stores import make, same_content

import create_images
from pipeline.errors import EcgFusionError
from pipeline.listening import Listener, Remark, listening
from pipeline.sources import open_source
from pipeline.sources.base import SourceOpened
from pipeline.store.checksums import DIGEST, SUMS
from pipeline.store.create import create_stores
from pipeline.store.reading import open_store, store_path


class Remembering(Listener):
    def __init__(self):
        self.heard = []

    def hear(self, event):
        self.heard.append(event)


def test_the_files_are_those_of_the_command_and_nothing_is_printed(
    reference_stores, synthetic_folder, tmp_path, capsys
):
    source = open_source("ptbxl", synthetic_folder)
    paths = create_stores(source, tmp_path, size=16, representations=["gaf", "mtf"], workers=1)
    assert paths == [store_path(tmp_path, name) for name in ("train", "dev", "test")]
    assert same_content(reference_stores, tmp_path)
    assert capsys.readouterr() == ("", "")
    made = [path.stat().st_mtime_ns for path in paths]
    assert create_stores(source, tmp_path, size=16, representations="gaf mtf", workers=2) == paths
    assert [path.stat().st_mtime_ns for path in paths] == made


def test_a_listener_is_told_what_happens(synthetic_folder, tmp_path):
    listener = Remembering()
    with listening(listener):
        (path,) = create_stores(
            open_source("ptbxl", synthetic_folder), tmp_path, partition="dev", representations=(), workers=1
        )
    opened, to_come, done = listener.heard
    assert isinstance(opened, SourceOpened)
    assert {name: len(rows) for name, rows in opened.rows.items()} == {"dev": 4}
    assert isinstance(to_come, Remark)
    assert " bytes to come, " in to_come.sentence
    assert done.sentence.startswith(f"{path}: 4 records, 0 left out, 0 images, ")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"sise": 64}, "stores have no option sise: did you mean size"),
        ({"folds": "train=1-8 dev=8"}, "puts fold 8 into train and dev"),
        ({"representations": (), "leads": "I"}, "--leads is for images, and --representations none makes none"),
        ({"mtf_bins": 1}, "bins"),
        ({"stft_window": "wide"}, "of stft_window 'wide' one is of the wrong type"),
        ({"sampling_rate": 200}, "--sampling_rate 200 is above the 100 Hz of the recordings"),
    ],
    ids=repr,
)
def test_a_mistake_is_one_sentence_and_no_file(synthetic_folder, tmp_path, options, sentence):
    with pytest.raises(EcgFusionError, match=sentence):
        create_stores(open_source("ptbxl", synthetic_folder), tmp_path, **options)
    assert not list(tmp_path.iterdir())


def test_the_store_says_what_is_usual_for_its_data_set(reference_stores):
    store = open_store(store_path(reference_stores, "dev"))
    assert (store.default_task, store.default_leads) == ("disease", ["I", "II", "V2"])


def test_a_store_of_before_goes_on_without_what_is_usual(synthetic_folder, tmp_path):
    """Stores that were made when no store said its task are complete, and readable."""
    make(synthetic_folder, tmp_path, "--partition", "dev")
    path = store_path(tmp_path, "dev")
    with h5py.File(path, "r+") as file:
        for name in ("default_task", "default_leads", DIGEST):
            del file.attrs[name]
        del file[SUMS]
    before = path.read_bytes()
    make(synthetic_folder, tmp_path, "--partition", "dev")
    assert path.read_bytes() == before
    store = open_store(path)
    assert (store.default_task, store.default_leads) == (None, ["I", "II", "V2"])


def test_the_command_reads_its_own_options_into_the_same_call(synthetic_folder, tmp_path, monkeypatch):
    import pipeline.store.create as door

    called = []
    monkeypatch.setattr(door, "create_stores", lambda source, out, **options: called.append((source, out, options)))
    words = f"--data {synthetic_folder} --out {tmp_path} --size 32 --stft_db_range -60 0 --min_likelihood 50"
    create_images.main(words.split())
    ((source, out, options),) = called
    assert (source.options, out) == ({"min_likelihood": 50.0}, tmp_path)
    assert (options["size"], options["stft_db_range"]) == (32, (-60.0, 0.0))
    assert "band" not in options  # that of the data set; None would be no filter
