"""The body of a request as files in a folder of its own and as fields, bounded while it arrives.

Starlette's own parser keeps small files in memory and puts large ones where the system likes; here every byte goes into
one folder, whose end is the end of all that was sent.
"""

import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from pipeline.server.limits import (
    MOST_FIELD_BYTES,
    MOST_FIELDS,
    MOST_FILES,
    MOST_HEADER_BYTES,
    Limits,
    Problem,
    too_large,
)
from pipeline.server.names import plain_name, shown_name

_NO_FORM = "send multipart/form-data with the recording's files as file"


class Folder:
    """A folder of one request, made with the first file in it and removed with all that is in it."""

    def __init__(self) -> None:
        self._made: tempfile.TemporaryDirectory[str] | None = None

    @property
    def path(self) -> Path:
        """Where it lies; only this user may look into it."""
        if self._made is None:
            self._made = tempfile.TemporaryDirectory(prefix="ecgfusion-server-", ignore_cleanup_errors=True)
        return Path(self._made.name)

    def remove(self) -> None:
        """Removes it, if it was made."""
        if self._made is not None:
            self._made.cleanup()


@dataclass
class Form:
    """What was sent.

    Attributes:
        files: the plain name of each file in the folder → what its sender calls it.
        fields: name → values.
    """

    files: dict[str, str] = field(default_factory=dict)
    fields: dict[str, list[str]] = field(default_factory=dict)

    def one(self, name: str) -> str:
        """The last value of a field; empty where there is none."""
        return self.fields.get(name, [""])[-1].strip()


async def receive_form(body: AsyncIterator[bytes], content_type: str, folder: Folder, limits: Limits) -> Form:
    """Writes the files of a multipart body into a folder while it arrives.

    Args:
        body: in pieces.
        content_type: of the request.
        folder: where the files go.
        limits: of the request.

    Raises:
        Problem: it is no such body, or too large; what has been written is the folder's to remove.
        OSError: the disk does not take it.
    """
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise Problem(415, f"the body is no form: {_NO_FORM}")
    parts = _Parts(folder)
    received = 0
    try:
        parser = MultipartParser(options[b"boundary"], parts.callbacks())  # type: ignore[arg-type]
        async for piece in body:
            received += len(piece)
            if received > limits.most_bytes:
                raise too_large(limits.most_mb)
            parser.write(piece)
        parser.finalize()
    except FormParserError:
        raise Problem(400, f"the form is malformed: {_NO_FORM}") from None
    finally:
        parts.close()
    if not parts.is_complete:
        raise Problem(400, f"the form ends too early: {_NO_FORM}")
    return parts.form


class _Parts:
    """Takes the parts of a body as the parser finds them."""

    def __init__(self, folder: Folder) -> None:
        self.form, self.is_complete = Form(), False
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._field: tuple[str, bytearray] | None = None
        self._name, self._value, self._headers = bytearray(), bytearray(), dict[bytes, bytes]()
        self._n_fields = self._n_header_bytes = 0

    def callbacks(self) -> dict[str, object]:
        """What the parser calls."""
        return {
            "on_part_begin": self._begin_headers,
            "on_header_field": lambda data, start, end: self._take(self._name, data[start:end]),
            "on_header_value": lambda data, start, end: self._take(self._value, data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._begin,
            "on_part_data": lambda data, start, end: self._write(data[start:end]),
            "on_part_end": self.close,
            "on_end": self._complete,
        }

    def close(self) -> None:
        """Ends the part that is open."""
        if self._file is not None:
            self._file.close()
        if self._field is not None:
            name, value = self._field
            self.form.fields.setdefault(name, []).append(bytes(value).decode("utf-8", "replace"))
        self._file = self._field = None

    def _begin_headers(self) -> None:
        self._headers.clear()
        self._n_header_bytes = 0

    def _take(self, place: bytearray, data: bytes) -> None:
        place += data
        self._n_header_bytes += len(data)
        if self._n_header_bytes > MOST_HEADER_BYTES:
            raise Problem(400, f"the name of a file or field has more than {MOST_HEADER_BYTES} bytes: shorten it")

    def _end_header(self) -> None:
        self._headers[bytes(self._name).lower()] = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def _begin(self) -> None:
        _, said = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = said.get(b"name", b"").decode("utf-8", "replace")
        if name != "file":
            self._n_fields += 1
            if self._n_fields > MOST_FIELDS:
                raise Problem(400, f"the form has more than {MOST_FIELDS} fields")
            self._field = (name, bytearray())
        elif uploaded := said.get(b"filename", b"recording"):  # an empty name where a page's user has chosen no file
            self._file = self._new_file(uploaded.decode("utf-8", "replace"))

    def _new_file(self, uploaded: str) -> IO[bytes]:
        plain = plain_name(uploaded)
        if len(self.form.files) >= MOST_FILES:
            raise Problem(400, f"more than {MOST_FILES} files are not taken: send one recording at a time")
        if plain.casefold() in map(str.casefold, self.form.files):
            raise Problem(400, f"two files are called {shown_name(uploaded)}: send one recording at a time")
        self.form.files[plain] = shown_name(uploaded)
        return (self._folder.path / plain).open("xb")

    def _write(self, data: bytes) -> None:
        if self._file is not None:
            self._file.write(data)
        elif self._field is not None:
            self._field[1].extend(data)
            if len(self._field[1]) > MOST_FIELD_BYTES:
                raise Problem(400, f"a field of the form has more than {MOST_FIELD_BYTES} bytes")

    def _complete(self) -> None:
        self.is_complete = True


def recording_of(folder: Path, files: dict[str, str]) -> str:
    """Which of several uploaded files is the recording; the others are what it names.

    Args:
        folder: where they lie.
        files: as of a :class:`Form`.

    Raises:
        Problem: there is none, or they are several recordings.
    """
    if not files:
        raise Problem(400, f"no recording was sent: {_NO_FORM}")
    if len(files) == 1:
        return next(iter(files))
    headers = [name for name in files if name.lower().endswith(".hea")]
    if len(headers) > 1:  # of a recording in segments, whose own header says how many there are
        headers = [name for name in headers if "/" in _first_word(folder / name)]
    if len(headers) != 1:
        raise Problem(
            400,
            f"{len(files)} files are no one recording: send one at a time, of WFDB the .hea with the files it names",
        )
    return headers[0]


def _first_word(header: Path) -> str:
    with suppress(OSError), header.open("rb") as file:
        lines = [line for line in file.read(2000).decode("latin-1").splitlines() if line.strip() and line[0] != "#"]
        return lines[0].split()[0] if lines else ""
    return ""
