"""Tokens of unequal number: fewer of them, their mean and maximum, their place in the item."""

import torch
from torch import Tensor
from torch.nn import functional


def at_most(tokens: Tensor, mask: Tensor | None, n: int) -> tuple[Tensor, Tensor | None]:
    """No more than ``n`` tokens of each item: the means of equally many neighbours, in order.

    The neighbours are as few as will do, and the last group may have fewer. Each item is divided
    by its own number of tokens, so that padding changes nothing; what has few enough stays as it
    is, so that a second time changes nothing either.

    Args:
        tokens: of any number.
        mask: true where a token belongs to its item; None where all do.
        n: 1 or more.

    Shape:
        - tokens: (items, t, d)
        - mask: (items, t) bool
        - returns: (items, t', d) with t' ≤ n, and (items, t') bool, or None where ``mask`` is;
          zero where a token belongs to no item

    Raises:
        ValueError: ``n`` is less than 1.
    """
    if n < 1:
        raise ValueError(f"at most {n} tokens leave nothing; keep 1 or more")
    tokens, t = blank(tokens, mask), tokens.shape[1]
    if t <= n:
        return tokens, mask
    if mask is None:
        means = functional.avg_pool1d(tokens.transpose(1, 2), -(-t // n), ceil_mode=True)
        return means.transpose(1, 2), None
    width = -(-mask.sum(1, keepdim=True) // n)  # (items, 1), neighbours of a group
    group = (mask.cumsum(1) - 1) // width.clamp(min=1)
    member = (group[:, None] == torch.arange(n, device=mask.device)[:, None]) & mask[:, None]  # (items, n, t)
    size = member.sum(2, keepdim=True)
    weights = (member / size.clamp(min=1)).to(tokens.dtype)
    return weights @ tokens, size.squeeze(2) > 0


def check_mask(mask: Tensor, tokens: Tensor, *, what: str) -> None:
    """Refuses what is no mask of these tokens. It looks at the mask, which on a device costs a wait.

    Args:
        mask: to be (n, t) bool with a token for each item.
        tokens: (n, t, d).
        what: the mask is, for the message.

    Raises:
        ValueError: the mask is not bool, has another shape, or leaves an item without a token.
    """
    if mask.dtype != torch.bool or mask.shape != tokens.shape[:2]:
        raise ValueError(f"{what} is {mask.dtype} {tuple(mask.shape)}; it must be bool {tuple(tokens.shape[:2])}")
    if not mask.any(1).all():
        raise ValueError(f"{what} leaves item {int(mask.any(1).int().argmin())} without a token; leave the item out")


def padded(tokens: Tensor, mask: Tensor | None) -> Tensor:
    """Where a token belongs to no item, (n, t) bool."""
    return torch.zeros(tokens.shape[:2], dtype=torch.bool, device=tokens.device) if mask is None else ~mask


def blank(tokens: Tensor, mask: Tensor | None) -> Tensor:
    """Zero where a token belongs to no item, (n, t, d) and (n, t)."""
    return tokens if mask is None else tokens.masked_fill(~mask[..., None], 0.0)


def mean_token(tokens: Tensor, mask: Tensor | None) -> Tensor:
    """The mean of an item's own tokens, (n, t, d) and (n, t) -> (n, d)."""
    return tokens.mean(1) if mask is None else blank(tokens, mask).sum(1) / mask.sum(1, keepdim=True)


def largest_token(tokens: Tensor, mask: Tensor | None) -> Tensor:
    """The maximum over an item's own tokens, (n, t, d) and (n, t) -> (n, d)."""
    return (tokens if mask is None else tokens.masked_fill(~mask[..., None], -torch.inf)).amax(1)


def relative_position(tokens: Tensor, mask: Tensor | None) -> Tensor:
    """Where each token's middle lies in its item, in (0, 1), as if all were equally long.

    So tokens of two branches that lie at one time have one position, however many there are.

    Shape:
        - tokens: (n, t, d), of which only the number is read
        - mask: (n, t) bool, or None
        - returns: (n, t), or (1, t) where nothing is padded
    """
    if mask is None:
        mask = ~padded(tokens[:1], None)
    return (mask.long().cumsum(1) - 0.5) / mask.sum(1, keepdim=True)
