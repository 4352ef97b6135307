"""What a data set is cut into, and which partition each item is in."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.labels import SAMPLE_SEED, sample_in_proportion
from pipeline.sources.base import Source
from pipeline.sources.cuts import choose_cut
from pipeline.sources.folds_files import read_folds
from pipeline.sources.items import Cut, ItemTable
from pipeline.sources.schemes import Scheme, general_scheme
from pipeline.store.options import StoreOptions
from pipeline.store.partitions import Folds, parse_folds, partition_rows

_EXAMPLE = "train=1-8 dev=9 test=10"


@dataclass(frozen=True, eq=False)
class Division:
    """Items, and their folds.

    Attributes:
        source: the data set.
        cut: how its records are cut.
        items: what they are cut into, in their folds.
        folds: of each partition.
        scheme: the word for how the folds were made; None for those that the data set has.
        computed: whether they were drawn, and are to be written down.
        intra_patient: whether items of one patient may be in several partitions.
        wanted: the partitions that stores are made of.
        limit: how many records (of heartbeats: items) of each are taken; None for all.
        seed: of the draw.
    """

    source: Source
    cut: Cut
    items: ItemTable
    folds: Folds
    scheme: str | None
    computed: bool
    intra_patient: bool
    wanted: tuple[str, ...]
    limit: int | None
    seed: int

    def attributes(self) -> dict[str, Any]:
        """What a store says of it; nothing where it is whole records in the data set's own folds."""
        cut = self.cut.parameters()
        said: dict[str, Any] = {"cut": cut} if cut else {}
        if self.scheme is not None:
            said["scheme"] = self.scheme
        if self.computed:
            said["folds_seed"] = self.seed
        if self.intra_patient:
            said["intra_patient"] = True
        return said

    @cached_property
    def whole(self) -> Mapping[str, np.ndarray]:
        """Wanted partition to the row numbers of all its items; none where the folds do not name it."""
        rows = partition_rows(self.items.rows, self.folds, self.intra_patient)
        return {name: rows.get(name, np.array([], int)) for name in self.wanted}

    @cached_property
    def rows(self) -> Mapping[str, np.ndarray]:
        """Wanted partition to the row numbers of the items that are taken."""
        return {name: self._sampled(chosen) for name, chosen in self.whole.items()}

    @property
    def sampled_task(self) -> str | None:
        """The task in whose shares a sample is drawn."""
        usual, labels = self.source.entry.default_task, self.items.labels
        return usual if usual in labels else next(iter(labels), None)

    def _sampled(self, rows: np.ndarray) -> np.ndarray:
        """So many of some rows, in their order, in which the classes of the usual task have their shares."""
        if self.limit is None:
            return rows
        record, one = self.items.rows["record"].to_numpy(), rows
        if not self.of_beats:
            one = rows[np.unique(record[rows], return_index=True)[1]]
        if self.limit >= len(one):
            return rows
        strata, task = np.zeros((len(one), 0)), self.sampled_task
        if task is not None:
            labels = self.items.labels[task].rows(one)
            without = ~labels.labelled  # an item without a label is none without a class
            strata = np.column_stack([labels.values, without])
        sampled: np.ndarray = one[sample_in_proportion(strata, self.limit, SAMPLE_SEED)]
        if not self.of_beats:
            sampled = rows[np.isin(record[rows], record[sampled])]
        return sampled

    @property
    def of_beats(self) -> bool:
        """Whether an item is a heartbeat, with a label of its own."""
        return bool(self.cut.parameters().get("kind") == "beats")


def divide(options: StoreOptions) -> Division:
    """Cuts a data set into items, and deals these out.

    Raises:
        EcgFusionError: an option does not fit the data set, or a patient would be in two partitions.
    """
    source = options.source
    cut = choose_cut(source, options.window, options.stride, options.beat, options.beat_extent, options.beats)
    items = cut.table(source)
    if options.folds_file is not None:
        of_record = read_folds(options.folds_file, source)
        items = items.with_folds(of_record[items.rows["record"].to_numpy()])
    name, scheme, words = _chosen(options)
    if scheme.folds is not None:
        try:
            items = items.with_folds(scheme.folds(source, items, options.folds_seed))
        except ValueError as problem:
            raise EcgFusionError(f"{source.folder}, --folds {name}: {problem}: give fewer, as kfold:5") from None
    folds = parse_folds(words)
    if scheme.folds is None and options.folds_file is None and not (items.rows["fold"] > 0).any():
        raise EcgFusionError(
            f"--folds {' '.join(words)}: the records in {source.folder} have no folds of their own: draw some with "
            f"--folds stratified {' '.join(words)} or --folds kfold:5, or give them with --folds_file"
        )
    return Division(
        source=source,
        cut=cut,
        items=items,
        folds=folds,
        scheme=name,
        computed=scheme.folds is not None,
        intra_patient=scheme.intra_patient or source.intra_patient,
        wanted=tuple(options.partition or folds),
        limit=options.limit,
        seed=options.folds_seed,
    )


def _chosen(options: StoreOptions) -> tuple[str | None, Scheme, tuple[str, ...]]:
    """The name of the scheme, if one was chosen, what it is, and the words of its partitions."""
    usual = options.source.entry.default_folds
    words = options.folds if options.folds is not None else usual
    if options.folds_file is not None and options.folds is None and "=" not in " ".join(usual):
        words = tuple(_EXAMPLE.split())
    if not words:
        raise EcgFusionError(f"--folds is empty: give for example {_EXAMPLE}")
    if options.folds_file is not None:
        if "=" not in words[0]:
            raise EcgFusionError(f"--folds {words[0]} makes folds, and --folds_file gives them: leave one out")
        return "file", Scheme(()), words
    name = None if "=" in words[0] else words[0]
    if options.fold is not None and not (name or "").startswith("kfold:"):
        raise EcgFusionError("--fold says which fold of --folds kfold:5 is test: give that too, or leave it out")
    if options.fold is not None and words[1:]:
        raise EcgFusionError(f"--fold {options.fold} and --folds {' '.join(words)} both name partitions: leave one out")
    if name is None:
        return None, Scheme(()), words
    own = options.source.schemes
    scheme = own.get(name) or general_scheme(name, options.fold)
    if scheme is None:
        known = ", ".join([*own, "stratified", "kfold:5"])
        raise EcgFusionError(f"--folds {name} is not understood: write for example {_EXAMPLE}, or one of {known}")
    return name, scheme, words[1:] or scheme.words
