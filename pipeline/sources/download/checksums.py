"""The list of SHA-256 sums that a data set is published with: which files there are, and what their bytes must be."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from pipeline.errors import EcgFusionError
from pipeline.listening import progress_bar

SUMS = "SHA256SUMS.txt"
_LINE = re.compile(r"([0-9a-fA-F]{64}) [ *]?([^\s\x00-\x1f][^\x00-\x1f]*)")


def parse_sums(listing: bytes, origin: str) -> dict[str, str]:
    """File names, relative to the folder of the list and with ``/``, to their sums in small hexadecimal digits.

    Args:
        listing: the list as ``sha256sum`` writes it: a sum, a space, a space or an asterisk, a name.
        origin: where it came from, for the sentence.

    Raises:
        EcgFusionError: it is something else (a network that wants a log-in answers with a web page), or it names a
            file outside its folder.
    """
    lines = [line for line in listing.decode(errors="replace").splitlines() if line.strip()]
    found = [_LINE.fullmatch(line) for line in lines] or [None]
    sums = {}
    for number, match in enumerate(found):
        if match is None:
            begins = f"line {number + 1} begins with {lines[number][:40]!r}" if lines else "it is empty"
            raise EcgFusionError(
                f"{origin} is no list of SHA-256 sums ({begins}): if this network wants a log-in, log in with a "
                f"browser, else check the address, then give the same command again"
            )
        name = match[2]
        if _leads_out(name):
            raise EcgFusionError(
                f"{origin} names the file {name!r}, which is outside its folder: nothing was fetched; "
                f"take the set from its publisher"
            )
        sums[str(PurePosixPath(name))] = match[1].lower()
    return sums


def _leads_out(name: str) -> bool:
    """Whether a file so named could lie elsewhere than below its folder, on any operating system."""
    windows = PureWindowsPath(name)  # takes / and \ for separators
    return bool(windows.anchor) or ".." in windows.parts or not windows.parts


def has_sum(path: Path, digest: str) -> bool:
    """Whether a file is there with these very bytes; ``digest`` in small hexadecimal digits."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == digest
    except FileNotFoundError:
        return False


def problems_of(folder: Path) -> Iterator[tuple[str, str]]:
    """What is wrong with the files of a folder that its list of sums names: ``name, problem``, behind a bar.

    Args:
        folder: of the data set; ``SHA256SUMS.txt`` lies in it.

    Raises:
        EcgFusionError: the list is none, or names a file outside the folder.
    """
    listing = folder / SUMS
    for name, digest in progress_bar(parse_sums(listing.read_bytes(), str(listing)).items(), f"check {folder.name}"):
        path = folder / name
        if not path.is_file():
            yield name, "is missing"
        elif not has_sum(path, digest):
            yield name, f"differs from what {SUMS} says"
