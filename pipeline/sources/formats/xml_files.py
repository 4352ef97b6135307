"""XML that machines write: parsed without entities, other files or endless depth, and what its elements say.

Namespaces are left out of the names of elements and attributes, since each format is known by its root.
"""

import base64
import binascii
import math
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

import numpy as np

from pipeline.sources.formats.arrays import LEAST_RATE, MOST_RATE, Own, check_size, one_of_several, opened_array
from pipeline.sources.formats.extras import require
from pipeline.sources.formats.opened import OpenedFile, Said
from pipeline.sources.formats.recording import RecordError, content, shown

MOST_XML_BYTES = 2**25
"""Of a file: an hour of twelve leads in base64; its tree, with its text, takes less than 1 GB of memory."""
ROOTS = {
    "AnnotatedECG": "HL7 aECG",
    "RestingECG": "GE MUSE",
    "CardiologyXML": "GE CardioSoft",
    "restingecgdata": "Philips Sierra",
}
"""The root of each format that is XML."""

_MOST_ELEMENTS, _MOST_DEPTH = 2**18, 200
_PIECE, _LONGEST_TAG = 2**18, 2**20  # bytes that are parsed at once, and of what has no end yet
_HEAD = 2**15  # bytes that are looked at for the root
_BEFORE_ROOT = re.compile(r"\s*(?:<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>)", re.DOTALL)
_ROOT = re.compile(r"\s*<(?:[\w.-]+:)?([\w.-]+)")
_REMEDY = "export or copy it again"
_Part = TypeVar("_Part")


def root_name(path: str) -> str:
    """What the root of a file is called, by its first bytes; empty where they are no XML.

    Raises:
        RecordError: it cannot be read.
    """
    head = content(path, first=_HEAD)
    two = {b"\xff\xfe": "utf-16-le", b"<\0": "utf-16-le", b"\xfe\xff": "utf-16-be", b"\0<": "utf-16-be"}
    text = head.decode(two.get(head[:2], "latin-1"), "ignore").removeprefix("\ufeff").removeprefix("ï»¿")
    place = 0
    while found := _BEFORE_ROOT.match(text, place):
        place = found.end()
    root = _ROOT.match(text, place)
    return root[1] if root else ""


def parsed(path: str, root: str) -> Element:
    """The tree of a file.

    Args:
        path: of an ordinary file.
        root: the name that its root must have, of :data:`ROOTS`.

    Raises:
        RecordError: it is no XML or of another kind, too long, too deep, declares entities, or refers to other files.
        NoReaderError: defusedxml is absent.
    """
    library = require("defusedxml.ElementTree", path)
    data = content(path, MOST_XML_BYTES)
    parser = library.XMLParser(target=_Bounded(path))
    try:
        for place in range(0, len(data) or 1, _PIECE):
            parser.feed(data[place : place + _PIECE])
            if place + _PIECE - parser.parser.CurrentByteIndex > _LONGEST_TAG:
                raise RecordError(f"{path} has a tag or comment without an end for {_LONGEST_TAG} bytes: {_REMEDY}")
        tree: Element = parser.close()
    except require("defusedxml", path).DefusedXmlException:
        raise RecordError(
            f"{path} declares entities or refers to other files, which are never followed: {_REMEDY} without them"
        ) from None
    except (ParseError, ValueError, LookupError) as problem:
        raise RecordError(f"{path} is damaged or no XML ({shown(str(problem))}): {_REMEDY}") from None
    if tree.tag != root:
        known = ", ".join(f"{name} ({title})" for name, title in ROOTS.items())
        raise RecordError(f"{path} is XML of {shown(tree.tag)}, and read are {known}")
    return tree


class _Bounded:
    """Builds a tree without namespaces, of which it refuses too many elements within each other or at all."""

    def __init__(self, path: str) -> None:
        self._path, self._tree = path, TreeBuilder()
        self._n_elements = self._depth = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._n_elements += 1
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise RecordError(f"{self._path} has elements {_MOST_DEPTH} deep within each other: it is no recording")
        if self._n_elements > _MOST_ELEMENTS:
            raise RecordError(f"{self._path} has more than {_MOST_ELEMENTS} elements: it is no recording")
        self._tree.start(_bare(name), {_bare(key): value for key, value in attributes.items()})

    def end(self, name: str) -> None:
        self._depth -= 1
        self._tree.end(_bare(name))

    def data(self, text: str) -> None:
        self._tree.data(text)

    def close(self) -> Element:
        return self._tree.close()


def _bare(name: str) -> str:
    return name.rpartition("}")[2]


def text_of(element: Element | None, path: str = ".") -> str:
    """The text of what lies under an element at a path, without blanks around it; empty where nothing does."""
    found = None if element is None else element.find(path)
    return "" if found is None or found.text is None else found.text.strip()


def number_of(file: str, what: str, text: str) -> float:
    """A finite number, with a point or a comma.

    Args:
        file: what a sentence names.
        what: the number is, as ``the resolution of lead I``.
        text: that should be one.

    Raises:
        RecordError: it is none.
    """
    try:
        number = float(text.replace(",", ".", 1))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise RecordError(f"{file} has {shown(text)!r} as {what}, which is no number: {_REMEDY}")
    return number


def rate_of(file: str, text: str) -> float | None:
    """A sampling rate in Hz; None where the file says none.

    Raises:
        RecordError: it is no number, or none that a recording has.
    """
    if not text:
        return None
    rate = number_of(file, "its sampling rate", text)
    if not LEAST_RATE <= rate <= MOST_RATE:
        raise RecordError(f"{file} says {shown(text)} Hz as its sampling rate, which no recording has: {_REMEDY}")
    return rate


def check_count(file: str, what: str, announced: str, there: int) -> None:
    """Refuses what has not the number of parts that the file announces; where it announces none, nothing.

    Raises:
        RecordError: the numbers are not the same.
    """
    if announced and number_of(file, f"the number of {what}", announced) != there:
        raise RecordError(f"{file} announces {shown(announced)} {what} and has {there}: {_REMEDY}")


def numbers(file: str, what: str, text: str) -> np.ndarray:
    """Samples that are written out, with blanks or commas between them.

    Raises:
        RecordError: one is no number, or there is none.
    """
    fields = text.replace(",", " ").split()
    try:
        found = np.array(fields, dtype=np.float64)
    except ValueError as problem:
        raise RecordError(f"{file} has {what} with a sample that is no number ({shown(str(problem))})") from None
    if not fields:
        raise RecordError(f"{file} has {what} without samples: {_REMEDY}")
    return found


def base64_bytes(file: str, what: str, text: str) -> bytes:
    """What is written in base64, with line breaks in it.

    Raises:
        RecordError: it is cut off or no base64, or there is nothing.
    """
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise RecordError(f"{file} has {what} in damaged or cut off base64: {_REMEDY}") from None
    if not data:
        raise RecordError(f"{file} has {what} without samples: {_REMEDY}")
    return data


def base64_counts(file: str, what: str, text: str) -> np.ndarray:
    """Samples in base64, each of two bytes, the lower one first.

    Raises:
        RecordError: it is cut off or no base64, or there is none.
    """
    data = base64_bytes(file, what, text)
    if len(data) % 2:
        raise RecordError(f"{file} has {what} in {len(data)} bytes, which are no samples of two bytes: {_REMEDY}")
    return np.frombuffer(data, "<i2").astype(np.float64)


def the_wanted(file: str, parts: Sequence[_Part], what: str, wanted: str | None) -> _Part:
    """The one part of a file that is the recording.

    Args:
        file: what a sentence names.
        parts: all that could be it; at least one.
        what: they are, as ``rhythm series``.
        wanted: the number of one, from 1, as ``--array`` has it.

    Raises:
        RecordError: there are several and none is wanted, or not the wanted one.
    """
    names = [str(number + 1) for number in range(len(parts))]
    if wanted is None and len(parts) > 1:
        raise RecordError(
            f"{file} holds {len(parts)} {what}: say which is the recording with --array 1 to {len(parts)}"
        )
    if wanted is not None and wanted not in names:
        raise RecordError(f"{file} has no {what} {shown(wanted)} (it has {len(parts)}): give another --array")
    return parts[names.index(wanted or "1")]


def opened_leads(
    file: str,
    signals: Sequence[tuple[str, np.ndarray]],
    units: Sequence[str | None],
    sampling_rate: float | None,
    said: Said,
) -> OpenedFile:
    """The recording that leads are, each with its samples.

    Args:
        file: what sentences name.
        signals: canonical name and samples of each lead.
        units: of the samples, one for all or one a lead; None where the file says none.
        sampling_rate: in Hz; None where the file says none.
        said: what the file may not say.

    Raises:
        RecordError: the leads are not of one length, too long, or what they mean is not said.
    """
    lengths = {len(samples): name for name, samples in reversed(signals)}
    if len(lengths) > 1:
        (first, one), (second, other) = [(lengths[length], length) for length in sorted(lengths)][:2]
        raise RecordError(
            f"{file} has {one} samples of lead {shown(first)} and {other} of {shown(second)}: {_REMEDY}, with all "
            "leads of one length"
        )
    check_size(file, (len(signals), *lengths))
    signal = np.stack([samples for _, samples in signals])
    own = Own(tuple(units), sampling_rate, tuple(name for name, _ in signals))
    return one_of_several(opened_array(file, signal.shape, own, said, lambda: signal, time_first=False))
