"""Which folds make up which partition, and that no patient is in two of them."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import EcgFusionError

if TYPE_CHECKING:
    import pandas as pd

PARTITIONS = ("train", "dev", "test")

Folds = dict[str, list[int]]
_SPAN = r"\d{1,4}(?:-\d{1,4})?"


def parse_folds(words: Sequence[str]) -> Folds:
    """Partition name to fold numbers, from words such as ``train=1-8``, ``dev=9`` or ``test=3,5-7``.

    Raises:
        EcgFusionError: a word is malformed, a partition comes twice, or a fold is in two partitions.
    """
    folds: Folds = {}
    for word in words:
        match = re.fullmatch(rf"({'|'.join(PARTITIONS)})=({_SPAN}(?:,{_SPAN})*)", word)
        if not match:
            if re.fullmatch(r"(?i)val(id|idation)?=.*|development=.*", word):
                raise EcgFusionError(
                    f"--folds {word} is not understood: it is called dev here, write dev={word.partition('=')[2]}"
                )
            raise EcgFusionError(f"--folds {word} is not understood: write for example train=1-8 dev=9 test=10")
        if match[1] in folds:
            raise EcgFusionError(f"--folds names {match[1]} twice: give each partition once")
        folds[match[1]] = sorted({number for part in match[2].split(",") for number in _span(part)})
    taken: dict[int, str] = {}
    for partition, numbers in folds.items():
        for number in numbers:
            if number in taken:
                raise EcgFusionError(
                    f"--folds puts fold {number} into {taken[number]} and {partition}: choose disjoint folds"
                )
            taken[number] = partition
    return folds


def format_folds(folds: Mapping[str, Sequence[int]]) -> str:
    """The words that ``parse_folds`` reads: ``train=1-8 dev=9 test=10``."""
    return " ".join(f"{name}={','.join(_runs(numbers))}" for name, numbers in folds.items())


def _runs(numbers: Sequence[int]) -> list[str]:
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return [f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]


def _span(part: str) -> range:
    first, _, last = part.partition("-")
    if int(last or first) < int(first):
        raise EcgFusionError(f"--folds {part} runs backwards: write {last}-{first}")
    return range(int(first), int(last or first) + 1)


def partition_rows(items: "pd.DataFrame", folds: Folds, intra_patient: bool = False) -> dict[str, np.ndarray]:
    """Partition name to the row numbers of its items, in the table's order.

    Args:
        items: their ``fold`` and ``patient_id``.
        folds: of each partition.
        intra_patient: whether a patient may be in two.

    Raises:
        EcgFusionError: a patient is in two partitions, and may not.
    """
    rows = {name: np.flatnonzero(items["fold"].isin(numbers)) for name, numbers in folds.items()}
    seen: dict[str, str] = {}
    for name, chosen in () if intra_patient else rows.items():
        patients = set(items["patient_id"].iloc[chosen])
        shared = sorted(patients & seen.keys())
        if shared:
            raise EcgFusionError(
                f"patient {shared[0]} (one of {len(shared)}) is in {seen[shared[0]]} and in {name}: "
                f"choose --folds that keep every patient in one partition"
            )
        seen.update(dict.fromkeys(patients, name))
    return rows
