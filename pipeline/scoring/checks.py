"""Which stores a run can score, and which it must not."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.inputs.features import knows_feature, n_numbers_of
from pipeline.inputs.spec import FeatureScale, InputSpec
from pipeline.runs.card import DEV_SCORES, Card
from pipeline.runs.card_parts import DataCard
from pipeline.runs.folder import leaves, scores_of_run
from pipeline.store.reading import Store, digest_of_items, open_store, store_path

if TYPE_CHECKING:
    from models import Network
    from pipeline.runs.build import Run

FOLDS_OF_A_FILE = "file"  # the scheme of --folds_file, of which two may differ


def check_fit(card: Card, store: Store, folder: Path) -> None:
    """Refuses a store whose items are not what the run in ``folder`` is trained to see."""
    for inner, place in leaves(card, folder):
        _check_network_fits(inner, store, place)


def _check_network_fits(card: Card, store: Store, folder: Path) -> None:
    spec, found = card.spec, store.attributes
    band = None if card.data.band is None else list(card.data.band)
    wanted = {"sampling_rate": spec.sampling_rate, "band": band, "gain": spec.gain}
    for name, value in wanted.items():
        if found[name] != value:
            raise EcgFusionError(
                f"{store.path} has {name} {found[name]} and {folder} is for {value}: "
                f"make a store with create_images.py as its training store was made"
            )
    if store.cut != (card.data.cut or {}):
        ours, theirs = (describe_cut(cut) for cut in (card.data.cut, store.cut))
        raise EcgFusionError(
            f"{store.path} holds {theirs} and {folder} is for {ours}: "
            f"make a store with create_images.py as its training store was made"
        )
    check_images(spec, store)  # before the leads, since a store without images has none of these either
    there, what = (store.leads, "") if spec.takes_signals else (store.image_leads, "images of ")
    absent = [lead for lead in spec.leads if lead not in there]
    if absent:
        raise EcgFusionError(
            f"{store.path} lacks {what}lead {', '.join(absent)}, which {folder} needs: name other stores with -data"
        )
    check_features(spec.features, store, f"name stores with -data made as those that {folder} was trained on")
    labels = store.task(card.task)
    if labels.kind != card.kind:
        raise EcgFusionError(
            f"{store.path} has {card.task} as a {labels.kind} task and {folder} as {card.kind}: "
            f"copy the run folder again"
        )
    if labels.classes != card.classes:
        raise EcgFusionError(f"{store.path} has other classes of {card.task} than {folder}: make it anew")


def check_items(run: "Run", store: Store, rows: np.ndarray) -> None:
    """Refuses items that are too short for what any network of a loaded run sees; see ``check_lengths``."""
    if run.network is not None and run.spec is not None:
        way = f"name stores with -data whose items are as long, as {run.folder} was trained on"
        check_lengths(run.card.model, run.spec, run.network, store, rows, way)
    for part in run.parts.values():
        check_items(part, store, rows)


def describe_cut(cut: Mapping[str, Any] | None) -> str:
    """What the items of a store are, in words.

    >>> describe_cut({}), describe_cut({"kind": "windows", "window_s": 5.0, "stride_s": 2.5})
    ('whole records', 'windows (window_s 5.0, stride_s 2.5)')
    """
    if not cut:
        return "whole records"
    how = ", ".join(f"{name} {value}" for name, value in cut.items() if name != "kind")
    return f"{cut['kind']} ({how})" if how else str(cut["kind"])


def check_lengths(
    model: str, spec: InputSpec, network: "Network", store: Store, rows: np.ndarray, way: str | None = None
) -> None:
    """Refuses items of other lengths than a network takes: an image would show padding, as if it were a signal.

    Args:
        model: the network's name.
        spec: what it sees.
        network: the network itself.
        store: the items' store.
        rows: their row numbers.
        way: what can be done, once the network is trained; None before, when other crops can be chosen.

    Raises:
        EcgFusionError: an item is too short, or too long.
    """
    if spec.beat is not None or not len(rows):
        return
    lengths, smallest, only = store.lengths[rows], network.smallest_size, getattr(network, "only_samples", None)
    shortest, item = int(lengths.min()), store.columns["item_id"][rows[lengths.argmin()]]
    if only is not None and spec.crop is None and (lengths != only).any():
        item = store.columns["item_id"][rows[(lengths != only).argmax()]]
        raise EcgFusionError(
            f"{model} -head flatten takes items of {only} samples alone, and the item {item} of {store.path} has "
            f"another number: {way or 'take -head mean, or -crop, or make windows (create_images.py --window)'}"
        )
    if spec.modality == "signal":
        if shortest < smallest:
            raise EcgFusionError(
                f"{model} takes at least {smallest} samples, and the item {item} of {store.path} has {shortest}: "
                f"{way or 'take another network, or stores without such items'}"
            )
        return
    width = store.signals.shape[2] if spec.crop is None else spec.crop_samples
    if shortest < width:
        rate = store.sampling_rate
        own = f"{shortest / rate:g}"
        usual = f"show crops of at most {own} s (-crop {own}), or make windows (create_images.py --window {own})"
        raise EcgFusionError(
            f"{model} sees images of {width / rate:g} s, and the item {item} of {store.path} has {own} s, "
            f"and images of padded time are not drawn: {way or usual}"
        )


def check_images(spec: InputSpec, store: Store) -> None:
    """Refuses a store whose images were made otherwise than the spec says."""
    if spec.modality != "image" or spec.on_the_fly:
        return
    for name, parameters in spec.representations.items():
        if name not in store.images:
            raise EcgFusionError(
                f"{store.path} holds no {name}: make a store with --representations {name}, or name one that has it "
                f"with -data (signals of all leads are in it, too)"
            )
        if store.image_parameters[name] != dict(parameters):
            raise EcgFusionError(
                f"{store.path} holds {name} of other parameters: make it as the training store was made"
            )


def check_features(features: Mapping[str, FeatureScale] | None, store: Store, way: str) -> None:
    """Refuses a store without the features that a network sees, or with others of their names.

    Args:
        features: as in ``InputSpec``.
        store: whose items are to be seen.
        way: what can be done.
    """
    for name, scale in (features or {}).items():
        if not knows_feature(store, name):
            there = f"only {', '.join(store.features)}" if store.features else "and no other"
            raise EcgFusionError(f"{store.path} has no feature {name} of its items, {there}: {way}")
        found = n_numbers_of(store, name)
        if found != len(scale.mean):
            raise EcgFusionError(
                f"the feature {name} of {store.path} has {found} numbers of an item, and {len(scale.mean)} are seen: "
                f"{way}"
            )


def refuse_training_items(card: Card, folder: Path, store: Store) -> None:
    """Refuses a store of items that any network of a run was trained on, or the runs that these have learnt from."""
    for inner, _ in leaves(card, folder):
        for data in inner.learnt_from:
            refuse_items_of(data, folder, store)


def refuse_dev_items(card: Card, folder: Path, store: Store) -> None:
    """Refuses a store of items that a run's thresholds were chosen on, before they are scored.

    Which they are the dev scores say; where these are gone, the card, by their folds and their digest.
    """
    data = card.data
    if data.source != store.attributes["source"]:
        return
    dev = scores_of_run(card, folder, DEV_SCORES)
    if dev is not None:
        shared = np.intersect1d(dev.item_id, store.columns["item_id" if card.join is None else "record_id"])
        what = f"{len(shared)} items, {str(shared[0])!r} first, that" if len(shared) else ""
    elif _numbers_folds_alike(data, store) and (folds := _shared_folds(data.folds.get("dev", ()), store)):
        what = f"fold {folds[0]}, which"
    else:
        labelled = store.columns["item_id"][store.task(card.task).labelled]
        what = "the very items that" if digest_of_items(labelled) == data.dev_items_digest else ""
    if what:
        raise EcgFusionError(
            f"{store.path} holds {what} the thresholds of {folder} were chosen on: name stores of the folds it was "
            f"trained with, as in {data.folder}"
        )


def _shared_folds(folds: Iterable[int], store: Store) -> list[int]:
    return sorted({*folds} & {int(fold) for fold in store.columns["fold"]} - {0})


def _numbers_folds_alike(data: DataCard, store: Store) -> bool:
    """Whether a number of a fold means the same items in both: no scheme has dealt them out otherwise."""
    return (data.scheme, data.scheme_seed) == (store.scheme, store.attributes.get("folds_seed"))


def _training_items(data: DataCard) -> np.ndarray | None:
    """The ``item_id`` of all items of the partition that was trained on, while its store lies where it lay."""
    try:
        train = open_store(store_path(Path(data.folder), "train"))
    except EcgFusionError:
        return None
    same = data.source == train.attributes["source"] and _numbers_folds_alike(data, train)
    folds = train.attributes["folds"].get("train", [])
    return train.columns["item_id"] if same and [*data.folds.get("train", ())] == [*folds] else None


def refuse_items_of(data: DataCard, folder: Path, store: Store) -> None:
    """Refuses a store that holds some of the items that a run in ``folder`` was trained on, as ``data`` says it."""
    if data.source == store.attributes["source"]:
        alike = _numbers_folds_alike(data, store)
        shared = _shared_folds(data.folds.get("train", ()), store) if alike else []
        if shared:
            raise EcgFusionError(
                f"{store.path} holds fold {shared[0]}, which {folder} was trained on: choose a store of other folds "
                f"(create_images.py --folds)"
            )
        told_by_folds = alike and (store.columns["fold"] != 0).all() and data.scheme != FOLDS_OF_A_FILE
        trained_on = None if told_by_folds else _training_items(data)
        both: np.ndarray | list[str] = (
            [] if trained_on is None else np.intersect1d(trained_on, store.columns["item_id"])
        )
        if len(both):
            raise EcgFusionError(
                f"{store.path} holds {len(both)} items, {str(both[0])!r} first, that {folder} was trained on: choose a "
                f"store of other folds"
            )
        if trained_on is None and not alike:
            raise EcgFusionError(
                f"the folds of {store.path} were made {_how(store.scheme)}, those of {folder} {_how(data.scheme)}, so "
                f"that it may hold what was trained on: name stores of its folds, as in {data.folder}"
            )
    if digest_of_items(store.columns["item_id"]) == data.train_items_digest:
        raise EcgFusionError(f"{store.path} holds the very items that {folder} was trained on")


def _how(scheme: str | None) -> str:
    return "by the data set" if scheme is None else f"with --folds {scheme}"
