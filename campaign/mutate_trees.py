"""What happens to JSON: a field becomes another."""

import json
import random
from pathlib import Path
from typing import Any

from campaign.nasty import NASTY_VALUES


def change_a_field(chance: random.Random, path: Path) -> str:
    """Of JSON: another value, another order, another name, or none."""
    tree = json.loads(path.read_text(encoding="utf-8"))
    holder, key, where = _leaf(chance, tree)
    how = chance.choice(("nasty", "near", "near", "dropped", "renamed", "doubled"))
    was = holder[key]
    if how == "nasty":
        holder[key] = chance.choice(NASTY_VALUES)
    elif how == "near":
        holder[key] = near(chance, was)
    elif how == "dropped":
        del holder[key]
    elif isinstance(holder, dict):
        holder[f"{key}_2"] = holder[key] if how == "doubled" else holder.pop(key)
    else:
        holder.append(was)
    path.write_text(json.dumps(tree, indent=2) + "\n", encoding="utf-8")
    return f"{where}: {str(was)[:60]} {how}"


def _leaf(chance: random.Random, tree: Any) -> tuple[Any, Any, str]:
    """Somewhere in a tree: what holds the value, under which key, and the way to it."""
    holder, where = tree, ""
    while True:
        key = chance.choice(sorted(holder) if isinstance(holder, dict) else range(len(holder)))
        where = f"{where}.{key}".lstrip(".")
        if not isinstance(holder[key], (dict, list)) or not holder[key] or chance.random() < 0.25:
            return holder, key, where
        holder = holder[key]


def near(chance: random.Random, value: Any) -> Any:
    """What a hand might have typed instead."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return chance.choice((value + 1, value * 2, value / 2, -value, value + 1e-6, str(value)))
    if isinstance(value, str):
        return chance.choice((value[::-1], f"{value} ", value.upper(), value[:-1]))
    if isinstance(value, list):
        return chance.choice((value[::-1], value[1:], [*value, *value[:1]], value[1:] + value[:1]))
    if isinstance(value, dict):
        return dict(zip(value, [*value.values()][::-1], strict=True))
    return chance.choice((0, "", []))
