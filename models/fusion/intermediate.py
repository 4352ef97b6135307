"""What every intermediate fusion is: branches brought to one width, mixed, read by one linear layer."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from models.fusion.branches import BranchDropout, BranchShape
from models.fusion.tokens import at_most, check_mask, mean_token

HIDDEN_SIZE, DROPOUT, BRANCH_DROPOUT = 256, 0.3, 0.1  # of every fusion that says nothing else
MAX_TOKENS = 32


class BranchReader(nn.Module):
    """What reads features or tokens of the branches that it was built for, and refuses others.

    Args:
        branches: names, and widths, of which what the fusion reads is 2 or more.
        n_classes: logits that come out.

    Attributes:
        branches: their names, in the order of the weights.
        widths: of what is read of each.
        n_classes: logits that come out.
        axes: of what is read of a branch, features or tokens; the last is its width.
        chooses: whether it reads one token of many, so that its answer jumps where another one is chosen.

    Raises:
        ValueError: a width is too small.
    """

    axes: tuple[str, ...] = ("n", "features")
    chooses: bool = False

    def __init__(self, branches: Mapping[str, BranchShape], n_classes: int) -> None:
        super().__init__()
        of_tokens = "tokens" in self.axes
        widths = {name: shape.token_dim if of_tokens else shape.feature_dim for name, shape in branches.items()}
        for name, width in widths.items():
            if width < 2:  # a layer norm makes a single number 0
                raise ValueError(f"branch {name!r} is {width} wide; a fusion needs 2 or more")
        self.branches, self.widths = tuple(widths), tuple(widths.values())
        self.n_classes = n_classes

    def forward(self, branches: Mapping[str, Tensor], masks: Mapping[str, Tensor] | None = None) -> Tensor:
        """Logits, (n, n_classes); as ``outputs``, without those of each branch."""
        return self.outputs(branches, masks)[0]

    def outputs(
        self, branches: Mapping[str, Tensor], masks: Mapping[str, Tensor] | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Logits of the fusion, and of each branch alone, where there are any."""
        raise NotImplementedError

    def check(self, branches: Mapping[str, Tensor], masks: Mapping[str, Tensor]) -> None:
        """Refuses what the fusion was not built for.

        Raises:
            ValueError: the branches are other ones, their widths or numbers of items are wrong, or masks are not read.
        """
        if set(branches) != set(self.branches):
            given, built = ", ".join(branches) or "none", ", ".join(self.branches)
            raise ValueError(f"the branches given are {given}; the fusion was built for {built}")
        for name, width in zip(self.branches, self.widths, strict=True):
            shape = tuple(branches[name].shape)
            if len(shape) != len(self.axes) or shape[-1] != width:
                expected = ", ".join([*self.axes[:-1], str(width)])
                raise ValueError(f"branch {name!r} has shape {shape}; the fusion was built for ({expected})")
        first, *others = (branches[name].shape[0] for name in self.branches)  # in a graph this is any number
        if any(other != first for other in others):
            sizes = ", ".join(f"{name} {len(branches[name])}" for name in self.branches)
            raise ValueError(f"the branches differ in their number of items ({sizes}); give each the same items")
        if masks and "tokens" not in self.axes:
            raise ValueError("masks say which tokens are padding, and this fusion reads features; leave them out")


class IntermediateFusion(BranchReader):
    """The contract of all intermediate fusions that are learnt step by step; ``forward`` gives logits.

    An item's answer never depends on the others of its batch, in training neither but for what is
    drawn: there are layer norms and no batch norm.

    Args:
        branches: see ``BranchReader``.
        n_classes: see there.
        hidden_size: width that every branch is projected to, and of what the head reads.
        dropout: probability that a number is dropped on the way to the head, in [0, 1).
        branch_dropout: probability that a branch of an item is hidden in training, in [0, 1]; one
            always stays (see ``BranchDropout``).

    Attributes:
        head: the last linear layer.

    Raises:
        ValueError: a width is too small, or an option is out of range.

    Reference:
        Wang et al., What makes training multi-modal classification networks hard?, CVPR 2020, for
        a head on each branch: trained together, the branch that learns fastest silences the others.
    """

    def __init__(
        self,
        branches: Mapping[str, BranchShape],
        n_classes: int,
        hidden_size: int = HIDDEN_SIZE,
        dropout: float = DROPOUT,
        branch_dropout: float = BRANCH_DROPOUT,
    ) -> None:
        super().__init__(branches, n_classes)
        if hidden_size < 2:
            raise ValueError(f"hidden_size is {hidden_size}; a fusion needs 2 or more")
        # By position: a name may hold what the key of a weight may not.
        self.projections = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, hidden_size)) for width in self.widths
        )
        self.auxiliary_heads = nn.ModuleList(nn.Linear(hidden_size, n_classes) for _ in self.widths)
        self.branch_dropout = BranchDropout(len(self.widths), hidden_size, branch_dropout)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden_size, n_classes)
        self.add_layers(hidden_size)

    def add_layers(self, hidden_size: int) -> None:
        """Adds what ``fuse`` learns, of a fusion that has no other options than these."""

    def fuse(self, own: Sequence[Tensor], masks: Sequence[Tensor | None]) -> Tensor:
        """What the head reads, from all branches in order, projected: (n, hidden_size)."""
        raise NotImplementedError

    def read(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """What is projected of one branch; it as it is, unless the fusion says otherwise."""
        return x, mask

    def summarise(self, own: Tensor, mask: Tensor | None) -> Tensor:
        """What the auxiliary head reads of one projected branch, (n, hidden_size)."""
        return own

    def alone(self, own: Tensor, mask: Tensor | None, head: nn.Module) -> Tensor:
        """Logits of one projected branch by its auxiliary head, (n, n_classes)."""
        y: Tensor = head(self.summarise(own, mask))
        return y

    def outputs(
        self, branches: Mapping[str, Tensor], masks: Mapping[str, Tensor] | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Logits of the fusion, and of each branch alone, for a loss that keeps each from falling silent.

        Those of a branch are read from its projection by a linear layer of its own, before anything
        is mixed or hidden.

        Args:
            branches: features or tokens of the same items, by branch, in any order.
            masks: by branch, true where a token belongs to its item; a branch that has none is not
                padded. Only fusions that read tokens take any.

        Shape:
            - branches: (n, width), or (n, t, width) with any t of each branch
            - masks: (n, t) bool
            - returns: (n, n_classes), and for each branch (n, n_classes)

        Raises:
            ValueError: the branches are not those that the fusion was built for, their widths or
                numbers of items are wrong, or a mask does not fit or leaves an item without a token.
        """
        masks = masks or {}
        self.check(branches, masks)
        own: list[Tensor] = []
        own_masks: list[Tensor | None] = []
        auxiliary = {}
        for name, project, head in zip(self.branches, self.projections, self.auxiliary_heads, strict=True):
            x, mask = self.read(branches[name], masks.get(name))
            own.append(project(x))  # (n, hidden_size) or (n, t, hidden_size)
            own_masks.append(mask)
            auxiliary[name] = self.alone(own[-1], mask, head)
        fused = self.fuse(self.branch_dropout(own), own_masks)
        return self.head(self.dropout(fused)), auxiliary


class TokenFusion(IntermediateFusion):
    """What every fusion is that reads tokens of its branches: no more than so many, each with a mask where padded.

    Args:
        branches: see ``BranchReader``.
        n_classes: see there.
        hidden_size: see ``IntermediateFusion``.
        dropout: see there.
        branch_dropout: see there.
        max_tokens: of an item in a branch; of more, neighbours are averaged first (see ``at_most``).

    Raises:
        ValueError: as ``IntermediateFusion``, or ``max_tokens`` is less than 1.
    """

    axes = ("n", "tokens", "width")

    def __init__(
        self,
        branches: Mapping[str, BranchShape],
        n_classes: int,
        hidden_size: int = HIDDEN_SIZE,
        dropout: float = DROPOUT,
        branch_dropout: float = BRANCH_DROPOUT,
        max_tokens: int = MAX_TOKENS,
    ) -> None:
        super().__init__(branches, n_classes, hidden_size, dropout, branch_dropout)
        if max_tokens < 1:
            raise ValueError(f"max_tokens is {max_tokens}; a branch needs 1 or more")
        self.max_tokens = max_tokens

    def check(self, branches: Mapping[str, Tensor], masks: Mapping[str, Tensor]) -> None:
        super().check(branches, masks)
        for name, tokens in branches.items():
            if not tokens.shape[1]:
                raise ValueError(f"branch {name!r} has no tokens; give it 1 or more")
        for name, mask in masks.items():
            if name not in branches:
                raise ValueError(f"there is a mask of {name!r}; the branches are {', '.join(self.branches)}")
            check_mask(mask, branches[name], what=f"the mask of branch {name!r}")

    def read(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """No more than ``max_tokens`` tokens, zero where padded."""
        return at_most(x, mask, self.max_tokens)

    def summarise(self, own: Tensor, mask: Tensor | None) -> Tensor:
        return mean_token(own, mask)
