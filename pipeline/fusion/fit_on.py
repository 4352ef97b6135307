"""The items that a fusion is fitted on: what its card says of them, and that they can be fitted."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from models import describe_fusion
from pipeline.errors import EcgFusionError
from pipeline.fusion.branch_scores import cross_fitting_folds, read_answers
from pipeline.fusion.fitting import SOLVERS
from pipeline.runs.card import CARD, DEV_SCORES, FUSIONS, OUT_OF_FOLD_SCORES, Card
from pipeline.runs.card_file import read_card
from pipeline.runs.card_parts import FittedOn
from pipeline.runs.folder import branch_folders, member_folder
from pipeline.store.reading import Store, digest_of_items
from pipeline.training import defaults
from pipeline.training.kfold import held_out_members
from pipeline.training.options import TrainOptions

FITTED_ON = ("dev", "out_of_fold")


def fitted_on(
    options: TrainOptions, combine: str, named: Mapping[str, Path], cards: Mapping[str, Card]
) -> FittedOn | None:
    """What the card says of the items that a late fusion's weights are fitted on; None where there are none.

    Args:
        options: what the user chose.
        combine: the name of the fusion.
        named: the branches' folders.
        cards: the branches' cards.

    Raises:
        EcgFusionError: the items are to be training items, and a branch is no k-fold run.
    """
    if describe_fusion(combine).fitting == "nothing":
        return None
    partition = options.fit_on or FITTED_ON[0]
    if partition == "out_of_fold":
        without = [folder for name, folder in named.items() if cards[name].run_kind != "members"]
        if without:
            raise EcgFusionError(
                f"{without[0]} has no out-of-fold scores: train it with -kfold, or fit on dev (-fit_on dev)"
            )
        return FittedOn(scores=partition)
    return FittedOn(
        scores=partition,
        cross_fitting_folds=defaults.CROSS_FITTING_FOLDS,
        branches_stopped_on_these_items=tuple(cards),
        branches_fitted_on_these_items=tuple(name for name in named if _is_fitted_on_dev(cards[name], named[name])),
    )


def fitted_on_features(options: TrainOptions, named: Mapping[str, Path], cards: Mapping[str, Card]) -> FittedOn | None:
    """What the card says of the features that an intermediate fusion is fitted on; arguments as of ``fitted_on``.

    None where the branches are trained on with it, so that there are none beforehand.

    Raises:
        EcgFusionError: a branch is not of the kind whose features are asked for.
    """
    out_of_fold = options.fit_on == "out_of_fold"
    for name, folder in named.items():
        kind = cards[name].run_kind
        if out_of_fold and kind != "members":
            raise EcgFusionError(f"{folder} has no features out of fold: train it with -kfold, or leave -fit_on out")
        if not out_of_fold and kind != "network":
            way = " take -fit_on out_of_fold," if kind == "members" and not options.finetune else ""
            raise EcgFusionError(
                f"{folder} consists of several networks, and -model intermediate fuses what single ones see:{way} "
                f"name one of the runs inside it, or take -model late"
            )
    if options.finetune:
        return None
    return FittedOn(features="out_of_fold" if out_of_fold else "in_sample")


def out_of_fold_items(branches: Mapping[str, Path], train: Store) -> tuple[np.ndarray, np.ndarray]:
    """The rows of the items that k-fold branches were trained on, and of each the member that never saw it, in any.

    Args:
        branches: the folders of k-fold runs.
        train: the store of their training.

    Shape:
        (items,) int64 both; members are counted from 1.

    Raises:
        EcgFusionError: a branch was trained on other items, or leaves out other folds than the first.
    """
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for folder in branches.values():
        card = read_card(folder)
        rows, held_out_by = held_out_members(card, train)
        for number in range(1, (card.kfold or 0) + 1):
            seen = digest_of_items(train.columns["item_id"][rows[held_out_by != number]])
            place = member_folder(folder, number)
            if not (place / CARD).exists():
                raise EcgFusionError(f"{place / CARD} is missing: copy the whole run folder")
            if read_card(place).data.train_items_digest != seen:
                raise EcgFusionError(
                    f"{train.path} has other items, labels or patients than {folder} was trained with: "
                    f"name the store of its training with -data"
                )
        found.append((rows, held_out_by))
        if not all(map(np.array_equal, found[0], found[-1])):
            first = next(iter(branches.values()))
            raise EcgFusionError(
                f"the members of {folder} were trained without other items than those of {first}, so that few "
                f"items are new to both: train all branches with one -kfold, -limit and -folds_seed"
            )
    return found[0]


def _is_fitted_on_dev(card: Card, folder: Path) -> bool:
    """Whether weights of a fusion come from dev, its own or those of a fusion inside it."""
    if card.run_kind not in FUSIONS:
        return False
    inside = branch_folders(card, folder).values()
    own = (card.fitted_on is not None and card.fitted_on.scores == "dev") or card.is_calibrated_on_dev
    return own or any(_is_fitted_on_dev(read_card(inner), inner) for inner in inside)


def check_answers(card: Card, named: Mapping[str, Path], train: Store, dev: Store) -> None:
    """Refuses what a late fusion would come upon later, when its folder is there: answers, and items to fit on.

    Args:
        card: of the fusion.
        named: the branches' folders.
        train: its training store.
        dev: its dev store.

    Raises:
        EcgFusionError: a branch's answers cannot be joined with the others', or weights cannot be fitted on them.
    """
    on_dev, _ = read_answers(named, DEV_SCORES, dev, card.task)
    if card.fitted_on is None:
        return
    if card.fitted_on.scores == "out_of_fold":
        parts = [read_answers(named, OUT_OF_FOLD_SCORES, train, card.task)[0]]
    else:
        folds = cross_fitting_folds(on_dev, card.training.seed)
        parts = [on_dev[folds != fold] for fold in np.unique(folds)]
    entry = describe_fusion(card.options["combine"])
    if entry.fitting == "solver":
        for part in parts:
            SOLVERS[entry.name].check(part.labels, card.kind)
