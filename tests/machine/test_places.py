"""Addresses of places, and what is asked of paths wherever they lie."""

import os
import pickle
from pathlib import Path

import pytest
from remote_places import Bucket, web_of

from pipeline.errors import EcgFusionError
from pipeline.machine import places
from pipeline.machine.places import Entry, RemotePath, are_files, check_address, entries_of, is_remote, local, place


@pytest.mark.parametrize("text", ["data/ptbxl", "/data/ptbxl", ".", "a:b", "C:/data", "s3", "weights/https.txt"])
def test_a_path_of_this_machine_stays_one(text: str):
    assert type(place(text)) is type(Path(text))
    assert place(text) == Path(text) == local(text)
    assert not is_remote(text)


def test_an_address_is_a_path():
    folder = place("S3://My.Bucket/data//a/./")
    assert isinstance(folder, RemotePath)
    assert str(folder) == os.fspath(folder) == "s3://My.Bucket/data/a"
    assert str(folder / "records" / "1.dat") == f"{folder}/records/1.dat" == os.path.join(folder, "records/1.dat")
    assert isinstance((folder / "x").parent, RemotePath)
    assert (folder / "x").parent == folder
    assert str(folder.with_name("b")) == "s3://My.Bucket/data/b"
    assert folder.resolve() == folder.absolute() == folder == pickle.loads(pickle.dumps(folder))
    assert place(Path("s3://My.Bucket/data/a")) == folder  # from which a path has taken a slash
    assert str(place("https://Example.ORG:8080/a%20b/c")) == "https://example.org:8080/a b/c"


@pytest.mark.parametrize(
    "text",
    [
        "https://me:hunter2@example.org/data",
        "https://hunter2@example.org/data",
        "https://me:hunt/er2@example.org/data",
        "s3://AKIA:hunter2@bucket/data",
        "s3:/AKIA:hunter2@bucket/data",
        "https://example.org/data?X-Amz-Signature=hunter2",
        "gs://bucket/data?token=hunter2",
        "https://example.org/data#hunter2",
    ],
)
def test_credentials_in_an_address_are_refused_and_not_repeated(text: str):
    with pytest.raises(EcgFusionError) as refused:
        check_address(text)
    assert "hunt" not in str(refused.value)
    assert "er2" not in str(refused.value)


@pytest.mark.parametrize("text", ["s3://", "s3:///a", "https://host/../a", "gs://b/a/../../c", "https://a/%2e%2e/b"])
def test_what_is_no_plain_address_is_refused(text: str):
    with pytest.raises(EcgFusionError, match="no plain address"):
        place(text)


def test_other_schemes_are_named_with_those_that_are_read():
    with pytest.raises(EcgFusionError, match="ftp:// is no address that is read: give a folder, s3://BUCKET"):
        place("ftp://host/data")


def test_nothing_is_written_there():
    path = place("s3://bucket/a")
    with pytest.raises(EcgFusionError, match="s3://bucket/a is read and never written"):
        local("s3://bucket/a")
    for write in (path.mkdir, path.touch, path.unlink, lambda: path.write_text("x"), lambda: path.write_bytes(b"")):
        with pytest.raises(OSError, match="Read-only"):
            write()
    assert not Path("s3:").exists()


def answers(folder: Path | str) -> list[object]:
    """What is answered of a folder with a file and a folder."""
    there = place(folder)
    names = [f"{there}/a.txt", f"{there}/below", f"{there}/below/b.txt", f"{there}/no.txt"]
    return [
        [places.is_file(name) for name in names],
        [places.is_folder(name) for name in names],
        [places.exists(name) for name in names],
        are_files(names),
        sorted(places.names_in(folder)),
        sorted((entry.name, entry.is_folder) for entry in entries_of(folder)),
        places.first_bytes(names[0], 3),
        places.size_of(names[2]),
        (there / "a.txt").read_text(encoding="utf-8"),
        (there / "below" / "b.txt").read_bytes(),
        sorted(path.name for path in there.iterdir()),
    ]


def test_places_answer_as_a_folder_of_this_machine_does(tmp_path: Path, bucket: Bucket):
    (tmp_path / "f" / "below").mkdir(parents=True)
    (tmp_path / "f" / "a.txt").write_text("some ä")
    (tmp_path / "f" / "below" / "b.txt").write_bytes(b"other")
    here = answers(tmp_path / "f")
    assert here[:2] == [[True, False, True, False], [False, True, False, False]]
    assert answers(bucket.put_folder(tmp_path / "f", "places")) == here
    with web_of(tmp_path) as server:
        server.lists = True
        assert answers(f"{server.url}/f") == here


def test_the_page_of_a_folder_leads_nowhere_else(tmp_path: Path):
    page = b'<a href="a%20b.txt">x</a><a href="/f/c.txt">x</a><a href="/g/d.txt">x</a><a href="..%2Fe.txt">x</a>'
    page += b'<a href="http://example.org/f.txt">x</a><a href="below/">x</a><a href="?C=M">x</a>'
    with web_of(tmp_path) as server:
        server.fault_of_all = lambda handler, _: handler.send(page, Content_Type="text/html")
        found = sorted(entries_of(f"{server.url}/f"))
    assert found == [Entry("a b.txt", False, None), Entry("below", True, None), Entry("c.txt", False, None)]
