"""Which of several is the one that belongs to it: the loss that contrastive methods share."""

import torch
from torch import Tensor


def info_nce(logits: Tensor, valid: Tensor | None = None) -> Tensor:
    """The cross-entropy of the right one among all: of row i, column i. The mean over rows, leading ones too.

    Equal logits give the logarithm of the number of columns, whatever they are.

    Args:
        logits: how alike each row and column are.
        valid: items that are there; others count neither as a row nor as a column. None where all are.

    Shape:
        - logits: (…, n, n)
        - valid: (…, n) bool
        - returns: a number, 0 where no item is there

    Reference:
        Van den Oord, Li and Vinyals, Representation learning with contrastive predictive coding, 2018.
    """
    logits = logits.float()
    if valid is None:
        return -logits.log_softmax(-1).diagonal(dim1=-2, dim2=-1).mean()
    # a row that is not there keeps its columns, so that nothing of it is no number, and is left out of the mean
    logits = logits.masked_fill(valid[..., :, None] & ~valid[..., None, :], -torch.inf)
    losses = -logits.log_softmax(-1).diagonal(dim1=-2, dim2=-1)
    return losses.masked_fill(~valid, 0.0).sum() / valid.sum().clamp(min=1)


@torch.no_grad()
def found(logits: Tensor, valid: Tensor | None = None) -> Tensor:
    """The share of rows whose own column is the likeliest; arguments as of ``info_nce``."""
    if valid is not None:
        logits = logits.masked_fill(~valid[..., None, :], -torch.inf)
    right = logits.argmax(-1) == torch.arange(logits.shape[-1], device=logits.device)
    if valid is None:
        return right.float().mean()
    return (right & valid).sum() / valid.sum().clamp(min=1)
