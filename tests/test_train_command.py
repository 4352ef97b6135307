"""train.py as a user types it: what it says, what it writes, what it refuses."""

import csv
import json
import math
import re
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from cards import card_json, write_json
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import evaluate
import train
from models import describe_fusion, describe_model, list_fusions, list_models
from models.fusion.registry import LEVELS
from pipeline.commands.image_options import IMAGE_OPTIONS
from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import load_scores
from pipeline.fusion.plan import FUSION_OPTIONS
from pipeline.inputs import placement
from pipeline.inputs.batches import Items
from pipeline.machine.locks import locked
from pipeline.report.networks import describe_networks
from pipeline.representations import REPRESENTATIONS, ImageRecipe
from pipeline.runs.card import CARD, DEV_SCORES, LOG, RESUME, WEIGHTS
from pipeline.runs.load import load_run
from pipeline.store.reading import open_store
from pipeline.training import loop, network
from pipeline.training.options import FUSION_ONLY

pytestmark = pytest.mark.usefixtures("cpu_as_before")

SMALL = "-model gru -hidden_size 4 -crop 0.5 -epochs 2 -threads 1"


def type_train(words: str) -> None:
    train.main(words.split())


def refused(words: str, capsys) -> str:
    """What a user is told whose command does not start."""
    with pytest.raises((EcgFusionError, SystemExit)) as refusal:
        type_train(words)
    if isinstance(refusal.value, SystemExit):
        assert refusal.value.code == 2
        return capsys.readouterr().err.strip()
    return str(refusal.value)


def test_every_network_is_listed_with_size_and_paper(capsys):
    train.main(["--list_models"])
    lines = capsys.readouterr().out.split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in lines[1:-2]] == list_models()
    assert lines[-2].startswith("torchvision:NAME")
    for line in lines[1:-2]:
        name, modality, parameters = line.split()[:3]
        entry = describe_model(name)
        assert modality == entry.modality
        assert line.endswith(entry.paper)
        assert int(parameters.replace(",", "")) > 10_000


def test_every_fusion_is_listed_with_what_it_is(capsys):
    train.main(["--list_models"])
    lines = capsys.readouterr().out.split("\n\n")[1].splitlines()[1:-1]
    assert [line.split()[0] for line in lines] == list_fusions()
    for line in lines:
        name, level, summary = line.split(maxsplit=2)
        assert level == describe_fusion(name).level
        assert summary.endswith(".")


def described(section: str, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Option to description, of a section of ``--help``."""
    with pytest.raises(SystemExit):
        train.parse(["--help"])
    text = re.split(r"\n\n(?=\S)", capsys.readouterr().out.split(f"\n{section}:\n")[1])[0]
    options = re.split(r"^  --(\w+)", text, flags=re.MULTILINE)[1:]
    return {name: " ".join(rest.split()) for name, rest in zip(options[::2], options[1::2], strict=True)}


def test_the_help_on_fusions_is_true(capsys):
    of_fusions, of_networks = described("a fusion", capsys), described("the network", capsys)
    assert sorted(of_fusions) == sorted(FUSION_ONLY)
    assert set(FUSION_OPTIONS) <= {*of_fusions, *of_networks}
    for level in LEVELS:
        names = re.search(f"{level}: ([a-z ]+)", of_fusions["combine"])[1]
        assert sorted(names.split()) == list_fusions(level)
    for name in list_fusions():
        entry = describe_fusion(name)
        for option in {*of_fusions} & {*entry.options}:
            assert re.search(f"{entry.level}|{name}", of_fusions[option]), (name, option)
            assert re.search(f"(default|{name}:) {entry.options[option]}[;)]", of_fusions[option]), (name, option)


def test_the_help_names_every_task_and_representation(workplace: Path, capsys):
    seen, store = described("what the network sees", capsys), open_store(Path("data/ptbxl-images/train.h5"))
    assert re.search(r"data set\): ([a-z ]+), of ptbxl", seen["task"])[1].split() == list(store.labels)
    assert re.search("([a-z ]+), stacked", seen["representation"])[1].split() == list(REPRESENTATIONS)


def test_the_help_on_images_has_the_defaults(capsys):
    options, usual = described("how images are made", capsys), asdict(ImageRecipe())
    scales = {name: [form for form, its in usual["scale"] if its == name] for name in ("record", "fixed")}
    listed = ", ".join(f"{name} for {' and '.join(forms)}" for name, forms in scales.items())
    assert f"(default {listed})" in options.pop("scale")
    for name, text in options.items():
        value = usual[name] if isinstance(usual[name], tuple) else (usual[name],)
        written = " ".join(f"{one:g}" if isinstance(one, float) else str(one).lower() for one in value)
        assert re.search(rf"\(default {re.escape(written)}[;)]", text), (name, text)


PUBLISHED = {
    "gru": "249,732",
    "bigru": "399,620",
    "resnet": "1,494,356",
    "alexnet": "46,334,468",
    "mobilenet_v2": "2,230,724",
}


def test_the_list_has_the_published_sizes():
    sizes = {line.split()[0]: line.split()[2] for line in describe_networks().splitlines()}
    assert {name: sizes[name] for name in PUBLISHED} == PUBLISHED


def test_a_training_says_what_it_does(workplace: Path, capsys):
    type_train(SMALL)
    said = capsys.readouterr().out
    train_labels = open_store(workplace / "data/ptbxl-images/train.h5").task("disease")
    counts = train_labels.values[train_labels.labelled].sum(0)
    assert "disease (multilabel) on ptbxl" in said
    assert " ".join(f"{name} {n}" for name, n in zip(train_labels.classes, counts, strict=True)) in said
    n_parameters = sum(p.numel() for p in load_run(Path("runs/gru")).network.parameters())
    assert f"gru: {n_parameters:,} parameters, 12 leads, 50 samples, cpu" in said
    assert "optimizer adamw, learning_rate 0.002," in said
    assert "epoch 2/2: train loss" in said
    head = said.index("optimistic: chosen on these items")
    assert head < said.index("| MI ") < said.index("the run is in runs/gru")


def test_the_run_folder_is_complete(workplace: Path):
    type_train(f"{SMALL} -seed 5 -normalise record -stride 0.2")
    run, dev = workplace / "runs" / "gru", open_store(workplace / "data/ptbxl-images/dev.h5")
    card = json.loads((run / CARD).read_text())
    assert card["input"]["crop"] == 0.5
    assert card["input"]["stride"] == 0.2
    assert card["input"]["normalise"] == "record"
    assert (card["training"]["seed"], card["training"]["threads"]) == (5, 1)
    assert card["data"]["folder"] == str((workplace / "data/ptbxl-images").resolve())
    scores = load_scores(run / DEV_SCORES)
    assert scores.item_id.tolist() == dev.columns["item_id"].tolist()
    assert (scores.task, scores.classes) == ("disease", ("MI", "STTC", "CD", "HYP"))
    assert {path.name for path in run.iterdir()} == {CARD, WEIGHTS, DEV_SCORES, LOG, "tensorboard"}


def test_both_logs_say_the_same(workplace: Path):
    type_train(f"{SMALL} -epochs 3")
    with (workplace / "runs/gru" / LOG).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3]
    board = EventAccumulator(str(workplace / "runs/gru/tensorboard")).Reload()
    for name in ("train_loss", "dev_macro_auroc", "learning_rate"):
        events = board.Scalars(name)
        assert [event.step for event in events] == [1, 2, 3]
        np.testing.assert_allclose([event.value for event in events], [float(row[name]) for row in rows], rtol=1e-6)


def test_tensorboard_has_every_epoch_once_after_a_kill(workplace: Path, monkeypatch):
    """The epoch that is run again takes the place of the one that was lost."""
    stop_before_the_state_is_saved(f"{SMALL} -epochs 3", monkeypatch, epoch=2)
    type_train("-resume -path_save_model runs/gru")
    board = EventAccumulator(str(workplace / "runs/gru/tensorboard")).Reload()
    assert [event.step for event in board.Scalars("train_loss")] == [1, 2, 3]


def stop_before_the_state_is_saved(words: str, monkeypatch, epoch: int) -> None:
    saved = loop.TrainingState.save

    def save(state, path: Path) -> None:
        if state.progress.epoch == epoch:
            raise KeyboardInterrupt
        saved(state, path)

    with monkeypatch.context() as patch:
        patch.setattr(loop.TrainingState, "save", save)
        with pytest.raises(KeyboardInterrupt):
            type_train(words)


def test_drawn_pictures_train_the_same_network_as_stored_ones(workplace: Path):
    words = "-model resnet -epochs 2 -batch_size 8 -representation gaf mtf stft -leads II V2 -threads 1"
    type_train(f"{words} -path_save_model runs/stored")
    type_train(f"{words} -path_save_model runs/drawn -on_the_fly")
    for name in (WEIGHTS, DEV_SCORES):
        assert Path("runs/stored", name).read_bytes() == Path("runs/drawn", name).read_bytes()
    assert card_json(Path("runs/drawn"))["input"]["on_the_fly"]


def test_image_options_are_kept_in_the_card_and_used_in_scoring(workplace: Path, capsys):
    type_train("-model resnet -epochs 1 -threads 1 -on_the_fly -size 40 -gaf_method difference -representation gaf rp")
    kept = card_json(Path("runs/resnet"))["input"]["representations"]
    assert (kept["gaf"]["size"], kept["gaf"]["method"], kept["rp"]["size"]) == (40, "difference", 40)
    evaluate.main(["-threads", "1"])
    assert "saved in runs/resnet/evaluation/test" in capsys.readouterr().out


def test_limit_trains_on_a_sample_and_scores_all_of_dev(workplace: Path, capsys):
    type_train(f"{SMALL} -limit 10")
    assert "of train, a sample of 10 (-limit):" in capsys.readouterr().out
    card = card_json(Path("runs/gru"))
    assert (card["data"]["limit"], card["data"]["n_train_items"]) == (10, 10)
    assert card["data"]["n_dev_items"] == open_store(Path("data/ptbxl-images/dev.h5")).n_items


def test_another_task_has_its_own_classes(workplace: Path):
    type_train(f"{SMALL} -task superdiagnostic")
    card = card_json(Path("runs/gru"))
    assert card["classes"] == ["CD", "HYP", "MI", "NORM", "STTC"]
    assert card["training"]["class_weights"] is None


def test_a_gpu_that_is_not_there_is_a_warning(workplace: Path, capsys, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    type_train(f"{SMALL} -gpu_id 0")
    assert "warning: -gpu_id 0: no GPU is to be found" in capsys.readouterr().err
    assert card_json(Path("runs/gru"))["complete"]


def test_too_little_memory_names_the_batch_size(workplace: Path, capsys, monkeypatch):
    def fit(*_):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(network, "fit", fit)
    assert "the memory of cpu is too small: lower -batch_size (now 128)" in refused(SMALL, capsys)


@pytest.mark.parametrize(
    "words",
    [
        "gru -hidden_size 4",
        "resnet -nb_filters 2 -representation gaf mtf rp stft -leads II -size 32",
        "resnet -nb_filters 2 -representation leads -size 40",
    ],
)
def test_a_network_on_beats_is_trained_resumed_and_evaluated(workplace: Path, monkeypatch, words: str):
    words = f"-model {words} -beat -batch_size 8 -epochs 2 -threads 1"
    type_train(f"{words} -path_save_model runs/whole")
    stop_before_the_state_is_saved(f"{words} -path_save_model runs/beat", monkeypatch, epoch=2)
    type_train("-resume -path_save_model runs/beat")
    assert Path("runs/beat", WEIGHTS).read_bytes() == Path("runs/whole", WEIGHTS).read_bytes()
    evaluate.main(["-run", "runs/beat", "-partition", "dev", "-resamples", "0"])
    scored = load_scores(Path("runs/beat/evaluation/dev/scores.npz")).scores
    np.testing.assert_allclose(scored, load_scores(Path("runs/beat", DEV_SCORES)).scores, atol=1e-6)


def test_median_beats_are_computed_once(workplace: Path, monkeypatch):
    read, compute = [], placement._beats
    monkeypatch.setattr(placement, "_beats", lambda store, *how: read.append(store.path.stem) or compute(store, *how))
    type_train("-model gru -hidden_size 4 -beat -epochs 2 -threads 1")
    assert read == ["train", "dev"]


def workers_of_reads(monkeypatch) -> list[int]:
    """How many processes read ahead each time that items on disk are gone through; here none does."""
    seen, batches = [], Items.batches

    def noted(items, picks, workers, pinned):
        if items.on_disk:
            seen.append(workers)
        return batches(items, picks, 0, pinned)

    monkeypatch.setattr(Items, "batches", noted)
    return seen


def test_whatever_streams_from_the_disk_is_read_ahead(workplace: Path, monkeypatch):
    """In training, what is learnt from and dev, in a fusion and in evaluate.py."""
    monkeypatch.setattr(placement, "machine_memory", lambda: 0)
    seen = workers_of_reads(monkeypatch)
    type_train(f"{SMALL} -leads II")  # two epochs
    assert seen == 4 * [placement.STREAMING_WORKERS]
    type_train(f"{SMALL} -leads I -seed 1 -workers 3 -path_save_model runs/other")
    assert seen[4:] == 4 * [3]
    del seen[:]
    for words in ("frozen", "joint -finetune", "members -kfold 2"):
        how = (
            "-model gru -hidden_size 4"
            if "kfold" in words
            else "-model intermediate -combine concat -branches runs/gru runs/other"
        )
        type_train(f"{how} -epochs 1 -threads 1 -path_save_model runs/{words}")
        evaluate.main(["-run", f"runs/{words.split()[0]}", "-resamples", "0"])
    assert set(seen) == {placement.STREAMING_WORKERS}


def test_beats_are_fused_with_crops_frozen_or_trained_on(workplace: Path):
    common = "-hidden_size 4 -leads II -epochs 1 -threads 1"
    type_train(f"-model gru {common} -crop 2 -path_save_model runs/crops")
    type_train(f"-model gru {common} -beat -path_save_model runs/beat")
    type_train(f"-model lstm {common} -beat -path_save_model runs/other")
    fused = "-model intermediate -combine concat -epochs 1 -threads 1"
    type_train(f"{fused} -branches runs/crops runs/beat -path_save_model runs/frozen")
    for number, branch in enumerate(("runs/other", "runs/crops")):
        type_train(f"{fused} -branches runs/beat {branch} -finetune -path_save_model runs/joint-{number}")


def test_bf16_trains_on_the_cpu(workplace: Path):
    type_train(f"{SMALL} -precision bf16")
    with Path("runs/gru", LOG).open(newline="") as file:
        assert all(math.isfinite(float(row["train_loss"])) for row in csv.DictReader(file))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("-model gru -precision fp16", "fp16 needs a GPU"),
        ("-model gru -crop 20", "does not fit into items of 10 s"),
        ("-model resnet -crop 0.2", "20 samples are too few for images of size 32"),
        ("-model resnet1d_wang -batch_size 1", "too small for resnet1d_wang"),
        ("-model gru -dropout 1", "-dropout 1.0 does not work"),
        ("-model gru -seed -1", "-seed -1 does not work"),
        ("-model gru -data nowhere", "there is no nowhere/train.h5: make it with python create_images.py"),
        ("-model grru", "no network is named 'grru'; did you mean gru"),
        ("-model lat -branches a b", "no network is named 'lat'; did you mean late or "),
        ("-model intermedate", "did you mean intermediate?"),
        (
            "-model qqq",
            "late, lead_transformer, lightconv_transformer, lstm, lstm_bidir, lstm_pooled, meta_ecgnet, mina, ",
        ),
        ("-model qqq", ", torchvision:NAME, vgg"),
        ("-model gru -n_heads 2", "gru has no -n_heads; it has -dropout, -hidden_size, -n_layers: leave -n_heads out"),
        ("-model rhythm_transformer -n_heads 3", "n_heads is 3; it is a divisor of 80"),
        ("-model resnet50", "did you mean torchvision:resnet50?"),
        ("-epochs 3", "which network? give -model with one of alexnet, "),
        ("-epochs 3", "vgg, xresnet1d101 or torchvision:NAME, or fuse trained runs with -model late or intermediate"),
        ("-branches a b -combine mean", "-branches is for fusions: give -model late or intermediate too"),
        (
            "-model mobilenet_v2 -pretrained",
            "it has -dropout: leave -pretrained out, or take -model torchvision:mobilenet_v2",
        ),
        (
            "-model gru -pretrained",
            "gru has no -pretrained; it has -dropout, -hidden_size, -n_layers: leave -pretrained out",
        ),
        (
            "-model gru -nb_filters 8 -kfold 2",
            "gru has no -nb_filters; it has -dropout, -hidden_size, -n_layers: leave -nb",
        ),
        ("-model gru -epochs 0", "0 is not a whole number of at least 1"),
        ("-model gru -learning_rate -3", "-3 is not a number above 0"),
        ("-model gru -e 3", "there is no option -e"),
        ("-model gru -epoch 3", "did you mean -epochs?"),
        ("-model gru -optimizer lion", "invalid choice: 'lion'"),
        ("-model gru runs/gru", "unrecognized arguments: runs/gru"),
        ("-resume", "-resume goes on with the run in a folder: name it with -path_save_model"),
        ("-resume -model gru", "runs/gru holds no run"),
        ("-resume -path_save_model runs/none", "runs/none holds no run"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(workplace: Path, capsys, words: str, sentence: str):
    said = refused(words, capsys)
    assert sentence in said
    assert "\n" not in said
    assert not Path("runs").exists()


@pytest.mark.parametrize("name", [*IMAGE_OPTIONS, "representation"])
def test_no_image_option_is_taken_by_a_network_on_signals(workplace: Path, capsys, name: str):
    values = {"representation": "gaf", "scale": "fixed", "gaf_method": "summation", "mtf_strategy": "quantile"}
    values |= {"stft_taper": "hamming"}
    value = "-80 0" if name == "stft_db_range" else values.get(name, "2")
    assert f"-{name} is for networks on images" in refused(f"-model gru -{name} {value}", capsys)


def test_without_a_dev_store_the_command_is_named(workplace: Path, small_store_folder: Path, capsys):
    Path("only").mkdir()
    shutil.copy(small_store_folder / "train.h5", "only")
    assert "make it with python create_images.py --partition dev --out only" in refused("-model gru -data only", capsys)


def test_a_run_is_never_overwritten(workplace: Path, capsys):
    type_train(SMALL)
    before = {path: path.read_bytes() for path in Path("runs").rglob("*") if path.is_file()}
    for words in (SMALL, "-model resnet -path_save_model runs/gru"):
        said = refused(words, capsys)
        assert "runs/gru holds a finished run: name another folder with -path_save_model, or see" in said
    assert {path: path.read_bytes() for path in Path("runs").rglob("*") if path.is_file()} == before


def test_a_run_that_was_begun_is_not_begun_anew(begun: Path, capsys):
    said = refused(SMALL, capsys)
    assert "runs/gru holds a run already: go on with it with -resume -path_save_model runs/gru, or name another" in said


@pytest.mark.parametrize("name", [WEIGHTS, RESUME])
def test_what_is_left_of_a_run_is_not_taken_for_the_new_ones(workplace: Path, capsys, name: str):
    """A resume file of another training would be gone on with."""
    Path("runs/gru").mkdir(parents=True)
    Path("runs/gru", name).touch()
    assert f"runs/gru holds {name} of a run without its run.json" in refused(SMALL, capsys)


def test_a_finished_run_is_not_resumed(workplace: Path, capsys):
    type_train(SMALL)
    assert "runs/gru is finished" in refused("-resume -path_save_model runs/gru", capsys)


@pytest.fixture
def begun(workplace: Path, monkeypatch) -> Path:
    """A run that was stopped in its second epoch."""
    stop_before_the_state_is_saved(f"{SMALL} -leads I II", monkeypatch, epoch=2)
    return Path("runs/gru")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("-epochs 9", "begun with -epochs 2, not 9: leave -epochs out"),
        ("-leads I", r"begun with -leads ['I', 'II'], not ['I']"),
        ("-dropout 0.2", "begun with -dropout left out, not 0.2"),
        ("-size 64", "begun with -size left out, not 64"),
        ("-threads 2", "begun with -threads 1, not 2"),
        ("-model bigru", "begun with -model gru, not bigru"),
    ],
)
def test_a_run_goes_on_as_it_was_begun(begun: Path, capsys, words: str, sentence: str):
    assert sentence in refused(f"-resume -path_save_model {begun} {words}", capsys)
    type_train(f"-resume -path_save_model {begun} -epochs 2 -leads I II -crop 0.5")  # as it was begun
    assert card_json(begun)["complete"]


@pytest.mark.parametrize(
    ("first", "then", "workers"), [("", "", 2), ("-workers 0", "", 0), ("-workers 0", "-workers 1", 1)]
)
def test_a_run_goes_on_with_the_workers_that_this_machine_needs(workplace, monkeypatch, first, then, workers):
    """Unless some are asked for, now or at first."""
    stop_before_the_state_is_saved(f"{SMALL} {first}", monkeypatch, epoch=2)
    assert card_json(Path("runs/gru"))["training"]["workers"] == 0
    monkeypatch.setattr(placement, "machine_memory", lambda: 0)
    type_train(f"-resume -path_save_model runs/gru {then}")
    assert card_json(Path("runs/gru"))["training"]["workers"] == workers


def test_a_run_goes_on_with_stores_that_were_moved(begun: Path, small_store_folder: Path, capsys):
    card = json.loads((begun / CARD).read_text())
    write_json(begun, {**card, "data": {**card["data"], "folder": "/nowhere"}})
    assert "there is no /nowhere/train.h5" in refused(f"-resume -path_save_model {begun}", capsys)
    type_train(f"-resume -path_save_model {begun} -data {small_store_folder}")
    assert card_json(begun)["data"]["folder"] == str(small_store_folder.resolve())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"train_items_digest": "0" * 64}, "train.h5 holds other items"),
        ({"n_dev_items": 3}, "dev.h5 holds other items"),
        ({"band": [1.0, 45.0]}, "has band [0.5, 40.0] and runs/gru is for [1.0, 45.0]"),
    ],
)
def test_a_run_does_not_go_on_with_other_stores(begun: Path, capsys, changes: dict[str, object], sentence: str):
    card = json.loads((begun / CARD).read_text())
    write_json(begun, {**card, "data": {**card["data"], **changes}})
    assert sentence in refused(f"-resume -path_save_model {begun}", capsys)


@pytest.mark.parametrize(("partition", "note"), [("test", ""), ("dev", "optimistic: chosen on these items")])
def test_a_run_is_evaluated_into_its_own_folder(workplace: Path, capsys, partition: str, note: str):
    type_train(SMALL)
    capsys.readouterr()
    evaluate.main(["-partition", partition, "-threads", "1"])
    said, folder = capsys.readouterr().out, Path("runs/gru/evaluation", partition)
    assert {path.name for path in folder.iterdir()} == {
        *("metrics.json", "counts.csv", "no_class.csv", "table.md", "predictions.csv", "scores.npz"),
    }
    assert note in said
    assert ("optimistic: chosen" in said) == (partition == "dev")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["note"] == note
    scores, store = load_scores(folder / "scores.npz"), open_store(Path("data/ptbxl-images", f"{partition}.h5"))
    assert scores.item_id.tolist() == store.columns["item_id"][store.task("disease").labelled].tolist()
    with (folder / "counts.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            assert sum(int(row[cell]) for cell in ("TP", "FN", "FP", "TN")) == len(scores.item_id)


def test_an_evaluation_can_be_repeated_and_put_elsewhere(workplace: Path):
    type_train(SMALL)
    evaluate.main(["-run", "runs/gru", "-threads", "1"])
    evaluate.main(["-run", "runs/gru", "-threads", "1", "-out", "tables"])
    for name in ("metrics.json", "counts.csv", "no_class.csv", "table.md", "predictions.csv"):
        assert Path("tables", name).read_bytes() == Path("runs/gru/evaluation/test", name).read_bytes()


def test_the_newest_run_is_evaluated_by_default(workplace: Path, capsys):
    for name in ("first", "second"):
        type_train(f"{SMALL} -epochs 1 -path_save_model runs/{name}")
    evaluate.main(["-threads", "1"])
    assert "run runs/second, partition test" in capsys.readouterr().out


def test_two_trainings_in_one_folder_are_one_too_many(workplace: Path):
    folder = Path("runs/gru")
    folder.mkdir(parents=True)
    with locked(folder / CARD, "held by the test"), pytest.raises(EcgFusionError, match="is being trained by another"):
        type_train(f"{SMALL} -limit 10")
    assert not (folder / CARD).exists()
