"""What happens to annotations: pairs of bytes, of which the upper six bits are a code and the others an interval."""

import random
from pathlib import Path

import numpy as np

_CODES, _INTERVALS = 64, 1024


def change_an_annotation(chance: random.Random, path: Path) -> str:
    words = np.frombuffer(path.read_bytes()[: path.stat().st_size // 2 * 2], "<u2").tolist() or [0]
    number = chance.randrange(len(words))
    code, interval = divmod(words[number], _INTERVALS)
    how = chance.choice(("another code", "another interval", "dropped", "doubled", "exchanged", "no end", "end"))
    if how == "another code":
        words[number] = chance.randrange(_CODES) * _INTERVALS + interval
    elif how == "another interval":
        words[number] = code * _INTERVALS + chance.choice((0, 1, _INTERVALS - 1, chance.randrange(_INTERVALS)))
    elif how == "exchanged":
        other = chance.randrange(len(words))
        words[number], words[other] = words[other], words[number]
    elif how == "no end":
        words = words[:-1]
    elif how == "end":
        words[number] = 0
    else:
        words[number : number + 1] = [words[number]] * (2 * (how == "doubled"))
    path.write_bytes(np.array(words, "<u2").tobytes())
    return f"word {number} of {len(words)}, code {code} interval {interval}: {how}"
