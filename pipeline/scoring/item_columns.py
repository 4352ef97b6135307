"""What a store knows of its records beside their labels: age and sex, as columns that groups are made of."""

import math
from pathlib import Path

from pipeline.evaluation.item_table import ItemTable
from pipeline.runs.card_file import read_card
from pipeline.store.reading import Store, open_partition

_SEXES = {0: "male", 1: "female"}


def columns_of_run(run: Path, partition: str, data: Path | None = None) -> ItemTable:
    """Those of the store of a partition that a run is judged on.

    Args:
        run: the folder of a run.
        partition: ``train``, ``dev`` or ``test``.
        data: folder of the stores; None for those that it was trained on.

    Raises:
        EcgFusionError: the run or the store is missing.
    """
    return columns_of_store(open_partition(data or Path(read_card(run).data.folder), partition))


def columns_of_store(store: Store) -> ItemTable:
    """``age`` (years) and ``sex`` (male or female) of its items, and of its records by the first of their items."""
    ages = ["" if math.isnan(age) else f"{age:g}" for age in store.columns["age"].tolist()]
    sexes = [_SEXES.get(sex, "") for sex in store.columns["sex"].tolist()]
    columns = {}
    for name, cells in (("age", ages), ("sex", sexes)):
        by_record = dict(reversed([*zip(store.columns["record_id"].tolist(), cells, strict=True)]))
        columns[name] = by_record | dict(zip(store.columns["item_id"].tolist(), cells, strict=True))
    return ItemTable(str(store.path), columns)
