"""A fused run's card → what it learns with, and from."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from models import describe_fusion
from pipeline.fusion.finetuned import JointItems, JointLearner
from pipeline.fusion.frozen import KeptLearner, keep
from pipeline.fusion.members import MembersLearner, keep_of_members
from pipeline.inputs.batches import Items
from pipeline.runs.build import Run
from pipeline.runs.card import Card
from pipeline.runs.learners import Learner
from pipeline.store.reading import Store


def fusion_learner(card: Card, network: Any, branches: Mapping[str, Run]) -> Learner:
    """The learner of an intermediate fusion; ``network`` is what ``build_fusion`` made."""
    options = card.options
    if card.is_fitted_out_of_fold:
        return MembersLearner(network, card.kind, options["auxiliary"])
    if not options["finetune"]:
        return KeptLearner(network, options["auxiliary"])
    reads, rate = describe_fusion(options["combine"]).reads, card.training.branch_learning_rate
    return JointLearner(network, branches, reads, options["auxiliary"], rate)


def fusion_items(
    card: Card,
    network: Any,
    branches: Mapping[str, Run],
    store: Store,
    rows: np.ndarray,
    device: torch.device,
    workers: int = 0,
    held_out_by: np.ndarray | None = None,
) -> Items:
    """Some items of a store as that learner takes them.

    Frozen branches say once what they see, while ``workers`` processes read ahead what lies on disk; of k-fold ones
    the member that never saw an item, ``held_out_by``, or all of them.
    """
    if card.options["finetune"]:
        return JointItems(branches, store, rows, device)
    reads_tokens = describe_fusion(card.options["combine"]).reads == "tokens"
    if card.is_fitted_out_of_fold:
        most = network[0].max_tokens if reads_tokens else None
        return keep_of_members(branches, most, store, rows, device, workers, held_out_by)
    return keep(branches, network.max_tokens if reads_tokens else None, store, rows, device, workers)
