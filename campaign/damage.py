"""What happens to a file's bytes, whatever they mean: flipped, cut, lost, doubled, exchanged."""

import random
from collections.abc import Callable
from pathlib import Path

Mutation = Callable[[random.Random, Path], str]
"""Changes a file in place; says what it did."""


def flip_a_bit(chance: random.Random, path: Path) -> str:
    data = bytearray(path.read_bytes())
    if not data:
        return "nothing: it is empty"
    place, bit = chance.randrange(len(data)), chance.randrange(8)
    data[place] ^= 1 << bit
    path.write_bytes(data)
    return f"bit {bit} of byte {place} of {len(data)} flipped"


def change_a_byte(chance: random.Random, path: Path) -> str:
    data = bytearray(path.read_bytes())
    if not data:
        return "nothing: it is empty"
    place, value = chance.randrange(len(data)), chance.randrange(256)
    data[place] = value
    path.write_bytes(data)
    return f"byte {place} of {len(data)} made {value}"


def zero_a_block(chance: random.Random, path: Path) -> str:
    return _overwrite(chance, path, "zeros", lambda length: bytes(length))


def randomise_a_block(chance: random.Random, path: Path) -> str:
    return _overwrite(chance, path, "random bytes", chance.randbytes)


def _overwrite(chance: random.Random, path: Path, name: str, made: Callable[[int], bytes]) -> str:
    data = bytearray(path.read_bytes())
    first = chance.randrange(len(data) + 1)
    length = min(len(data) - first, chance.choice((1, 4, 64, 512, 4096)))
    data[first : first + length] = made(length)
    path.write_bytes(data)
    return f"{length} bytes from {first} of {len(data)} made {name}"


def cut_off(chance: random.Random, path: Path) -> str:
    data = path.read_bytes()
    length = chance.choice((0, 1, len(data) // 2, max(0, len(data) - 1), chance.randrange(len(data) + 1)))
    path.write_bytes(data[:length])
    return f"cut to {length} of {len(data)} bytes"


def drop_a_block(chance: random.Random, path: Path) -> str:
    data = path.read_bytes()
    first = chance.randrange(len(data) + 1)
    length = chance.choice((1, 2, 16, 512))
    path.write_bytes(data[:first] + data[first + length :])
    return f"{length} bytes from {first} of {len(data)} left out"


def double_a_block(chance: random.Random, path: Path) -> str:
    data = path.read_bytes()
    first = chance.randrange(len(data) + 1)
    length = chance.choice((1, 2, 16, 512))
    path.write_bytes(data[: first + length] + data[first:])
    return f"{length} bytes from {first} of {len(data)} doubled"


def append(chance: random.Random, path: Path) -> str:
    length = chance.choice((1, 16, 4096))
    with path.open("ab") as file:
        file.write(chance.randbytes(length))
    return f"{length} bytes appended"


def remove(chance: random.Random, path: Path) -> str:
    path.unlink()
    return "removed"


def exchange(chance: random.Random, path: Path) -> str:
    """Puts another file of the same ending in its place, of the same name where there is one elsewhere."""
    place = next(parent for parent in path.parents if (parent / ".place").exists())
    others = [other for other in place.rglob(f"*{path.suffix}") if other.is_file() and other != path]
    others = [other for other in others if other.read_bytes() != path.read_bytes()]
    same = [other for other in others if other.name == path.name]
    if not others:
        return "nothing: there is no other of its kind"
    other = chance.choice(sorted(same or others))
    path.write_bytes(other.read_bytes())
    return f"made {other.relative_to(place)}"


ANY_FILE: tuple[Mutation, ...] = (
    *(flip_a_bit, flip_a_bit, flip_a_bit, change_a_byte, zero_a_block, randomise_a_block),
    *(cut_off, drop_a_block, double_a_block, append, remove, exchange, exchange),
)
"""What is done to files of every kind; the likelier ones stand here more than once."""
