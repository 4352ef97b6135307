"""Every choice of a training before it begins: defaults, the user's options, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models import describe_model, list_models
from pipeline.errors import EcgFusionError
from pipeline.inputs import placement, scale
from pipeline.inputs.spec import InputSpec, Strip
from pipeline.labels import SAMPLE_SEED, Labels
from pipeline.representations import REPRESENTATIONS
from pipeline.runs.card_parts import CHOICES
from pipeline.signals.beats import BEAT_S, median_beat
from pipeline.store.mapped import Held
from pipeline.store.reading import Store, digest_of_items, open_store
from pipeline.training import defaults
from pipeline.training.data import training_rows
from pipeline.training.kfold import plan_members
from pipeline.training.losses import class_weights
from pipeline.training.options import TrainOptions
from pipeline.training.plan import chosen_settings, plan
from pipeline.training.ranges import check_ranges
from pipeline.typed import as_json, from_json


@pytest.fixture(scope="module")
def stores(small_store_folder: Path) -> tuple[Store, Store]:
    return open_store(small_store_folder / "train.h5"), open_store(small_store_folder / "dev.h5")


@pytest.fixture(autouse=True)
def memory_of_a_gpu(monkeypatch) -> None:
    """For plans that are made for one which is not there."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (2**30, 2**31))


@pytest.fixture(scope="module")
def signals_only(stores: tuple[Store, Store]) -> tuple[Store, Store]:
    """Stores that were made with ``--representations none``."""

    def bare(store: Store) -> Store:
        attributes = {**store.attributes, "image_leads": [], "images": {}}
        return replace(store, attributes=attributes, images={}, image_parameters={})

    return bare(stores[0]), bare(stores[1])


def card_of(stores: tuple[Store, Store], image_options: dict[str, Any] | None = None, **given: Any) -> dict[str, Any]:
    return plan(TrainOptions.of(**given, **(image_options or {})), *stores).to_json()


def spec_of(stores: tuple[Store, Store], image_options: dict[str, Any] | None = None, **given: Any) -> InputSpec:
    return plan(TrainOptions.of(**given, **(image_options or {})), *stores).spec


def with_labels(store: Store, values: np.ndarray, kind: str = "multilabel", task: str = "disease") -> Store:
    labels = Labels(tuple("abcd"[: values.shape[1]]), kind, values.astype(np.uint8), np.ones(len(values), bool))
    return replace(store, labels={task: labels})


@pytest.mark.parametrize("name", [*list_models(), "torchvision:resnet18"])
def test_every_network_has_defaults_for_every_choice(name: str):
    assert set(defaults.training_defaults(describe_model(name).family)) == set(CHOICES)


def test_a_family_without_defaults_is_named():
    with pytest.raises(EcgFusionError, match=r"family mixture has no .* pipeline/training/defaults\.py"):
        defaults.training_defaults("mixture")


@pytest.mark.parametrize("name", ["gru", "resnet"])
def test_the_card_is_json(stores, name: str):
    card = card_of(stores, model=name)
    assert json.loads(json.dumps(card, allow_nan=False)) == {**card, "input": json.loads(json.dumps(card["input"]))}


def test_the_card_says_what_the_contract_lists(stores):
    train, dev = stores
    card = card_of(stores, model="resnet", nb_filters=16, seed=3)
    assert (card["model"], card["options"], card["complete"]) == ("resnet", {"nb_filters": 16}, False)
    assert (card["task"], card["kind"], card["classes"]) == ("disease", "multilabel", ["MI", "STTC", "CD", "HYP"])
    assert card["input"]["representations"] == dict(train.image_parameters)
    assert card["input"]["sampling_rate"] == 100.0
    data, labelled = card["data"], train.task("disease").labelled
    assert data["source"] == "ptbxl"
    assert data["folds"] == {"train": [1, 2, 3, 4, 5, 6, 7, 8], "dev": [9], "test": [10]}
    assert data["band"] == [0.5, 40.0]
    assert data["n_train_items"] == labelled.sum()
    assert data["n_dev_items"] == dev.task("disease").labelled.sum()
    assert data["train_items_digest"] == digest_of_items(train.columns["item_id"][labelled])
    assert card["training"]["seed"] == 3
    assert {"python", "torch", "numpy", "ecgfusion"} <= card["versions"].keys()


def test_the_users_choice_comes_before_the_familys(stores):
    ours: dict[str, Any] = {"optimizer": "sgd", "learning_rate": 0.5, "epochs": 3, "clip_norm": 0.0}
    training = card_of(stores, model="gru", **ours)["training"]
    expected = {**defaults.training_defaults("recurrent"), **ours}
    assert {name: training[name] for name in CHOICES} == expected


@pytest.mark.parametrize(
    ("n_samples", "batch_size"), [(252, 128), (2500, 128), (2501, 64), (18_000, 16), (120_000, 2), (10**7, 2)]
)
def test_a_batch_of_long_signals_is_smaller(n_samples: int, batch_size: int):
    assert defaults.usual_batch_size(128, n_samples) == batch_size


def test_what_a_network_sees_of_long_items_decides_over_its_batch(stores):
    gru, resnet = (replace(spec_of(stores, model=name), n_samples=5000) for name in ("gru", "resnet"))
    cropped = replace(gru, crop=2.5, stride=1.25)
    batch = lambda *specs, **given: chosen_settings(TrainOptions.of(**given), "recurrent", specs)["batch_size"]  # noqa: E731
    assert (batch(gru), batch(cropped, gru), batch(cropped), batch(resnet)) == (64, 64, 128, 128)
    assert batch(gru, batch_size=128) == 128


def test_class_weights_are_negatives_over_positives(stores):
    labels = stores[0].task("disease")
    values = labels.values[labels.labelled].astype(int)
    positives = values.sum(0)
    assert len(set(positives.tolist())) > 1
    expected = (len(values) - positives) / positives
    assert card_of(stores, model="gru")["training"]["class_weights"] == pytest.approx(expected.tolist())


def test_class_weights_count_the_items_that_are_trained_on(stores):
    labels = stores[0].task("disease")
    values = labels.values[training_rows("disease", stores[0], 12, SAMPLE_SEED)].astype(int)
    found = card_of(stores, model="gru", limit=12)["training"]["class_weights"]
    expected = np.minimum((12 - values.sum(0)) / np.maximum(values.sum(0), 1), 20)
    assert found == pytest.approx(expected.tolist())


def test_class_weights_are_capped_at_20(stores):
    values = np.zeros((stores[0].n_items, 3))
    values[0, 0] = values[::2, 1] = 1  # one of 31, 16 of 31, none
    made = with_labels(stores[0], values), with_labels(stores[1], np.eye(4)[:, :3])
    assert card_of(made, model="gru")["training"]["class_weights"] == pytest.approx([20, 15 / 16, 20])


def test_counts_beyond_255_do_not_wrap():
    """Labels are uint8, their sums are not."""
    values = (np.arange(620) < 310)[:, None].astype(np.uint8)
    labels = Labels(("MI",), "multilabel", values, np.ones(620, bool))
    assert class_weights(labels, "balanced", "any") == (1.0,)


@pytest.mark.parametrize(
    ("task", "asked", "weighted"),
    [
        ("disease", None, True),
        ("superdiagnostic", None, False),
        ("all", None, False),
        ("disease", "none", False),
        ("superdiagnostic", "balanced", True),
    ],
)
def test_only_disease_is_weighted_by_itself(stores, task: str, asked: str | None, weighted: bool):
    given: dict[str, Any] = {"class_weights": asked} if asked else {}
    assert (card_of(stores, model="gru", task=task, **given)["training"]["class_weights"] is not None) == weighted


def test_classes_that_exclude_each_other_are_weighted_to_equal_shares(stores):
    values = np.eye(3)[np.minimum(np.arange(stores[0].n_items) // 8, 2)]
    assert values.sum(0).tolist() == [8, 8, 15]
    made = with_labels(stores[0], values, "multiclass"), with_labels(stores[1], np.eye(4)[:, :3], "multiclass")
    weights = np.array(card_of(made, model="gru")["training"]["class_weights"])
    assert weights * values.sum(0) == pytest.approx(np.full(3, len(values) / 3))


@pytest.mark.parametrize("seed", [None, 3])
def test_limit_takes_a_sample_of_the_labelled_items(stores, seed):
    train = stores[0]
    rows = training_rows("disease", train, 9, SAMPLE_SEED)  # whatever the seed of the training
    assert train.task("disease").labelled[rows].all()
    ids = train.columns["item_id"][rows]
    data = card_of(stores, model="gru", limit=9, seed=seed)["data"]
    assert data["sampled"] is True
    assert (data["limit"], data["n_train_items"], data["train_items_digest"]) == (9, 9, digest_of_items(ids))


def test_global_scale_is_the_deviation_of_all_training_signals(stores):
    train = stores[0]
    leads = [train.leads.index(lead) for lead in ("V2", "I")]
    x = train.signals.open()[training_rows("disease", train, 9, SAMPLE_SEED)][:, leads] / train.gain
    spec = spec_of(stores, model="gru", leads=["V2", "I"], limit=9)
    assert (spec.normalise, spec.leads) == ("global", ("V2", "I"))
    assert spec.scale_mv == pytest.approx(x.std(), rel=1e-9)


def test_padding_has_no_part_in_the_scale(stores):
    train = stores[0]
    half = replace(train, columns={**train.columns, "length": np.full(train.n_items, 5.0)})
    x = train.signals.open()[np.flatnonzero(train.task("disease").labelled)][:, :, :500] / train.gain
    dev = replace(stores[1], columns={**stores[1].columns, "length": np.full(stores[1].n_items, 5.0)})
    assert spec_of((half, dev), model="gru").scale_mv == pytest.approx(x.std(), rel=1e-9)


def test_the_scale_of_median_beats_is_their_own(stores, monkeypatch):
    train = stores[0]
    leads, rows = [train.leads.index(lead) for lead in ("V2", "I")], np.flatnonzero(train.task("disease").labelled)
    signals = train.signals.open()[rows] / train.gain
    beats = np.stack([median_beat(x, train.sampling_rate, *BEAT_S).mv[leads] for x in signals])
    spec = spec_of(stores, model="gru", leads=["V2", "I"], beat=True)
    assert spec.scale_mv == pytest.approx(beats.std(), rel=1e-9)
    assert spec.scale_mv != pytest.approx(signals[:, leads].std(), rel=0.01)
    monkeypatch.setattr(scale, "BEATS_MEASURED", len(rows) // 2)
    some = spec_of(stores, model="gru", leads=["V2", "I"], beat=True)
    step = -(-len(rows) // (len(rows) // 2))
    assert some.scale_mv == pytest.approx(beats[::step].std(), rel=1e-9)


@pytest.mark.parametrize("normalise", ["none", "record"])
def test_other_normalisations_need_no_scale(stores, normalise: str):
    spec = spec_of(stores, model="gru", normalise=normalise)
    assert (spec.normalise, spec.scale_mv) == (normalise, 1.0)


def test_a_signal_network_takes_all_leads_unless_told(stores):
    assert list(spec_of(stores, model="gru").leads) == stores[0].leads
    assert spec_of(stores, model="gru", leads=["avf", "v1"]).leads == ("aVF", "V1")


def test_an_image_network_takes_every_form_and_lead_of_the_store(stores):
    spec = spec_of(stores, model="resnet")
    assert (spec.on_the_fly, list(spec.leads)) == (False, stores[0].image_leads)
    assert list(spec.representations) == list(stores[0].images)
    assert spec_of(stores, model="resnet", leads=["all"]).leads == spec.leads


def test_forms_and_leads_come_in_the_order_asked_for(stores):
    spec = spec_of(stores, model="resnet", representation=["rp", "gaf"], leads=["V2", "I"])
    assert (list(spec.representations), spec.leads, spec.n_channels) == (["rp", "gaf"], ("V2", "I"), 4)


def test_crop_implies_on_the_fly_and_half_a_crop_of_stride(stores):
    spec = spec_of(stores, model="resnet", crop=5.0)
    assert (spec.on_the_fly, spec.crop, spec.stride) == (True, 5.0, 2.5)
    assert spec.representations == stores[0].image_parameters
    assert spec_of(stores, model="gru", crop=2.0, stride=0.5).stride == 0.5


def test_on_the_fly_draws_as_the_store_does_but_for_what_is_asked(stores):
    spec = spec_of(stores, {"size": 40, "mtf_bins": 5}, model="resnet", on_the_fly=True, leads=["V6"])
    for form, stored in stores[0].image_parameters.items():
        changed = {"size": 40, **({"n_bins": 5} if form == "mtf" else {})}
        assert spec.representations[form] == {**stored, **changed}


def test_a_store_of_signals_is_drawn_with_the_commands_own_defaults(signals_only):
    spec = spec_of(signals_only, model="resnet")
    assert (spec.on_the_fly, spec.leads) == (True, ("I", "II", "V2"))
    assert list(spec.representations) == list(REPRESENTATIONS)
    assert {parameters["size"] for parameters in spec.representations.values()} == {256}


def test_a_flatten_head_is_built_for_the_size_of_the_pictures(stores):
    assert card_of(stores, model="vgg", head="flatten")["options"] == {"head": "flatten", "size": 32}


def test_a_transformer_is_built_for_the_size_of_the_pictures(stores):
    assert card_of(stores, model="torchvision:vit_b_32")["options"] == {"size": 32}


@pytest.mark.parametrize(("model", "option"), [("cnet", {"head": "flatten"}), ("seq", {"set": {"steps": "beat"}})])
def test_what_is_built_for_one_length_is_built_for_what_it_sees(stores, model: str, option: dict[str, Any]):
    assert card_of(stores, model=model, crop=2.5, **option)["options"]["n_samples"] == 250
    with pytest.raises(EcgFusionError, match="is built for n_samples=187 and would see 250"):
        card_of(stores, model=model, crop=2.5, **{**option, "set": {**option.get("set", {}), "n_samples": 187}})


def test_filters_are_made_for_the_rate_of_the_store(stores):
    faster = tuple(replace(store, attributes={**store.attributes, "sampling_rate": 250.0}) for store in stores)
    assert card_of(stores, model="mina")["options"] == {"sampling_rate": 100.0}
    assert card_of(faster, model="mina")["options"] == {"sampling_rate": 250.0}
    assert card_of(faster, model="mina", set={"sampling_rate": 250})["options"] == {"sampling_rate": 250.0}
    with pytest.raises(EcgFusionError, match=r"mina is to see 100 Hz, and .*train.h5 has 250: leave"):
        card_of(faster, model="mina", set={"sampling_rate": 100})


def of_beats(stores: tuple[Store, Store], n: int) -> tuple[Store, Store]:
    cut = {"kind": "beats", "beat": "window", "beat_extent": [0.25, 0.45], "beats": n}
    train, dev = (replace(store, attributes={**store.attributes, "cut": cut}) for store in stores)
    return train, dev


def test_a_network_of_sequences_sees_the_beats_of_the_store(stores):
    assert card_of(of_beats(stores, 9), model="beat_seq2seq")["options"] == {"n_beats": 9}
    card = card_of(of_beats(stores, 9), model="beat_cnn_lstm", head="flatten")
    assert card["options"] == {"head": "flatten", "n_samples": 1000, "n_beats": 9}
    with pytest.raises(EcgFusionError, match=r"is to see 3 beats, and an item of .*train.h5 has 9"):
        card_of(of_beats(stores, 9), model="beat_seq2seq", set={"n_beats": 3})


def test_a_network_of_sequences_is_not_silently_shown_none(stores):
    """A sequence of length one is a fault of older code (systems.md, 5.4): it has to be asked for."""
    with pytest.raises(EcgFusionError, match=r"one beat each: make the stores with create_images.py --beats 3"):
        card_of(of_beats(stores, 1), model="beat_seq2seq")
    for crop in (None, 2.5):
        with pytest.raises(EcgFusionError, match=r"train\.h5 are no beats side by side"):
            card_of(stores if crop is None else of_beats(stores, 3), model="beat_seq2seq", crop=crop)
    assert card_of(stores, model="beat_seq2seq", set={"n_beats": 1})["options"] == {"n_beats": 1}


def test_planning_does_not_look_for_weights(stores, monkeypatch):
    monkeypatch.setattr("torch.hub.load_state_dict_from_url", None)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", None)
    assert card_of(stores, model="torchvision:resnet18", pretrained=True)["options"] == {"pretrained": True}


def test_a_beat_is_drawn_on_the_fly_and_sets_what_is_seen(stores):
    spec = spec_of(stores, model="resnet", beat=True, representation=["gaf"])
    assert (spec.on_the_fly, spec.beat, spec.n_samples, spec.crop_samples) == (True, (0.32, 0.48), 80, 80)
    assert spec_of(stores, model="gru", beat=True).crop_samples == 80
    assert spec_of(stores, model="gru").beat is None
    assert (spec.beat_version, spec_of(stores, model="gru").beat_version) == (2, None)


def test_parts_of_beats_are_channels_and_a_strip_has_whole_lines(stores):
    spec = spec_of(stores, model="resnet", beat=True, beat_channels=["dominant", "ectopic"], representation=["gaf"])
    assert (spec.beat_channels, spec.n_channels) == (("dominant", "ectopic"), 2 * 3)
    signal = spec_of(stores, model="gru", beat=True, beat_channels=["deviation"], beat_extent=[0.1, 0.2])
    assert (signal.beat, signal.n_samples, signal.n_channels) == ((0.1, 0.2), 30, 12)
    assert signal.scale_mv != spec_of(stores, model="gru", beat=True, beat_extent=[0.1, 0.2]).scale_mv
    below = spec_of(stores, **LEADS_OF_A_BEAT, strip="ii", beat_channels=["dominant", "deviation"])
    assert (below.strip, below.n_channels, below.n_rows) == (Strip("II", 12), 2, 2 * 12 + 12)
    assert spec_of(stores, **LEADS_OF_A_BEAT, strip="II", beat_extent=[1.0, 2.0]).strip == Strip("II", 3)
    assert from_json(InputSpec, as_json(below)) == below
    assert {"beat_channels", "strip"}.isdisjoint(as_json(spec_of(stores, model="gru", beat=True)))


def test_all_leads_are_one_channel_drawn_on_the_fly(stores):
    spec = spec_of(stores, model="resnet", representation=["lead_map"])
    assert (spec.n_channels, len(spec.leads), spec.on_the_fly) == (1, 12, True)
    assert spec.representations == {"leads": {"size": 32, "range_mv": 3.0}}  # the size of the store's pictures
    given = spec_of(stores, {"size": 48, "range_mv": 2.0, "scale": "fixed"}, **LEADS_OF_A_BEAT, leads=["V1", "II"])
    assert (given.n_channels, given.leads) == (1, ("V1", "II"))
    assert given.representations == {"leads": {"size": 48, "range_mv": 2.0}}


LEADS_OF_A_BEAT: dict[str, Any] = {"model": "resnet", "beat": True, "representation": ["leads"]}

REFUSED = [
    # what does not go with the kind of network
    ({"model": "gru", "representation": ["gaf"]}, {}, "-representation is for networks on images, and gru"),
    ({"model": "gru", "on_the_fly": True}, {}, "-on_the_fly is for networks on images"),
    *(({"model": "gru"}, {name: 1}, f"-{name} is for networks on images") for name in ("size", "mtf_bins", "stft_hop")),
    ({"model": "resnet", "normalise": "record"}, {}, "-normalise is for networks on signals, and resnet"),
    # what the network does not have
    ({"model": "gru", "nb_filters": 8}, {}, "'gru' does not take the option 'nb_filters'"),
    ({"model": "gru", "head": "mean"}, {}, "'gru' does not take the option 'head'"),
    ({"model": "resnet1d_wang", "hidden_size": 8}, {}, "does not take the option 'hidden_size'"),
    ({"model": "resnet", "n_layers": 2}, {}, "does not take the option 'n_layers'"),
    ({"model": "alexnet", "head": "flatten"}, {}, "does not take the option 'head'"),
    ({"model": "gru", "n_layers": 1, "dropout": 0.2}, {}, "dropout 0.2 acts between layers"),
    ({"model": "gru", "pretrained": True}, {}, "'gru' does not take the option 'pretrained'"),
    ({"model": "mobilenet_v2", "pretrained": True}, {}, "'mobilenet_v2' does not take the option 'pretrained'"),
    ({"model": "torchvision:resnet18", "nb_filters": 8}, {}, "does not take the option 'nb_filters'; it takes pre"),
    ({"model": "torchvision:resnet81"}, {}, "did you mean .*torchvision:resnet18"),
    (
        {"model": "torchvision:vit_b_16", "on_the_fly": True},
        {"size": 100},
        "a multiple of 16 pixels, which 100 is not",
    ),
    ({"model": "torchvision:inception_v3"}, {}, "takes images of at least 75 pixels, these have 32"),
    ({"model": "gruu"}, {}, "no network is named 'gruu'; did you mean .*gru"),
    # crops
    ({"model": "gru", "stride": 1.0}, {}, "-stride is the step between crops: give -crop"),
    ({"model": "gru", "crop": 11.0}, {}, "-crop 11 s does not fit into items of 10 s"),
    ({"model": "gru", "crop": 0.004}, {}, "-crop 0.004 s does not fit"),
    ({"model": "resnet1d_wang", "crop": 0.03}, {}, "takes at least 4 samples and would see 3"),
    ({"model": "resnet", "crop": 2.0}, {"size": 256}, "200 samples are too few .* 256: take -size 200 or less"),
    ({"model": "resnet", "on_the_fly": True}, {"size": 1001}, "take -size 1000 or less$"),
    ({"model": "resnet", "crop": 0.1}, {}, "10 samples are too few .*: take .* a longer -crop"),
    # beats
    ({"model": "gru", "beat": True, "crop": 2.0}, {}, "-beat shows one beat, of which nothing is cropped"),
    ({"model": "gru", "beat": True, "stride": 2.0}, {}, "-beat shows one beat, of which nothing is cropped"),
    ({"model": "resnet", "beat": True}, {"size": 81}, "80 samples are too few .* 81: take -size 80 or less$"),
    *(
        ({"model": "resnet", name: given}, {}, f"-{name} is of the median beat: add -beat")
        for name, given in (("beat_channels", ["ectopic"]), ("beat_extent", [0.2, 0.4]), ("strip", "II"))
    ),
    ({"model": "gru", "beat": True, "beat_channels": ["ectpic"]}, {}, "-beat_channels has no ectpic: did you mean ec"),
    ({"model": "gru", "beat": True, "beat_channels": ["ectopic"] * 2}, {}, "-beat_channels names ectopic twice"),
    ({"model": "gru", "beat": True, "beat_extent": [0.2, 3.0]}, {}, "-beat_extent 0.2 3 is how .* from 0.05 to 2"),
    ({"model": "gru", "beat": True, "strip": "II"}, {}, "-strip stands below the beats of a lead map"),
    (
        {"model": "resnet", "beat": True, "beat_extent": [0.1, 0.2]},
        {},
        "30 samples are too few .* 32: take shorter windows or delays, or a longer -beat_extent$",
    ),
    # one picture of all leads
    ({"model": "gru", "representation": ["leads"]}, {}, "-representation is for networks on images, and gru"),
    ({"model": "resnet", "representation": ["gaf", "lead_map"]}, {}, "lead_map is one image .*: give it alone"),
    ({"model": "resnet", "representation": ["leads", "gaf"]}, {}, "lead_map is one image .*: give it alone"),
    (LEADS_OF_A_BEAT, {"size": 81}, "80 samples are too few .* 81: take -size 80 or less$"),
    (LEADS_OF_A_BEAT | {"strip": "V7"}, {}, "-strip V7 is none of the leads that are seen .I II III"),
    (LEADS_OF_A_BEAT | {"strip": "II", "leads": ["V1"]}, {}, "-strip II is none of the leads that are seen .V1."),
    (LEADS_OF_A_BEAT | {"strip": "II"}, {"size": 23}, "24 leads needs a row for each, .* Take -size 24 or more"),
    *(
        (
            LEADS_OF_A_BEAT | {name: given, "augment": ["lead_dropout"]},
            {},
            "-augment lead_dropout leaves out a lead's row",
        )
        for name, given in (("strip", "II"), ("beat_channels", ["ectopic"]))
    ),
    (LEADS_OF_A_BEAT, {"size": 8}, "12 leads needs a row for each, and a size of 8 .* Take -size 12 or more"),
    (LEADS_OF_A_BEAT, {"scale": "record"}, "-scale record is not for -representation lead_map"),
    (LEADS_OF_A_BEAT, {"mtf_bins": 5}, "-mtf_bins 5 is not for -representation lead_map"),
    # pictures
    ({"model": "resnet"}, {"size": 64}, "has size 32, not 64: draw it otherwise with -on_the_fly"),
    ({"model": "resnet"}, {"mtf_bins": 5}, "the mtf in .* has n_bins 10, not 5"),
    ({"model": "resnet", "representation": ["gaf"]}, {"mtf_bins": 5}, "-mtf_bins is for mtf, which is not drawn"),
    ({"model": "resnet", "representation": ["cwt"]}, {}, "no representation 'cwt'"),
    ({"model": "resnet", "representation": ["gaf", "gaf"]}, {}, "are different names"),
    ({"model": "resnet", "on_the_fly": True}, {"stft_window": 0.001}, "fewer than 2 samples"),
    ({"model": "alexnet"}, {}, "takes images of at least 67 pixels, these have 32"),
    # leads
    ({"model": "gru", "leads": ["V7"]}, {}, "there is no lead V7"),
    ({"model": "gru", "leads": ["I", "i"]}, {}, "name one twice"),
    ({"model": "resnet", "leads": ["V6"]}, {}, "there is no lead V6: the leads are I II V2"),
    # items
    ({"model": "gru", "task": "beats"}, {}, "no task beats: choose one of disease"),
    (
        {"model": "gru", "crop": 2.5, "stride": 0.001},
        {},
        "-stride 0.001 s is less than a sample at 100 Hz: give at least",
    ),
    ({"model": "gru", "limit": 1}, {}, "no class with both positives and negatives"),
    ({"model": "resnet1d_wang", "batch_size": 1}, {}, "-batch_size 1 is too small for resnet1d_wang"),
]


@pytest.mark.parametrize(("given", "image_options", "sentence"), REFUSED)
def test_no_option_is_taken_and_ignored(stores, given, image_options, sentence):
    with pytest.raises(EcgFusionError, match=sentence):
        plan(TrainOptions.of(**given, **image_options), *stores)


def test_a_form_that_the_store_lacks_is_named(stores):
    train, dev = (replace(s, images={"gaf": s.images["gaf"]}) for s in stores)
    train, dev = (replace(s, image_parameters={"gaf": s.image_parameters["gaf"]}) for s in (train, dev))
    with pytest.raises(EcgFusionError, match=r"holds no rp, only gaf: draw it with -on_the_fly"):
        card_of((train, dev), model="resnet", representation=["gaf", "rp"])
    assert spec_of((train, dev), model="resnet", representation=["gaf", "rp"], on_the_fly=True).n_channels == 6


def test_pictures_of_another_version_are_refused(stores):
    strange = replace(stores[0], image_parameters={"gaf": {**stores[0].image_parameters["gaf"], "method": "cosine"}})
    with pytest.raises(EcgFusionError, match="cosine"):
        card_of((strange, stores[1]), model="resnet")


@pytest.mark.parametrize(
    "given",
    [
        {"dropout": -0.1},
        {"dropout": 1.0},
        {"dropout": float("nan")},
        {"learning_rate": 1e30},
        {"weight_decay": -1.0},
        {"weight_decay": float("inf")},
        {"clip_norm": -1.0},
        {"clip_norm": float("nan")},
        {"seed": -1},
        {"seed": 2**63},
        {"workers": -1},
    ],
)
def test_numbers_that_no_training_can_use_are_refused(given):
    name = next(iter(given))
    with pytest.raises(EcgFusionError, match=f"-{name} .* does not work"):
        check_ranges(TrainOptions.of(**given))


def test_the_ends_of_the_ranges_are_taken():
    check_ranges(TrainOptions.of(dropout=0.0, weight_decay=0.0, clip_norm=0.0, seed=2**63 - 1, workers=0))


@pytest.mark.parametrize(
    ("name", "value"),
    [("band", None), ("sampling_rate", 200.0), ("gain", 2000.0), ("folds", {"train": [1]}), ("leads", ["I"])],
)
def test_train_and_dev_must_be_made_alike(stores, name: str, value: object):
    other = replace(stores[1], attributes={**stores[1].attributes, name: value})
    with pytest.raises(EcgFusionError, match=f"has {name} .*: make both with the same options"):
        card_of((stores[0], other), model="gru")


def test_a_patient_in_both_partitions_is_refused(stores):
    train, dev = stores
    patients = np.array([train.columns["patient_id"][0], *dev.columns["patient_id"][1:]])
    shared = replace(dev, columns={**dev.columns, "patient_id": patients})
    with pytest.raises(EcgFusionError, match=f"patient {patients[0]} is in .*train.h5 and in .*dev.h5"):
        card_of((train, shared), model="gru")


def test_dev_needs_a_class_with_positives_and_negatives(stores):
    blank = with_labels(stores[1], np.zeros((stores[1].n_items, 2)))
    values = np.arange(2 * stores[0].n_items).reshape(-1, 2) % 3 == 0
    with pytest.raises(EcgFusionError, match=r"dev\.h5 .* no class with both"):
        card_of((with_labels(stores[0], values), blank), model="gru")


def test_flat_recordings_have_no_scale(stores):
    flat = replace(stores[0], signals=Held(np.zeros(stores[0].signals.shape, np.int16)))
    with pytest.raises(EcgFusionError, match="are flat: check the recordings"):
        card_of((flat, stores[1]), model="gru")


GPU = torch.device("cuda", 0)


@pytest.fixture
def free_gpu(monkeypatch) -> None:
    """A GPU that all signals fit on, as far as a plan asks for it."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (2**30, 2**31))


@pytest.mark.parametrize(
    ("device", "asked", "drawn"),
    [("cpu", None, False), ("cuda", None, True), ("cpu", True, True), ("cuda", False, False), ("cpu", False, False)],
)
@pytest.mark.usefixtures("free_gpu")
def test_stored_pictures_are_drawn_anew_on_a_gpu_unless_told(
    stores: tuple[Store, Store], device: str, asked: bool | None, drawn: bool
):
    given: dict[str, Any] = {"model": "resnet", "on_the_fly": asked}
    spec = plan(TrainOptions.of(**given), *stores, torch.device(device)).spec
    assert spec.on_the_fly == drawn
    assert (spec.leads, spec.representations) == (tuple(stores[0].image_leads), stores[0].image_parameters)


@pytest.mark.usefixtures("free_gpu")
def test_members_of_a_k_fold_run_are_drawn_on_a_gpu_too(stores: tuple[Store, Store]):
    assert plan_members(TrainOptions.of(model="resnet", kfold=2), *stores, GPU).spec.on_the_fly


@pytest.mark.parametrize(
    ("options", "named"),
    [({"crop": 2.5}, "-crop"), ({"beat": True}, "-beat"), ({"representation": ["leads"]}, "-representation lead_map")],
)
def test_what_is_in_no_store_cannot_be_taken_from_it(stores, options, named):
    with pytest.raises(EcgFusionError, match=f"what {named} shows is in no store"):
        card_of(stores, model="resnet", on_the_fly=False, **options)


def test_a_store_of_signals_has_no_pictures_to_take(signals_only):
    with pytest.raises(EcgFusionError, match=r"holds none: leave it out"):
        card_of(signals_only, model="resnet", on_the_fly=False)


@pytest.mark.parametrize(
    "given", [{"model": "gru"}, {"model": "gru", "beat": True}, {"model": "resnet", "on_the_fly": True}]
)
def test_workers_are_refused_where_all_is_in_memory(stores, given, monkeypatch):
    with pytest.raises(EcgFusionError, match=r"-workers 2: .* leave it out"):
        card_of(stores, workers=2, **given)
    monkeypatch.setattr(placement, "machine_memory", lambda: 0)
    if "beat" not in given:  # which is made in memory
        assert card_of(stores, workers=3, **given)["training"]["workers"] == 3
        assert card_of(stores, workers=0, **given)["training"]["workers"] == 0
        assert card_of(stores, **given)["training"]["workers"] == placement.STREAMING_WORKERS


def test_no_process_reads_ahead_unasked_where_all_is_in_memory(stores):
    assert card_of(stores, model="gru")["training"]["workers"] == 0
    assert card_of(stores, model="resnet")["training"]["workers"] == 0


def test_workers_read_stored_pictures(stores):
    assert card_of(stores, model="resnet", workers=2)["training"]["workers"] == 2


@pytest.mark.usefixtures("free_gpu")
def test_workers_have_nothing_to_read_where_a_gpu_draws(stores: tuple[Store, Store]):
    with pytest.raises(EcgFusionError, match="-workers 2"):
        plan(TrainOptions.of(model="resnet", workers=2), *stores, GPU)


@pytest.fixture(params=[True, False])
def has_bf16(request, monkeypatch) -> bool:
    """As on a GPU that computes in bf16, and on one that would only imitate it."""
    able = request.param
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation or able)
    return able


@pytest.mark.parametrize("model", ["resnet", "gru"])
def test_a_gpu_computes_in_bf16_where_it_can_and_a_cpu_does_not(stores: tuple[Store, Store], has_bf16, model):
    expected = "bf16" if has_bf16 else "fp32"
    assert plan(TrainOptions.of(model=model), *stores, GPU).training.precision == expected
    members = plan_members(TrainOptions.of(model=model, kfold=2), *stores, GPU).to_json()
    assert members["training"]["precision"] == expected
    assert plan(TrainOptions.of(model=model), *stores, torch.device("cpu")).training.precision == "fp32"
    assert plan(TrainOptions.of(model=model, precision="fp32"), *stores, GPU).training.precision == "fp32"
