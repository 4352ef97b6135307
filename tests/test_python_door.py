"""The library from Python, quiet, in a notebook: the ten lines of the README."""

import subprocess
import sys
from pathlib import Path

import pytest

import pipeline
from pipeline import compare, create_stores, evaluate, load_run, open_source, open_store, train
from pipeline.errors import EcgFusionError


@pytest.mark.usefixtures("cpu_as_before")
def test_the_ten_lines(synthetic_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd):
    monkeypatch.chdir(tmp_path)
    source = open_source("ptbxl", synthetic_folder)
    stores = create_stores(source, "data/signals", representations="none", workers=1)
    run = train(model="gru", hidden_size=4, n_layers=1, crop=2.5, epochs=1, threads=1, data="data/signals")
    again = train(
        model="gru", hidden_size=4, n_layers=1, crop=2.5, epochs=1, threads=1, data="data/signals", seed=1,
        path_save_model="runs/again",
    )  # fmt: skip
    test = evaluate(run, resamples=40)
    both = compare([run, "runs/again"], resamples=40)
    x, y, item_id = open_store("data/signals/test.h5").dataset("disease")[0]
    found = load_run("runs/gru").predict(x.numpy(), sampling_rate=100, leads=open_store(stores[-1]).leads)
    assert [path.name for path in stores] == ["train.h5", "dev.h5", "test.h5"]
    assert run.folder == Path("runs/gru")
    assert set(both.models) == {"gru", "again"} == {run.folder.name, again.folder.name}
    assert 0 <= test.macro.figures["auroc"] <= 1
    assert tuple(found) == run.card.classes
    assert (x.shape, y.shape, item_id[:1]) == ((12, 1000), (4,), item_id[:1])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: train(model="gru", lerning_rate=9.0), "there is no option lerning_rate: did you mean learning_rate"),
        (lambda: evaluate("runs/nowhere"), "holds no run"),
        (lambda: evaluate("runs/nowhere", partition="tset"), "there is no partition tset"),
        (lambda: open_store("nowhere.h5"), "there is no nowhere.h5: make it with"),
        (lambda: load_run("nowhere"), "nowhere holds no run: train one"),
    ],
)
def test_what_is_refused_is_the_commands_sentence(call, sentence: str, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EcgFusionError, match=sentence):
        call()


def test_the_door_opens_at_once_and_has_what_it_says():
    code = "import sys, pipeline; dir(pipeline); sys.exit(len({'torch', 'numpy', 'pandas'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    for name in pipeline.__all__:
        assert getattr(pipeline, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = pipeline.trian
