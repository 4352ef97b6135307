"""Augmentation is for the training step alone: it is learnt with, repeated exactly, and never scored with."""

from pathlib import Path

import numpy as np
import pytest
from smaller_networks import one_of_each_family, smaller

import train
from models import create_model, describe_fusion, describe_model, list_fusions
from pipeline.errors import EcgFusionError
from pipeline.runs.card_file import read_card
from pipeline.scoring.partition import score_partition
from pipeline.signals.augmentations import AUGMENTATIONS

CHANGED = f"-augment {' '.join(AUGMENTATIONS)}"
GRU = "-model gru -hidden_size 4 -n_layers 1 -leads I II -crop 0.5 -epochs 1 -threads 1"

pytestmark = pytest.mark.usefixtures("cpu_as_before", "workplace")


def trained(words: str, folder: str) -> Path:
    train.main([*words.split(), "-path_save_model", f"runs/{folder}"])
    return Path("runs") / folder


def scored_twice(run: Path) -> None:
    first, second = (score_partition(run, None, "test", threads=1).scores for _ in range(2))
    np.testing.assert_array_equal(first, second)
    alone = score_partition(run, None, "test", batch_size=1, threads=1).scores
    np.testing.assert_allclose(alone, first, atol=1e-5)


def test_a_training_learns_from_changed_signals_and_can_be_repeated():
    plain, changed, again = (trained(f"{GRU} {how}", str(n)) for n, how in enumerate(("", CHANGED, CHANGED)))
    weights = [(run / "weights.safetensors").read_bytes() for run in (plain, changed, again)]
    assert weights[0] != weights[1] == weights[2]
    assert read_card(changed).training.augment == tuple(AUGMENTATIONS)
    assert read_card(plain).training.augment is None


def test_names_that_others_use_are_taken():
    run = trained(f"{GRU} -augment noise wander scale lead_dropout time_mask -mixup 0.2 -ema 0.99 -loss bce", "others")
    training = read_card(run).training
    assert training.augment == ("noise", "wander", "scaling", "lead_dropout", "time_mask")
    assert (training.mixup, training.ema, training.loss) == (0.2, 0.99, "bce")


@pytest.mark.parametrize("model", one_of_each_family())
def test_scoring_knows_nothing_of_it(model: str):
    entry = describe_model(model)
    if entry.modality == "image":
        how = "-representation rp -leads II -crop 2.5 -stride 2.5 -size 80"
    else:
        crop = max(50, create_model(model, in_channels=2, n_classes=4).smallest_size) / 100  # s at 100 Hz
        how = (
            f"-leads I II -crop {crop} -stride {crop}"
            + " -set n_beats=1" * ("n_beats" in entry.options)
            + smaller(model)
        )
    small = f"-model {model} {how} -limit 6 -batch_size 3 -epochs 1 -threads 1 {CHANGED}"
    scored_twice(trained(small, "run"))


@pytest.fixture(scope="module")
def branches(small_store_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two runs. Do not write into them."""
    folder = tmp_path_factory.mktemp("branches")
    for seed in (0, 1):
        words = f"{GRU} {CHANGED} -seed {seed} -data {small_store_folder} -path_save_model {folder / str(seed)}"
        train.main(words.split())
    return f"{folder / '0'} {folder / '1'}"


@pytest.mark.parametrize("combine", list_fusions("late"))
def test_a_late_fusion_scores_alike(branches: str, combine: str):
    epochs = "-epochs 1 -threads 1" if combine == "mlp" else ""
    scored_twice(trained(f"-model late -combine {combine} -branches {branches} {epochs}", "fused"))


@pytest.mark.parametrize("finetune", ["", "-finetune"])
@pytest.mark.parametrize("combine", list_fusions("intermediate"))
def test_an_intermediate_fusion_scores_alike(branches: str, combine: str, finetune: str):
    how = f"-hidden_size 8 -epochs 1 {finetune}"
    if describe_fusion(combine).fitting != "gradient":
        if finetune:
            pytest.skip(f"{combine} has no gradient to train its branches on with")
        how = ""
    scored_twice(trained(f"-model intermediate -combine {combine} -branches {branches} -threads 1 {how}", "fused"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (f"{GRU} -augment nois", "-augment: There is no augmentation 'nois': choose from noise"),
        (f"{GRU} -augment noise noise", "-augment: The augmentations noise noise name one twice"),
        (
            "-model resnet -augment noise",
            "-augment noise changes signals, and the images of resnet are stored: add -on",
        ),
    ],
)
def test_what_cannot_be_changed_is_refused(words: str, sentence: str):
    with pytest.raises(EcgFusionError, match=sentence):
        trained(words, "run")


def test_a_loss_is_learnt_by_and_kept_in_the_card():
    plain, focal = trained(GRU, "plain"), trained(f"{GRU} -loss focal", "focal")
    assert read_card(plain).training.loss is None
    assert read_card(focal).training.loss == "focal"
    assert (plain / "weights.safetensors").read_bytes() != (focal / "weights.safetensors").read_bytes()
    with pytest.raises(EcgFusionError, match="-loss: there is no loss focle: did you mean focal"):
        trained(f"{GRU} -loss focle", "run")
