"""What a fusion reads of a branch's network: its features, or its tokens and which of them are padding."""

from typing import Any

from torch import Tensor

from models import Network
from models.signal.padding import within
from pipeline.inputs.batches import Batch
from pipeline.inputs.maker import InputMaker
from pipeline.runs.learners import beside_input


def read_branch(network: Network, maker: InputMaker, batch: Batch, reads: str) -> tuple[Tensor, Tensor | None]:
    """Features or tokens of a batch.

    Args:
        network: the branch's.
        maker: makes its input.
        batch: of ``store_items``.
        reads: ``features`` or ``tokens``.

    Shape:
        (n, feature_dim) and None, or (n, t, token_dim) and (n, t) bool, which is None where nothing is padded.
    """
    beside = beside_input(maker, batch)
    length = beside.get("length")
    reading: Any = network  # of which some take a length, and some numbers beside the items
    tokens = reading.tokens(maker(batch.raw, batch.length), **beside)
    if reads == "features":
        return reading.pool(tokens) if length is None else reading.pool(tokens, length), None
    if length is None:
        return tokens, None
    return tokens, within(reading.token_length(length).to(tokens.device, non_blocking=True), tokens.shape[1])
