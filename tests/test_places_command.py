"""The commands on recordings and stores in places: the same files and figures, and no credential in what they leave."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest
from file_server import FileServer, part_dropped
from remote_places import Bucket, web_of
from small_stores import same_content

import create_images
import evaluate
import predict
import train
from pipeline.errors import EcgFusionError
from pipeline.runs.card_file import read_card

ROOT = Path(__file__).resolve().parent.parent
SIGNALS = ("--representations", "none", "--workers", "1")
NETWORK = ("-model", "gru", "-hidden_size", "4", "-epochs", "1", "-batch_size", "8", "-threads", "1")


@pytest.fixture(scope="module")
def web(synthetic_folder: Path) -> Iterator[FileServer]:
    """A web server that has the simulated recordings."""
    with web_of(synthetic_folder.parent) as server:
        yield server


@pytest.fixture(scope="module")
def stores(synthetic_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("here")
    create_images.main(["--data", str(synthetic_folder), "--out", str(folder), *SIGNALS])
    return folder


def test_stores_are_the_same_wherever_the_recordings_lie(
    synthetic_folder: Path, stores: Path, web: FileServer, bucket: Bucket, tmp_path: Path
):
    for name, address in (("s3", bucket.put_folder(synthetic_folder, "ptbxl")), ("web", f"{web.url}/ptbxl")):
        create_images.main(["--data", address, "--out", str(tmp_path / name), *SIGNALS])
        assert same_content(tmp_path / name, stores)


def test_trained_scored_and_asked_across_a_network(
    stores: Path, synthetic_folder: Path, web: FileServer, bucket: Bucket, tmp_path: Path, capsys: pytest.CaptureFixture
):
    address = bucket.put_folder(stores, "stores")
    here, there = tmp_path / "here", tmp_path / "there"
    for data, run in ((stores, here), (address, there)):
        train.main(["-data", str(data), "-path_save_model", str(run), *NETWORK])
    assert (here / "weights.safetensors").read_bytes() == (there / "weights.safetensors").read_bytes()
    assert read_card(there).data.folder == address
    with web_of(stores) as server:
        evaluate.main(["-run", str(there), "-data", server.url, "-threads", "1"])
    evaluate.main(["-run", str(here), "-threads", "1"])
    scores = [np.load(run / "evaluation" / "test" / "scores.npz")["scores"] for run in (here, there)]
    np.testing.assert_array_equal(*scores)
    capsys.readouterr()
    bucket.put_folder(synthetic_folder, "ptbxl")
    name = "records100/00000/00001_lr"
    words = [f"s3://ecg/ptbxl/{name}", f"{web.url}/ptbxl/{name}.dat", str(synthetic_folder / f"{name}.hea")]
    predict.main([*words, "-run", str(there), "-json", "-threads", "1"])
    answers = json.loads(capsys.readouterr().out)
    assert [each["file"] for each in answers] == words
    assert answers[0]["probabilities"] == answers[1]["probabilities"] == answers[2]["probabilities"]
    for path in (file for folder in (here, there) for file in folder.rglob("*") if file.is_file()):
        for secret in (os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]):
            assert secret.encode() not in path.read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["create_images.py", "--data", "s3://ecg/ptbxl", "--out", "s3://ecg/out"],
            "s3://ecg/out is read and never wri",
        ),
        (["create_images.py", "--data", "ftp://ecg/ptbxl"], "ftp:// is no address that is read: give a folder, s3://"),
        (["create_images.py", "--data", "https://me:hunter2@example.org/d"], "bears a name or a password"),
        (["create_images.py", "--data=https://example.org/d?sig=hunter2"], "goes on behind ? or #, and a signed one"),
        (["create_images.py", "--data", "s3://ecg/ptbxl", "--check"], "--check reads every file: copy s3://ecg/ptbxl"),
        (["train.py", "-model", "gru", "-data", "s3://me:hunter2@ecg/d"], "bears a name or a password"),
        (["train.py", "-model", "gru", "-path_save_model", "s3://ecg/run"], "s3://ecg/run is read and never written"),
        (["evaluate.py", "-run", "gs://ecg/run"], "gs://ecg/run is read and never written"),
        (["predict.py", "https://me:hunter2@example.org/a.hea"], "bears a name or a password"),
    ],
)
def test_what_is_not_done_is_a_sentence(words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    main = {"create_images.py": create_images, "train.py": train, "evaluate.py": evaluate, "predict.py": predict}
    with pytest.raises(EcgFusionError) as refused:
        main[words[0]].main(words[1:])
    assert said in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_recipe_bears_no_password_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("recipe.toml").write_text('model = "gru"\ndata = "https://me:hunter2@example.org/d"\n')
    with pytest.raises(EcgFusionError, match="bears a name or a password") as refused:
        train.main(["-config", "recipe.toml"])
    assert "hunter2" not in str(refused.value)


def test_who_goes_on_after_a_server_has_dropped_has_the_same_stores(
    synthetic_folder: Path, stores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with web_of(synthetic_folder.parent) as server:
        words = ["--data", f"{server.url}/ptbxl", "--out", str(tmp_path), *SIGNALS]
        server.faults["ptbxl/records100/00000/00020_lr.dat"] = repeat(part_dropped)
        with pytest.raises(EcgFusionError, match=r"00020_lr\.dat broke off while it was read: check the network and"):
            create_images.main(words)
        server.faults.clear()
        create_images.main(words)
    assert same_content(tmp_path, stores)


def test_a_command_ends_in_one_sentence_and_no_traceback(tmp_path: Path):
    words = [sys.executable, str(ROOT / "create_images.py"), "--data", "http://127.0.0.1:9/d", "--out", str(tmp_path)]
    ended = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "NO_PROXY": "127.0.0.1"})
    assert ended.returncode == 1
    assert ended.stderr == (
        "create_images.py: there is no answer from 127.0.0.1:9: check its name and the network, and give the same "
        "command again\n"
    )
