"""What places across a network do to who reads from them: parts, retries, versions, and each fault in a sentence."""

import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import BufferedReader
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest
from file_server import FileServer, busy, busy_for, cut, dropped, missing, stalled, unanswered
from remote_places import Bucket, google, web_of

from pipeline.errors import EcgFusionError
from pipeline.machine import remote_asking, remote_ranges
from pipeline.machine.places import first_bytes, names_in, place, remote_path
from pipeline.machine.remote_asking import engines
from pipeline.machine.remote_ranges import Ranges, RemoteFile

DATA = np.random.default_rng(0).bytes(3 * 2**20 + 17)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[FileServer]:
    """A web server that has ``a.bin``."""
    (tmp_path / "a.bin").write_bytes(DATA)
    with web_of(tmp_path) as server:
        yield server


def ranges_of(server: FileServer) -> Ranges:
    return Ranges(remote_path(f"{server.url}/a.bin"))


def refusal(ask: Callable[[], object]) -> str:
    with pytest.raises(EcgFusionError) as refused:
        ask()
    return str(refused.value)


def test_parts_are_what_was_asked_for(web: FileServer):
    ranges = ranges_of(web)
    spans = [(0, 10), (5, 5), (2**20, 2**20 + 1), (len(DATA) - 3, len(DATA) + 100)]
    assert ranges.read_all(spans) == [DATA[start:end] for start, end in spans]
    assert sorted(web.parts) == [(0, 10), (2**20, 2**20 + 1), (len(DATA) - 3, len(DATA))]


def test_a_long_part_is_fetched_in_pieces_at_once(web: FileServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(remote_ranges, "_PIECE", 2**19)
    web.latency = 0.05
    assert ranges_of(web).read_all([(0, len(DATA))]) == [DATA]
    assert len(web.parts) == 7
    assert web.most_at_once > 2


def test_who_reads_on_has_the_next_block_fetched_ahead(web: FileServer):
    file = BufferedReader(RemoteFile(remote_path(f"{web.url}/a.bin")))
    assert file.read(100) == DATA[:100]
    assert file.read(2**21) == DATA[100 : 100 + 2**21]
    assert file.seek(-5, os.SEEK_END) == len(DATA) - 5
    assert file.read() == DATA[-5:]
    assert all((end - start) in (2**20, 17) for start, end in web.parts)
    assert len(web.parts) == 4  # each block once


@pytest.mark.parametrize("fault", [dropped, unanswered, busy, busy_for(1), stalled])
def test_what_breaks_off_on_the_web_is_asked_for_again(
    web: FileServer, fault: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(remote_asking, "_SECONDS_OF_SILENCE", 0.3)
    ranges = ranges_of(web)
    web.faults["a.bin"] = iter([fault])
    assert ranges.read(0, len(DATA)) == DATA
    web.faults["a.bin"] = iter([fault])
    assert first_bytes(f"{web.url}/a.bin", 50) == DATA[:50]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (dropped, "a.bin broke off while it was read: check the network and give the same command again"),
        (unanswered, "there is no answer from 127.0.0.1:{port}: check its name and the network"),
        (busy, "127.0.0.1:{port} is too busy to give http://127.0.0.1:{port}/a.bin (status 503)"),
        (lambda handler, _: handler.send(b"", code=403), "may not be read with these credentials: let ~/.netrc say"),
        (lambda handler, _: handler.send(b"", code=418), "a.bin cannot be read (status 418): check its name"),
        (missing, "a.bin has gone while it was read: put it back"),
        (cut, "a.bin changed while it was read: see that nobody writes it"),
    ],
)
def test_what_goes_on_breaking_off_is_one_sentence(web: FileServer, fault: Callable[..., None], said: str):
    ranges = ranges_of(web)
    web.faults["a.bin"] = repeat(fault)
    assert said.format(port=web.server_port) in refusal(lambda: ranges.read(0, len(DATA)))


def test_a_file_that_changed_is_refused(web: FileServer):
    ranges = ranges_of(web)
    assert ranges.read(0, 4) == DATA[:4]
    ranges.check_unchanged()
    (web.folder / "a.bin").write_bytes(DATA[::-1])
    assert "changed while it was read" in refusal(lambda: ranges.read(0, 4))
    assert "changed while it was read" in refusal(ranges.check_unchanged)
    there = pickle.loads(pickle.dumps(ranges))  # as another process has it
    assert "changed while it was read" in refusal(lambda: there.read(0, 4))
    (web.folder / "a.bin").unlink()
    assert "changed while it was read" in refusal(ranges.check_unchanged)


def test_a_server_without_parts_is_named(web: FileServer):
    web.has_ranges = False
    said = refusal(lambda: ranges_of(web).read(100, 200))
    assert said.startswith(f"127.0.0.1:{web.server_port} gives whole files and no parts of them: download http://")
    assert first_bytes(f"{web.url}/a.bin", 50) == DATA[:50]


def test_no_more_is_taken_than_was_asked_for(web: FileServer):
    web.faults["a.bin"] = iter([stalled])  # half of it, and then silence
    assert first_bytes(f"{web.url}/a.bin", 1000) == DATA[:1000]


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/a", "https://127.0.0.1:9/a", "http://nowhere.invalid/a"])
def test_nobody_who_answers(address: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(remote_asking, "_PAUSES", ())
    engines.forget()
    host = address.split("/")[2]
    assert f"there is no answer from {host}: check its name" in refusal(lambda: place(address).exists())


def test_a_bucket_in_every_way(bucket: Bucket, monkeypatch: pytest.MonkeyPatch):
    path = remote_path(bucket.put("remote/a.bin", DATA))
    ranges = Ranges(path)
    assert ranges.read_all([(3, 9), (0, len(DATA))]) == [DATA[3:9], DATA]
    assert first_bytes(path, 9) == DATA[:9]
    assert first_bytes(bucket.put("remote/empty", b""), 9) == b""
    with pytest.raises(FileNotFoundError):
        first_bytes("s3://ecg/remote/none", 9)
    assert "there is no bucket s3://other: check its name" in refusal(lambda: first_bytes("s3://other/a", 9))
    assert "there is no bucket s3://other: check its name" in refusal(lambda: place("s3://other").exists())
    bucket.put("remote/a.bin", DATA[::-1])
    assert "s3://ecg/remote/a.bin changed while it was read" in refusal(lambda: ranges.read(0, 9))
    fresh = pickle.loads(pickle.dumps(ranges))
    assert "changed while it was read" in refusal(lambda: fresh.read(0, 9))


def test_a_bucket_that_drops_in_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bucket: Bucket):
    """S3's words for a file are the web's: a server of ours that has it."""
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "a.bin").write_bytes(DATA)
    with web_of(tmp_path) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        engines.forget()
        ranges = Ranges(remote_path("s3://b/a.bin"))
        server.faults["b/a.bin"] = iter([dropped, busy])
        assert ranges.read(0, len(DATA)) == DATA
        server.faults["b/a.bin"] = repeat(dropped)
        assert "s3://b/a.bin broke off while it was read" in refusal(lambda: ranges.read(0, len(DATA)))
    assert "there is no answer from the place of s3://b" in refusal(lambda: first_bytes("s3://b/a.bin", 9))
    engines.forget()


def test_without_credentials_a_bucket_is_asked_as_by_anybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "a.bin").write_bytes(DATA)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with web_of(tmp_path) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        engines.forget()
        assert first_bytes("s3://b/a.bin", 9) == DATA[:9]
        server.fault_of_all = lambda handler, _: handler.send(b"", code=403)
        said = refusal(lambda: first_bytes("s3://b/a.bin", 9))
    engines.forget()
    assert said == (
        "s3://b/a.bin may not be read and there are no credentials: let AWS_PROFILE, AWS_ACCESS_KEY_ID or ~/.aws say "
        "who you are"
    )


def test_wrong_credentials_are_said_and_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bucket: Bucket):
    answer = b"<Error><Code>InvalidAccessKeyId</Code><Message>AKIAOFTHETESTS is not known</Message></Error>"
    with web_of(tmp_path) as server:
        server.fault_of_all = lambda handler, _: handler.send(answer, code=403)
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        engines.forget()
        said = refusal(lambda: first_bytes("s3://b/a.bin", 9))
    engines.forget()
    assert said.startswith("s3://b/a.bin may not be read with these credentials: let AWS_PROFILE")
    assert "AKIA" not in said


def test_google_s_storage():
    with google() as server:
        server.files |= {"f/a.bin": DATA, "f/below/b.bin": b"b", "f/empty": b""}
        assert sorted(names_in("gs://ecg/f")) == ["a.bin", "below", "empty"]
        ranges = Ranges(remote_path("gs://ecg/f/a.bin"))
        assert ranges.read_all([(3, 9), (0, len(DATA))]) == [DATA[3:9], DATA]
        assert first_bytes("gs://ecg/f/a.bin", 9) == DATA[:9]
        assert place("gs://ecg/f/below").is_dir()
        assert not place("gs://ecg/f/none").exists()
        server.generation = "2"
        assert "has gone while it was read" in refusal(lambda: ranges.read(0, 9))
        assert "gs://ecg/f/a.bin changed while it was read" in refusal(ranges.check_unchanged)


@pytest.mark.parametrize(
    ("address", "library"), [("s3://b/a", "s3fs"), ("gs://b/a", "gcsfs"), ("https://b/a", "fsspec")]
)
def test_what_is_not_installed_is_named(address: str, library: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, library, None)
    engines.forget()
    said = refusal(lambda: place(address).exists())
    engines.forget()
    assert said == f'{address} is read by {library}, which is not installed: pip install "ecgfusion[remote]"'


def test_a_process_that_was_forked_reads_for_itself(web: FileServer):
    ranges = ranges_of(web)
    assert ranges.read(0, 9) == DATA[:9]
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, ranges.read(5, 25))
        os._exit(0)
    assert os.read(reading, 100) == DATA[5:25]
    assert os.waitpid(child, 0)[1] == 0


def test_local_paths_need_none_of_it():
    code = (
        "import sys, pipeline.store.reading, pipeline.sources; print({'fsspec', 's3fs', 'aiohttp'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert re.sub(r"\s", "", said) == "set()"
