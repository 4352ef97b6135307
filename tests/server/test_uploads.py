"""A body becomes files in its folder and fields, bounded while it arrives; what is malformed is one sentence."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pipeline.server.limits import MOST_FIELD_BYTES, MOST_FIELDS, MOST_FILES, MOST_HEADER_BYTES, Limits, Problem
from pipeline.server.uploads import Folder, Form, receive_form, recording_of

TYPE = "multipart/form-data; boundary=b"


def part(head: str, body: bytes = b"x") -> bytes:
    return f"--b\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + body + b"\r\n"


def file(name: str, body: bytes = b"x") -> bytes:
    return part(f'name="file"; filename="{name}"', body)


END = b"--b--\r\n"


def receive(body: bytes, folder: Folder, kind: str = TYPE, piece: int = 7, most_mb: float = 1.0) -> Form:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), piece):
            yield body[start : start + piece]

    return asyncio.run(receive_form(pieces(), kind, folder, Limits(most_mb=most_mb)))


@pytest.fixture
def folder():
    made = Folder()
    yield made
    made.remove()


@pytest.mark.parametrize("piece", [1, 3, 50, 10_000])
def test_files_and_fields_come_as_they_were_sent(folder: Folder, piece: int):
    content = bytes(range(256)) * 3 + b"\r\n--b\r"
    body = (
        file("a.hea", b"") + part('name="unit"', b" mV ") + file("../a.dat", content) + part('name="run"', b"x") + END
    )
    form = receive(body, folder, piece=piece)
    assert form.files == {"a.hea": "a.hea", "a.dat": "a.dat"}
    assert (folder.path / "a.dat").read_bytes() == content
    assert (folder.path / "a.hea").read_bytes() == b""
    assert (form.one("unit"), form.one("nothing"), form.fields["run"]) == ("mV", "", ["x"])


def test_a_file_without_a_name_has_one_and_an_empty_choice_is_none(folder: Folder):
    form = receive(part('name="file"; filename=""', b"") + part('name="file"', b"abc") + END, folder)
    assert form.files == {"recording": "recording"}


def test_the_folder_is_made_by_its_first_file_for_this_user_alone_and_is_gone_afterwards():
    folder = Folder()
    folder.remove()
    receive(file("a.csv") + END, folder)
    place = folder.path
    assert place.stat().st_mode & 0o077 == 0
    folder.remove()
    assert not place.exists()


@pytest.mark.parametrize(
    ("body", "kind", "status", "sentence"),
    [
        (b"{}", "application/json", 415, "no form"),
        (b"", "", 415, "no form"),
        (b"", "multipart/form-data", 415, "no form"),
        (b"nothing of the kind", TYPE, 400, "malformed"),
        (b"", TYPE, 400, "too early"),
        (file("a.csv"), TYPE, 400, "too early"),
        (file("a.csv")[:20], TYPE, 400, "too early"),
        (file("a.csv") + END, "multipart/form-data; boundary=" + "b" * 500, 400, "malformed"),
        (file("a.csv") + file("A.csv") + END, TYPE, 400, "two files are called A.csv"),
        (file("a.csv") + file("x/a.csv") + END, TYPE, 400, "two files are called a.csv"),
        (b"".join(file(f"{i}") for i in range(MOST_FILES + 1)) + END, TYPE, 400, f"more than {MOST_FILES} files"),
        (part('name="n"') * (MOST_FIELDS + 1) + END, TYPE, 400, f"more than {MOST_FIELDS} fields"),
        (part('name="n"', b"x" * (MOST_FIELD_BYTES + 1)) + END, TYPE, 400, "a field of the form"),
        (part(f'name="{"n" * (MOST_HEADER_BYTES + 1)}"') + END, TYPE, 400, "shorten it"),
        (b"--b\r\n" + b"a: b\r\n" * 4000 + b"\r\nx\r\n" + END, TYPE, 400, "malformed|shorten"),
    ],
)
def test_what_is_malformed_is_one_sentence(folder: Folder, body: bytes, kind: str, status: int, sentence: str):
    with pytest.raises(Problem, match=sentence) as problem:
        receive(body, folder, kind)
    assert problem.value.status == status
    assert "\n" not in problem.value.sentence


def test_what_is_too_large_is_refused_while_it_arrives(folder: Folder):
    body = file("a.csv", b"x" * 2**20) + END
    with pytest.raises(Problem, match=r"more than 0\.5 MB") as problem:
        receive(body, folder, piece=1000, most_mb=0.5)
    assert problem.value.status == 413
    assert sum(each.stat().st_size for each in folder.path.iterdir()) <= 2**19


def write(folder: Path, *names: str, **contents: str) -> dict[str, str]:
    for name in names:
        (folder / name).write_text(contents.get(name.partition(".")[0], "x 1 100\n"))
    return {name: name for name in names}


def test_the_recording_is_the_only_file_or_the_header(tmp_path: Path):
    assert recording_of(tmp_path, write(tmp_path, "a.csv")) == "a.csv"
    assert recording_of(tmp_path, write(tmp_path, "a.dat", "a.hea", "a.atr")) == "a.hea"
    whole = "# made today\nwhole/2 2 100 4\ns1 2\ns2 2\n"
    segments = write(tmp_path, "s1.hea", "s1.dat", "whole.hea", "s2.hea", whole=whole)
    assert recording_of(tmp_path, segments) == "whole.hea"


@pytest.mark.parametrize("names", [(), ("a.csv", "b.csv"), ("a.hea", "b.hea"), ("a.dat", "b.dat"), ("a.dat", "a.atr")])
def test_several_recordings_or_none_are_refused(tmp_path: Path, names: tuple[str, ...]):
    with pytest.raises(Problem, match=r"one at a time|no recording") as problem:
        recording_of(tmp_path, write(tmp_path, *names))
    assert problem.value.status == 400
