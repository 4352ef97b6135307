"""Fusions that cannot be: each refusal is one sentence, and leaves nothing behind."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cards import card_json, sealed_anew, write_json
from small_stores import as_partition, sum_anew

import train
from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import save_scores
from pipeline.runs.card import BRANCHES, CARD, DEV_SCORES, OUT_OF_FOLD_SCORES, WEIGHTS
from pipeline.runs.card_file import read_card
from pipeline.scoring.partition import as_scores, score_partition
from pipeline.store.reading import Store, open_store

pytestmark = pytest.mark.usefixtures("cpu_as_before")

MEAN = "-model late -combine mean"
GATED = "-model intermediate -combine gated"
SVM = "-model intermediate -combine svm"


def refused(sentence: str, words: str, branches: list[Path], folder: Path) -> None:
    """The command ends with the sentence, and the folder of the run is not there."""
    named = ["-branches", *map(str, branches)] if branches else []
    with pytest.raises(EcgFusionError, match=sentence) as problem:
        train.main([*words.split(), *named, "-path_save_model", str(folder)])
    assert "\n" not in str(problem.value)
    assert not folder.exists()


def changed(run: Path, folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """A copy of a run whose card says something else."""
    card = card_json(shutil.copytree(run, folder) and folder)
    change(card)
    write_json(folder, card)
    return folder


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("-model late", "how are the branches to be fused\\? give -combine with one of mean, mlp, stacking, weighted"),
        ("-model intermediate", "-combine with one of attention, concat, gated, mamil, modules, svm"),
        ("-model late -combine meen", "no fusion is named 'meen'; .*mean"),
        ("-model late -combine gated", "-combine gated is of -model intermediate; late has mean"),
        ("-model intermediate -combine stacking", "-combine stacking is of -model late; intermediate has attention"),
        (f"{MEAN} -epochs 3", "-epochs does nothing in late fusion by mean: leave it out"),
        ("-model late -combine weighted -epochs 3", "-epochs does nothing in late fusion by weighted"),
        ("-model late -combine stacking -epochs 3", "-epochs does nothing in late fusion by stacking"),
        ("-model late -combine stacking -batch_size 8", "-batch_size does nothing in late fusion by stacking"),
        ("-model late -combine mlp -patience 3", "-patience does nothing in late fusion by mlp"),
        (f"{MEAN} -seed 1", "-seed does nothing in late fusion by mean"),
        (f"{MEAN} -fit_on dev", "-fit_on does nothing in late fusion by mean"),
        (f"{MEAN} -finetune", "-finetune does nothing in late fusion by mean"),
        (f"{MEAN} -leads I", "-leads does nothing in late"),
        (f"{MEAN} -task disease", "-task does nothing in late"),
        (f"{GATED} -crop 2.5", "-crop does nothing in intermediate fusion by gated"),
        (f"{GATED} -size 32", "-size does nothing in intermediate"),
        (f"{GATED} -representation stft", "-representation does nothing in intermediate"),
        (f"{GATED} -max_tokens 4", "-max_tokens does nothing in intermediate fusion by gated"),
        (f"{GATED} -fuse_on logits", "-fuse_on does nothing in intermediate"),
        (
            f"{GATED} -branch_learning_rate 1e-3",
            "-branch_learning_rate is for branches that are trained on: give -fine",
        ),
        (f"{GATED} -momentum 0.5", "-momentum is for -optimizer sgd or sgdw: give one of them too, or leave it out"),
        (f"{SVM} -epochs 3", "-epochs does nothing in intermediate fusion by svm: leave it out"),
        (f"{SVM} -finetune", "-finetune does nothing in intermediate fusion by svm"),
        (f"{SVM} -auxiliary 0.1", "-auxiliary does nothing in intermediate fusion by svm"),
        (f"{SVM} -hidden_size 8", "-hidden_size does nothing in intermediate fusion by svm"),
        (f"{SVM} -fit_on dev", "-fit_on dev is for -model late, and an intermediate fusion is fitted on training"),
        (f"{SVM} -fit_on out_of_fold -seed 1", "wang has no features out of fold: train it with -kfold"),
        (f"{SVM} -set C=0", "C is 0.0; it must be a number above 0, at most 1e\\+06: choose another -C$"),
        (f"{SVM} -set C=1e9", "C is 1000000000.0; it must be a number above 0"),
        (f"{SVM} -set C={10**20}", "C is 10+; it must be a number above 0"),
        (f"{SVM} -set C=nan", "C of fusion 'svm' is nan; it is a number: choose another -C$"),
        (f"{SVM} -set C=true", "C of fusion 'svm' is True; it is a number: choose another -C$"),
        (f"{SVM} -set C=rbf", "C of fusion 'svm' is 'rbf'; it is a number: choose another -C$"),
        (f"{SVM} -set gamma=2", "fusion 'svm' .*gamma"),
        (f"{GATED} -branch_dropout 2", "branch_dropout is 2.0; .* from 0 to 1: choose another -branch_dropout$"),
        (f"{GATED} -hidden_size 1", "hidden_size is 1; a fusion needs 2 or more: choose another -hidden_size$"),
        (f"{GATED} -auxiliary -1", "-auxiliary -1.0 does not work: take a number of at least 0"),
        (
            "-model intermediate -combine attention -n_heads 3",
            "n_heads is 3; it must divide hidden_size, 256: choose another -n_heads$",
        ),
        (
            "-model intermediate -combine attention -n_heads 3 -hidden_size 16",
            "n_heads is 3; it must divide hidden_size, 16: choose another -n_heads or -hidden_size$",
        ),
        (f"{MEAN} -kfold 2", "-kfold is for networks, not for -model late: train the branches with -kfold"),
        (
            "-model late -combine stacking -fit_on out_of_fold",
            "has no out-of-fold scores: train it with -kfold, or fit",
        ),
        (
            "-model late -combine weighted -fit_on out_of_fold -seed 1",
            "-seed draws the folds that -fit_on dev fits weighted on, and -fit_on out_of_fold draws none: leave one",
        ),
        ("-model late -combine stacking -fit_on out_of_fold -seed 0", "-seed draws the folds that -fit_on dev"),
        ("-model late -combine mlp -fit_on out_of_fold -seed 1", "has no out-of-fold scores"),
        ("-model gru", "-branches is for fusions \\(-model late or intermediate\\), not gru: leave it out"),
    ],
)
def test_options_that_do_not_fit(words, sentence, runs, tmp_path):
    refused(sentence, words, [runs["wang"], runs["stft"]], tmp_path / "run")


def test_what_is_refused_is_not_warned_of_first(runs, tmp_path, capsys):
    words = f"{MEAN} -gpu_id 0"
    refused("-gpu_id does nothing in late fusion by mean", words, [runs["wang"], runs["stft"]], tmp_path / "run")
    assert capsys.readouterr().err == ""


def test_branches_are_two_or_more(runs, tmp_path):
    refused("-model late fuses runs: name them with -branches RUN RUN", MEAN, [], tmp_path / "run")
    refused("a fusion needs two branches or more", MEAN, [runs["wang"]], tmp_path / "run")


def test_a_run_is_given_once(runs, tmp_path):
    (tmp_path / "link").symlink_to(runs["wang"])
    refused(
        "-branches names .*link twice: give each run once", MEAN, [runs["wang"], tmp_path / "link"], tmp_path / "run"
    )


@pytest.mark.parametrize("place", [0, 1])
def test_a_missing_run_is_named(place, runs, tmp_path):
    branches = [runs["wang"]]
    branches.insert(place, tmp_path / "nowhere")
    refused("nowhere holds no run: train one", MEAN, branches, tmp_path / "run")


def test_a_file_of_a_run_is_no_run(runs, tmp_path):
    branches = [runs["wang"], runs["stft"] / WEIGHTS]
    refused(rf"stft/{WEIGHTS} is a file: name the run's folder", MEAN, branches, tmp_path / "run")


def test_a_fused_run_without_one_of_its_branches_was_not_copied_whole(runs, stores, tmp_path):
    broken, sentence = tmp_path / "broken", r"broken/branches/stft/run\.json is missing: copy the run folder again"
    train.main([*MEAN.split(), "-branches", str(runs["wang"]), str(runs["stft"]), "-path_save_model", str(broken)])
    shutil.rmtree(broken / BRANCHES / "stft")
    refused(sentence, MEAN, [broken, runs["gru"]], tmp_path / "run")
    with pytest.raises(EcgFusionError, match=sentence):
        score_partition(broken, stores, "test")


def test_an_unfinished_run_is_named(runs, tmp_path):
    begun = changed(runs["gru"], tmp_path / "begun", lambda card: card.update(complete=False))
    refused("begun is not finished: go on with", MEAN, [runs["wang"], begun], tmp_path / "run")


@pytest.mark.parametrize(
    ("part", "name", "value", "sentence"),
    [
        (
            None,
            "task",
            "superdiagnostic",
            "the branches differ in their task: .*wang has disease, .* or make one that ans",
        ),
        (None, "classes", ["STTC", "MI", "CD", "HYP"], "the branches differ in their classes"),
        ("data", "folds", {"train": [1], "dev": [2], "test": [3]}, "the branches differ in their folds"),
        ("data", "band", [1, 30], "the branches differ in their band: .* has \\(1.0, 30.0\\); train both alike$"),
        ("data", "source", "mimic", "the branches differ in their source"),
        ("data", "min_likelihood", 50, "the branches differ in their minimal likelihood: .*wang has 0.*other has 50"),
        ("input", "sampling_rate", 500, "the branches differ in their sampling rate"),
        ("input", "gain", 7, "the branches differ in their gain"),
    ],
)
def test_what_branches_have_in_common(part, name, value, sentence, runs, tmp_path):
    def change(card: dict[str, Any]) -> None:
        (card[part] if part else card)[name] = value

    other = changed(runs["gru"], tmp_path / "other", change)
    refused(sentence, MEAN, [runs["wang"], other], tmp_path / "run")


def test_pictures_that_the_first_branchs_store_has_not_are_named_with_where_they_may_be(runs, tmp_path):
    """The leads of the images are not spoken of: their signals are there."""

    def takes_stored(card: dict[str, Any]) -> None:
        card["input"] |= {"on_the_fly": False, "crop": None, "stride": None}

    images = changed(runs["stft"], tmp_path / "images", takes_stored)
    sentence = r"train\.h5 holds no stft: .*or name one that has it with -data \(signals of all leads are in it, too\)"
    refused(sentence, MEAN, [runs["wang"], images], tmp_path / "run")


def test_crops_of_unequal_length_are_not_trained_on_together(runs, tmp_path):
    sentence = "wang sees crops of 2.5 s and .*{} {}, so they cannot be trained on together"
    for name, crops in (("gru", "crops of 0.5 s"), ("whole", "whole items")):
        refused(sentence.format(name, crops), f"{GATED} -finetune", [runs["wang"], runs[name]], tmp_path / "run")


@pytest.mark.parametrize("kind", ["fused", "members"])
def test_intermediate_fusion_is_of_single_networks(kind, runs, stores, tmp_path):
    several = tmp_path / kind
    if kind == "fused":
        words = f"{MEAN} -branches {runs['whole']} {runs['stft']}"
    else:
        words = (
            f"-model gru -hidden_size 2 -n_layers 1 -leads I -crop 0.5 -stride 0.5 -epochs 1 -kfold 2 -data {stores}"
        )
    train.main([*words.split(), "-path_save_model", str(several)])
    sentence = f"{kind} consists of several networks, and -model intermediate fuses what single ones see"
    refused(sentence, GATED, [runs["wang"], several], tmp_path / "run")


def answer_alike(run: Path, file: str, store: Store, part: slice = slice(None)) -> None:
    """Puts scores into a run that say the same of each labelled item of a store, or of some of these."""
    n_classes, rows = len(store.task("disease").classes), np.flatnonzero(store.task("disease").labelled)[part]
    save_scores(run / file, as_scores(np.full((len(rows), n_classes), 1 / n_classes), store, "disease", rows))
    if not read_card(run).kfold:
        sealed_anew(run)


@pytest.mark.parametrize("words", [MEAN, "-model late -combine stacking"])
def test_a_branch_without_its_dev_scores_was_not_copied_whole(words, runs, tmp_path):
    branches = [runs["wang"], shutil.copytree(runs["stft"], tmp_path / "half")]
    (tmp_path / "half" / DEV_SCORES).unlink()
    refused(r"half/dev_scores\.npz is missing: copy the run folder again", words, branches, tmp_path / "run")


@pytest.mark.parametrize("words", [MEAN, "-model late -combine stacking", GATED])
@pytest.mark.parametrize("name", [WEIGHTS, DEV_SCORES])
def test_a_branch_whose_files_are_another_runs_is_named(words, name, runs, tmp_path):
    """Before the folder is there, though nothing but scores is read."""
    branches = [runs["wang"], shutil.copytree(runs["wang-1"], tmp_path / "other")]
    shutil.copy(runs["wang"] / name, tmp_path / "other" / name)
    refused(rf"other/{name} is damaged or of another (run|network): copy the run", words, branches, tmp_path / "run")


@pytest.mark.parametrize("words", [MEAN, "-model late -combine weighted"])
def test_a_branch_of_other_dev_records_is_named(words, runs, stores, tmp_path):
    fewer = shutil.copytree(runs["stft"], tmp_path / "fewer")
    answer_alike(fewer, DEV_SCORES, open_store(stores / "dev.h5"), slice(3, None))
    sentence = r"3 items, .* are in one of .*dev\.h5 and .*fewer/dev_scores\.npz only: train .*fewer on the same store$"
    refused(sentence, words, [runs["wang"], fewer], tmp_path / "run")


@pytest.mark.parametrize(("limit", "remedy"), [(100, "without -limit"), (None, "on the same store")])
def test_out_of_fold_scores_are_of_all_training_items(limit, remedy, runs, stores, tmp_path):
    def limited(card: dict[str, Any]) -> None:
        card["kfold"] = 2
        card["data"]["limit"] = limit

    branches, store = [], open_store(stores / "train.h5")
    for name, part in (("whole", slice(None)), ("part", slice(100))):
        branches.append(changed(runs["gru"], tmp_path / name, limited))
        answer_alike(branches[-1], OUT_OF_FOLD_SCORES, store, part)
    sentence = rf"items, .* are in one of .*train\.h5 and .*part/out_of_fold_scores\.npz only: train .*part {remedy}$"
    refused(sentence, "-model late -combine weighted -fit_on out_of_fold", branches, tmp_path / "run")


def test_labels_that_a_branch_was_not_trained_with_are_refused(runs, stores, tmp_path):
    dev = open_store(stores / "dev.h5")
    labels = dev.task("disease")
    values = labels.values.copy()
    values[np.flatnonzero(labels.labelled)[7]] ^= 1
    others = replace(dev, labels={"disease": replace(labels, values=values)})
    other = shutil.copytree(runs["stft"], tmp_path / "other")
    answer_alike(other, DEV_SCORES, others)
    sentence = r"disagree about the labels of 1 items, .* first: train .*other on the same store$"
    refused(sentence, MEAN, [runs["wang"], other], tmp_path / "run")


@pytest.mark.parametrize("others", [0, 1])
def test_stacking_is_fitted_on_more_than_one_class(others, runs, stores, tmp_path):
    """If one patient alone has another class, there is one class again where that patient is left out."""
    for name in ("train", "dev"):
        path = Path(shutil.copy(stores / f"{name}.h5", tmp_path))
        with h5py.File(path, "r+") as file:
            values = file["labels/disease"]
            right = np.arange(len(values)) % 4 if name == "train" else np.arange(len(values)) < others
            values[:] = np.eye(4, dtype=np.uint8)[right.astype(int)]
            values.attrs["kind"] = "multiclass"
            sum_anew(file)
    store, branches = open_store(tmp_path / "dev.h5"), []
    for name in ("wang", "gru"):
        branches.append(
            changed(runs[name], tmp_path / name, lambda card: card.update(kind="multiclass", thresholds=None))
        )
        answer_alike(branches[-1], DEV_SCORES, store)
    words = f"-model late -combine stacking -data {tmp_path}"
    refused("all items to fit it on have one class: take -combine mean", words, branches, tmp_path / "run")


@pytest.mark.parametrize("words", ["-model late -combine stacking", GATED])
def test_nothing_is_fitted_on_items_that_a_branch_was_trained_on(words, runs, stores, tmp_path):
    (tmp_path / "stores").mkdir()
    for name in ("train", "dev"):
        as_partition(stores / "train.h5", tmp_path / "stores" / f"{name}.h5")
    sentence = r"dev\.h5 holds fold 1, which .*wang was trained on: choose a store of other folds .*--folds"
    branches = [runs["wang"], runs["stft"]]
    refused(sentence, f"{words} -data {tmp_path / 'stores'}", branches, tmp_path / "run")


def test_a_fusion_is_made_where_no_run_is(runs, tmp_path):
    run = changed(runs["gru"], tmp_path / "run", lambda _: None)
    before = (run / CARD).read_bytes()
    with pytest.raises(EcgFusionError, match="run holds a finished run"):
        train.main([*MEAN.split(), "-branches", str(runs["wang"]), str(runs["stft"]), "-path_save_model", str(run)])
    assert (run / CARD).read_bytes() == before
