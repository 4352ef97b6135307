"""Torchvision's weights in a training: read where it begins, and never again."""

import hashlib
from pathlib import Path

import pytest
import torch
from cards import card_json
from torchvision import models as theirs

import evaluate
import train
from pipeline.errors import EcgFusionError
from pipeline.runs.build import build_network
from pipeline.runs.card import RESUME, read_card
from pipeline.runs.load import load_run
from pipeline.training import loop

pytestmark = pytest.mark.usefixtures("cpu_as_before")

NAME = "shufflenet_v2_x0_5"
WORDS = f"-model torchvision:{NAME} -pretrained -epochs 2 -batch_size 8 -threads 1"
FOLDER = Path("runs") / f"torchvision-{NAME}"


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_store_folder: Path) -> Path:
    """Weights in torchvision's cache, and a folder with stores where the commands are typed."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ptbxl-images").symlink_to(small_store_folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    checkpoints = tmp_path / "cache" / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    torch.manual_seed(3)
    torch.save(theirs.get_model(NAME).state_dict(), checkpoints / "new")
    digest = hashlib.sha256((checkpoints / "new").read_bytes()).hexdigest()
    file = (checkpoints / "new").rename(checkpoints / f"{NAME}-{digest[:8]}.pth")
    # nobody listens at port 9, so what is not in the cache is nowhere
    monkeypatch.setattr(theirs.get_model_weights(NAME).DEFAULT.value, "url", f"http://127.0.0.1:9/{file.name}")
    return file


def type_train(words: str) -> None:
    train.main(words.split())


def test_a_training_starts_from_the_weights(cached: Path, monkeypatch: pytest.MonkeyPatch):
    seen = []
    fit = loop.fit

    def look(learner, *arguments):
        seen.append({name: tensor.clone() for name, tensor in learner.network.state_dict().items()})
        return fit(learner, *arguments)

    monkeypatch.setattr("pipeline.training.network.fit", look)
    type_train(f"{WORDS} -epochs 1")
    expected = torch.load(cached, weights_only=True)
    assert torch.equal(seen[0]["body.1.conv5.0.weight"], expected["conv5.0.weight"])
    first = seen[0]["body.1.conv1.0.weight"]  # of 3 leads in 4 forms
    torch.testing.assert_close(first, expected["conv1.0.weight"].mean(1, keepdim=True).expand(-1, 12, -1, -1) / 4)
    assert card_json(FOLDER)["options"] == {"pretrained": True}


def test_a_finished_run_needs_neither_cache_nor_network(cached: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    type_train(f"{WORDS} -epochs 1")
    cached.unlink()
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", None)
    weights = load_run(FOLDER).network.state_dict()
    assert not torch.equal(weights["head.weight"], build_network(read_card(FOLDER)).head.weight)
    evaluate.main(["-threads", "1"])
    assert f"run {FOLDER}, partition test" in capsys.readouterr().out


def test_a_training_that_goes_on_needs_them_no_more(cached: Path, monkeypatch: pytest.MonkeyPatch):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    type_train(f"{WORDS} -path_save_model runs/whole")
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.training.network.finish", stop)
        with pytest.raises(KeyboardInterrupt):
            type_train(WORDS)
    assert (FOLDER / RESUME).exists()
    cached.unlink()
    type_train(f"-resume -path_save_model {FOLDER}")
    whole, resumed = load_run(Path("runs/whole")).network, load_run(FOLDER).network
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_without_the_weights_nothing_is_begun(cached: Path):
    cached.unlink()
    with pytest.raises(
        EcgFusionError, match=r"could not be downloaded .*: put a whole copy at .*, or leave -pretrained out"
    ):
        type_train(WORDS)
    assert not FOLDER.exists()
    type_train(WORDS.replace("-pretrained", ""))
    assert card_json(FOLDER)["options"] == {}


def test_a_resumed_run_keeps_its_choice(cached: Path, monkeypatch: pytest.MonkeyPatch):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.training.network.finish", stop)
    with pytest.raises(KeyboardInterrupt):
        type_train(WORDS.replace("-pretrained", ""))
    with pytest.raises(EcgFusionError, match="begun with -pretrained left out, not True"):
        type_train(f"-resume -path_save_model {FOLDER} -pretrained")
