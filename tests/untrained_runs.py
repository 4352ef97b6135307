"""Runs of every kind that nobody has trained, whose answers differ from recording to recording; none is on the disk."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cards import small_card
from smaller_networks import SMALLER

from models import beside_features, create_model, describe_fusion, describe_model, list_fusions, list_models
from pipeline.inputs.features import FeatureScale, plan_features
from pipeline.inputs.maker import InputMaker
from pipeline.inputs.spec import InputSpec
from pipeline.representations import REPRESENTATIONS, ImageRecipe, LeadMapRecipe
from pipeline.runs.build import Run, build_fusion
from pipeline.runs.card_parts import CalibrationCard, FittedOn, LearntCard
from pipeline.scoring.predict import probabilities
from pipeline.sources.simulation.heart import draw_electrodes, draw_heart, simulate
from pipeline.store.arrays import ArrayStore

RATE, BAND, GAIN = 100.0, (0.5, 40.0), 1000.0
LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
CLASSES = ("MI", "STTC", "CD", "HYP")
LARGEST_FACTOR = 2000.0  # by which a head is turned up; more would turn up rounding, too
NO_DIFFERENCE = 1e-7  # of logits, which a head that is turned up would not show


def simulated(n: int, sampling_rate: int = 100) -> np.ndarray:
    """Recordings, (n, 12, 10 s) mV."""
    found = []
    for seed in range(n):
        random = np.random.default_rng(seed)
        found.append(simulate(draw_heart(random), draw_electrodes(random), random, sampling_rate))
    return np.stack(found)


def store_of(signals: np.ndarray, sampling_rate: float = RATE, rr: np.ndarray | None = None) -> ArrayStore:
    features = None if rr is None else {"rr": rr}
    return ArrayStore.of(signals, sampling_rate, LEADS, stored_rate=RATE, band=BAND, gain=GAIN, features=features)


def ours(run: Run, store: ArrayStore) -> np.ndarray:
    """What the program itself says of recordings, by its kernels, (n, classes)."""
    cut = run.card.data.cut or {}
    items = store.in_windows(cut["window_s"], cut["stride_s"]) if run.card.join else store
    return probabilities(run, items, np.arange(items.n_items), torch.device("cpu"), batch_size=8)


def signal_spec(leads: tuple[str, ...] = ("II", "V2"), **fields: Any) -> InputSpec:
    usual: dict[str, Any] = {"modality": "signal", "sampling_rate": RATE, "gain": GAIN, "n_samples": 1000}
    return InputSpec(leads=leads, **usual | fields)


def image_spec(representations: Mapping[str, Mapping[str, Any]], **fields: Any) -> InputSpec:
    drawn: dict[str, Any] = {
        "modality": "image",
        "representations": representations,
        "on_the_fly": True,
        "leads": ("I", "V2"),
    }
    return signal_spec(**drawn | fields)


def drawn(*names: str, size: int = 72, **options: Any) -> InputSpec:
    recipe = ImageRecipe(names, size=size, **options)
    return image_spec({name: recipe.parameters(name) for name in names})


def network_run(model: str, spec: InputSpec, kind: str = "multilabel", seed: int = 0, **fields: Any) -> Run:
    """An untrained network whose logits have a deviation of 1 over simulated recordings."""
    torch.manual_seed(seed)
    network = create_model(model, in_channels=spec.n_channels, n_classes=len(CLASSES), **fields.pop("options", {}))
    if spec.features:
        network = beside_features(network, spec.n_numbers, len(CLASSES))
    network.eval()
    data = replace(small_card(spec).data, **fields.pop("data", {}))
    card = small_card(spec, model=model, kind=kind, complete=True, data=data, **fields)
    _turn_up(network, spec)
    return Run(Path(model), card, network, spec)


def measuring_run(*names: str, **fields: Any) -> Run:
    """An untrained network beside which the numbers of some features are seen."""
    store = store_of(simulated(6))
    columns: dict[str, np.ndarray] = {
        "age": np.array([30, 40, 50, 60, 70, 80], np.float32),
        "sex": np.array([0, 1] * 3, np.int8),
    }
    features = plan_features(names, replace(store, columns={**store.columns, **columns}), np.arange(6))
    return network_run("cnet", signal_spec(features=features, **fields))


@torch.no_grad()
def _turn_up(network: Any, spec: InputSpec) -> None:
    store = store_of(simulated(5))
    places = [LEADS.index(lead) for lead in spec.leads]
    width = min(spec.crop_samples, 1000)
    raw = torch.from_numpy(np.asarray(store.signals.open())[:, places, :width].copy())
    beside = {"numbers": torch.zeros(5, spec.n_numbers)} if spec.features else {}
    x = InputMaker(spec)(raw)
    if network(x, **beside).std(0).max() < NO_DIFFERENCE:
        normalised_by(network, x, beside)
    logits = network(x, **beside)
    most = 20.0 if network.hears_itself else LARGEST_FACTOR
    factor = 1 / logits.std(0).clamp(min=1 / most)
    network.head.bias.copy_((network.head.bias - logits.mean(0)) * factor)
    network.head.weight.mul_(factor[:, None])


def normalised_by(network: Any, x: torch.Tensor, beside: Mapping[str, torch.Tensor]) -> None:
    """Gives batch normalisations the numbers of these items: behind dozens with none, all answers are alike."""
    layers = [layer for layer in network.modules() if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm)]
    usual = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 1.0
    network.train()(x, **beside)
    network.eval()
    for layer, momentum in zip(layers, usual, strict=True):
        layer.momentum = momentum


def small_resnet(spec: InputSpec) -> Run:
    return network_run("resnet", spec, options={"nb_filters": 8})


def members_run(runs: list[Run]) -> Run:
    card = replace(runs[0].card, kfold=len(runs))
    return Run(Path("members"), card, None, runs[0].spec, {str(number): run for number, run in enumerate(runs, 1)})


def fused_run(combine: str, parts: Mapping[str, Run], kind: str = "multilabel", seed: int = 0, **fields: Any) -> Run:
    """A fusion with weights of chance."""
    torch.manual_seed(seed)
    entry, options = describe_fusion(combine), {"combine": combine, **fields.pop("options", {})}
    if entry.level == "intermediate":
        options = {"finetune": False, "auxiliary": 0.0} | options
    fields = {"fitted_on": FittedOn(features="in_sample")} | fields
    card = small_card(_any_spec(parts), model=entry.level, kind=kind, complete=True, options=options, **fields)
    card = replace(card, input=None)
    network = build_fusion(card, parts).eval()
    for name, numbers in network.state_dict().items():
        if name.rpartition(".")[2] in ("coefficients", "intercepts"):
            numbers.normal_()
    return Run(Path(combine), card, network, None, parts)


def _any_spec(parts: Mapping[str, Run]) -> InputSpec:
    first = next(iter(parts.values()))
    return first.spec if first.spec is not None else _any_spec(first.parts)


def of_network(name: str) -> Run:
    """A registered network on what it takes, as many samples as it was built for where that is one number.

    The largest are made smaller.
    """
    if describe_model(name).modality == "image":
        return network_run(name, drawn("gaf"))
    return network_run(name, signal_spec(), options=SMALLER.get(name, {}))


def branches(kind: str = "multilabel", crop: float | None = 2.5) -> dict[str, Run]:
    spec = signal_spec(crop=crop, stride=crop)
    image = replace(drawn("rp", size=48), crop=crop, stride=crop)
    return {
        "signal": network_run("cnet", spec, kind),
        "image": network_run("resnet", image, kind, options={"nb_filters": 2}),
    }


def _out_of_fold() -> Run:
    spec, other = signal_spec(crop=2.5, stride=2.5), signal_spec(("V5",), crop=5.0, stride=5.0)
    parts = {
        "one": members_run([network_run("cnet", spec, seed=seed) for seed in range(2)]),
        "other": members_run([network_run("cnn_gru", other, seed=seed) for seed in range(2)]),
    }
    return fused_run("concat", parts, fitted_on=FittedOn(features="out_of_fold"))


def _joined(how: str, kind: str) -> Run:
    windows = {"cut": {"kind": "windows", "window_s": 2.5, "stride_s": 2.0}}
    return network_run("cnet", signal_spec(n_samples=250), kind, join=how, data=windows)


def _calibrated(kind: str) -> Run:
    run = network_run("cnet", signal_spec(), kind)
    values = dict(zip(CLASSES, (0.5, 2.0, 1.5, 3.0) if kind == "multilabel" else (1.7,) * 4, strict=True))
    return replace(run, card=replace(run.card, calibration=CalibrationCard(temperatures=values)))


def _learnt() -> Run:
    """Its classes are read from outputs that go by the same names: from one, from several, and from both."""
    run, (first, second, *others) = network_run("cnet", signal_spec(crop=2.5, stride=2.5)), CLASSES
    readings = {first: ((first,), (second, *others)), second: (CLASSES,)} | {name: ((name,),) for name in others}
    learnt = LearntCard(tasks=("all",), classes=CLASSES, readings=readings)
    return replace(run, card=replace(run.card, learnt=learnt))


def _beside() -> Run:
    scale = {"rr": FeatureScale("log", (-0.2, 0.1), (0.5, 0.3))}
    return network_run("cnet", signal_spec(features=scale))


REPRESENTED: dict[str, Callable[[], Run]] = {
    f"{name} {scale}": lambda name=name, scale=scale: small_resnet(drawn(name, scale=scale))
    for name in REPRESENTATIONS
    for scale in ("record", "fixed")
} | {
    "gaf difference": lambda: small_resnet(drawn("gaf", gaf_method="difference")),
    "mtf uniform": lambda: small_resnet(drawn("mtf", mtf_strategy="uniform", mtf_bins=7)),
    "rp of 3 points": lambda: small_resnet(drawn("rp", rp_dimension=3, rp_delay=2)),
    "rp threshold": lambda: small_resnet(drawn("rp", rp_threshold=0.15)),
    "rp threshold point": lambda: small_resnet(drawn("rp", rp_threshold="point")),
    "rp threshold distance": lambda: small_resnet(drawn("rp", rp_threshold="distance")),
    "all at 256": lambda: network_run("alexnet", drawn(*REPRESENTATIONS, size=256)),
    "lead map": lambda: small_resnet(image_spec({"leads": LeadMapRecipe(72).parameters()}, leads=LEADS)),
}
"""Every representation, with every way of drawing it."""

NETWORKS: dict[str, Callable[[], Run]] = {name: lambda name=name: of_network(name) for name in list_models()}  # type: ignore[misc]

FUSED: dict[str, Callable[[], Run]] = (
    {
        f"{name} {kind}": lambda name=name, kind=kind: fused_run(name, branches(kind), kind)
        for name in list_fusions()
        for kind in ("multilabel", "multiclass")
    }
    | {
        f"{name} trained on": lambda name=name: fused_run(name, branches(), options={"finetune": True})
        for name in list_fusions("intermediate")
        if describe_fusion(name).fitting == "gradient"
    }
    | {"concat out of fold": _out_of_fold}
)
"""Every fusion of either kind of task, of branches that are frozen or trained on."""

OTHERS: dict[str, Callable[[], Run]] = {
    "members": lambda: members_run([network_run("cnet", signal_spec(), seed=seed) for seed in range(3)]),
    "a fusion in a fusion": lambda: fused_run("mean", {"fused": fused_run("concat", branches()), **branches()}),
    "read from statements": _learnt,
    "crops": lambda: network_run("gru", signal_spec(crop=2.5, stride=1.1)),
    "by the global scale": lambda: network_run("cnet", signal_spec(normalise="global", scale_mv=0.21)),
    "by the record": lambda: network_run("cnet", signal_spec(normalise="record", crop=5.0, stride=5.0)),
    **{f"windows by {how}": lambda how=how: _joined(how, "multilabel") for how in ("mean", "geometric", "max")},  # type: ignore[misc]
    "windows, classes exclude each other": lambda: _joined("geometric", "multiclass"),
}
"""Kinds of run, crops, normalisations and joined windows."""

CALIBRATED = {kind: lambda kind=kind: _calibrated(kind) for kind in ("multilabel", "multiclass")}
BESIDE = _beside
