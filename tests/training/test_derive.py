"""Runs of another's weights: another task, half the bytes; what cannot be made so is refused and leaves nothing."""

from pathlib import Path

import numpy as np
import pytest
import torch
from cards import card_json
from safetensors.torch import load_file

import evaluate
import train
from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import load_scores
from pipeline.runs.card import DEV_SCORES, WEIGHTS
from pipeline.runs.card_file import read_card
from pipeline.scoring.partition import score_partition
from pipeline.training import derive

GRU = "-model gru -hidden_size 4 -n_layers 1 -leads I II -crop 0.5 -epochs 1 -threads 1"

pytestmark = pytest.mark.usefixtures("cpu_as_before", "workplace")


def trained(words: str, folder: str = "run") -> Path:
    train.main([*words.split(), "-path_save_model", f"runs/{folder}"])
    return Path("runs") / folder


def derived(run: Path, words: str, folder: str = "derived") -> Path:
    derive.main(["-run", str(run), *words.split(), "-path_save_model", f"runs/{folder}", "-threads", "1"])
    return Path("runs") / folder


def test_a_run_of_all_statements_answers_superclasses_as_noisy_or_over_them(store):
    run = trained(f"{GRU} -task all")
    new = derived(run, "-task superdiagnostic")
    assert (load_file(run / WEIGHTS)["head.weight"] == load_file(new / WEIGHTS)["head.weight"]).all()
    card = read_card(new)
    assert card.learnt is not None
    assert (card.learnt.tasks, card.learnt.chosen_on) == (("all",), "all")
    assert card.classes == store.task("superdiagnostic").classes
    assert card.data.n_dev_items == len(load_scores(new / DEV_SCORES).item_id)
    # each crop's noisy-or is at least the likeliest statement, and so is the mean over crops
    of_all, of_super = (score_partition(each, None, "test", threads=1) for each in (run, new))
    rows = [list(of_all.item_id).index(item) for item in of_super.item_id]
    for number, name in enumerate(card.classes):
        codes = [of_all.classes.index(code) for code in store.task("superdiagnostic").made_of[name]]
        assert (of_super.scores[:, number] >= of_all.scores[rows][:, codes].max(1) - 1e-6).all()
    evaluate.main(["-run", str(new), "-resamples", "0"])
    plain = trained(f"{GRU} -task superdiagnostic", "plain")
    trained(f"-model late -combine mean -branches {new} {plain}", "late")


def test_a_derived_run_answers_on_and_comes_back():
    run = trained(f"{GRU} -task superdiagnostic -learn all superdiagnostic")
    rhythm = derived(run, "-task rhythm", "rhythm")
    assert card_json(rhythm)["learnt"]["chosen_on"] == "superdiagnostic"
    back = derived(rhythm, "-task superdiagnostic", "back")
    np.testing.assert_array_equal(load_scores(back / DEV_SCORES).scores, load_scores(run / DEV_SCORES).scores)
    assert card_json(back)["learnt"]["readings"] == card_json(run)["learnt"]["readings"]
    alone = trained(f"{GRU} -task all -limit 20", "all")
    assert "learnt" not in card_json(derived(derived(alone, "-task form", "form"), "-task all", "again"))


def test_crops_that_lie_otherwise_are_those_of_a_training_with_that_stride():
    run = trained(f"{GRU} -task superdiagnostic")
    new = derived(run, "-stride 0.1")
    assert read_card(new).spec.stride == 0.1
    as_trained = trained(f"{GRU} -task superdiagnostic -stride 0.1", "as_trained")
    # the epoch's figure on dev is of its own crops, and one epoch leaves nothing to choose
    ours, theirs = (score_partition(each, None, "test", threads=1).scores for each in (new, as_trained))
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(load_scores(new / DEV_SCORES).scores, load_scores(as_trained / DEV_SCORES).scores)
    assert (ours != score_partition(run, None, "test", threads=1).scores).any()


@pytest.mark.parametrize(
    ("how", "stride", "sentence"),
    [
        ("-crop 0.5", "0.001", "is less than a sample at 100 Hz: give at least 0.01"),
        ("-crop 0.5", "0.6", "is longer than crops of 0.5 s, so that parts would never be scored"),
        ("", "0.5", "sees no crops, and -stride is the step between them"),
    ],
)
def test_crops_that_cannot_lie_so_are_refused(how, stride, sentence):
    run = trained(f"-model cnn_lstm -leads I {how} -epochs 1 -threads 1")
    with pytest.raises(EcgFusionError, match=sentence):
        derived(run, f"-stride {stride}")
    assert not Path("runs/derived").exists()


def test_half_precision_is_half_the_bytes_and_answers_nearly_the_same():
    run = trained(f"{GRU} -task superdiagnostic")
    new = derived(run, "-half")
    whole, half = load_file(run / WEIGHTS), load_file(new / WEIGHTS)
    assert {tensor.dtype for tensor in half.values()} == {torch.float16}
    for name, tensor in whole.items():
        torch.testing.assert_close(half[name].float(), tensor, atol=2e-7, rtol=2**-11)
    one, other = (score_partition(each, None, "test", threads=1).scores for each in (run, new))
    np.testing.assert_allclose(one, other, atol=2e-3)
    np.testing.assert_allclose(
        load_scores(new / DEV_SCORES).scores, score_partition(new, None, "dev", threads=1).scores
    )
    begun = read_card(trained(f"{GRU} -task superdiagnostic -init {new}", "begun"))
    assert begun.init is not None
    assert not begun.init.fresh


@pytest.mark.parametrize("value", [1e6, 1e-9, float("inf"), float("nan")])
def test_numbers_that_half_precision_does_not_hold_stay_whole(value: float):
    tensor = torch.tensor([1.0, value])
    kept = derive.halved(tensor)
    assert kept.dtype == (torch.float16 if value == 1e-9 else torch.float32)
    whole = torch.tensor([3, 4])
    assert derive.halved(whole) is whole


def test_its_calibration_is_fitted_anew():
    run = trained(f"{GRU} -task all -calibrate")
    card = read_card(derived(run, "-task form"))
    assert card.calibration is not None
    assert set(card.calibration.temperatures or ()) == set(card.classes)


@pytest.mark.parametrize(
    ("made", "words", "what"),
    [
        ("-task form", "", "what is to be another"),
        ("-task form", "-task superdiagnostic", "learn superdiagnostic or all too"),
        ("-task form", "-task nothing", "has no task nothing"),
        ("-task form -kfold 2 -limit 20", "-half", "is a k-fold run, of 2 networks"),
    ],
)
def test_what_cannot_be_made_is_refused_and_leaves_nothing(made: str, words: str, what: str):
    run = trained(f"{GRU} {made}")
    with pytest.raises(EcgFusionError, match=what):
        derived(run, words)
    assert not Path("runs/derived").exists()


def test_one_that_was_stopped_is_made_by_the_same_command(monkeypatch: pytest.MonkeyPatch):
    run = trained(f"{GRU} -task superdiagnostic")

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("pipeline.scoring.partition.scores_of", stop)
        with pytest.raises(KeyboardInterrupt):
            derived(run, "-half")
    assert read_card(derived(run, "-half")).complete


def test_nothing_is_overwritten():
    run = trained(f"{GRU} -task form")
    with pytest.raises(EcgFusionError, match="holds a run already"):
        derive.main(["-run", str(run), "-half", "-path_save_model", str(run)])
