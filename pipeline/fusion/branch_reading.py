"""What a fusion reads of a branch's network: its features, or its tokens and which of them are padding."""

from torch import Tensor

from models import Network, SignalNetwork
from models.signal.padding import within
from pipeline.inputs.batches import Batch
from pipeline.inputs.maker import InputMaker


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
    x = maker(batch.raw, batch.length)
    if not isinstance(network, SignalNetwork) or batch.length is None:
        tokens = network.tokens(x)
        return (tokens, None) if reads == "tokens" else (network.pool(tokens), None)
    tokens = network.tokens(x, batch.length)
    if reads == "features":
        return network.pool(tokens, batch.length), None
    return tokens, within(network.token_length(batch.length).to(tokens.device, non_blocking=True), tokens.shape[1])
