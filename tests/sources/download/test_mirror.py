"""A whole set from a server that does what servers do: the folder is the published one, byte for byte, or says why."""

import itertools
import re
import shutil
import socket
import threading
import time
from pathlib import Path

import pytest
from file_server import (
    FileServer,
    busy,
    busy_for,
    contents,
    cut,
    dropped,
    longer,
    missing,
    short,
    stalled,
    unanswered,
    web_page,
    write_sums,
    wrong,
)

from pipeline.errors import EcgFusionError
from pipeline.machine.locks import locked
from pipeline.sources.download.checksums import SUMS
from pipeline.sources.download.fetch import Patience
from pipeline.sources.download.mirror import Downloaded, download

QUICK = Patience(retries=3, tries=3, wait=0.002, longest_wait=2.0, silence=5.0)
FAULTS = (busy, unanswered, dropped, short, cut, wrong, longer, web_page, busy_for(0))


def fetch(server: FileServer, folder: Path, connections: int = 4, patience: Patience = QUICK, **options) -> Downloaded:
    return download(server.url, folder, lambda name: True, connections=connections, patience=patience, **options)


def refusal(server: FileServer, folder: Path, **options) -> str:
    """The one sentence with which a download ends."""
    with pytest.raises(EcgFusionError) as told:
        fetch(server, folder, **options)
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ptbxl"


# a server that means well


@pytest.mark.parametrize("connections", [1, 8])
def test_the_folder_is_the_published_one(server, published, folder, connections):
    done = fetch(server, folder, connections)
    original = contents(published)
    assert contents(folder) == original
    assert sorted(server.asked) == sorted(original)
    assert server.asked[0] == SUMS
    n_bytes = sum(len(body) for name, body in original.items() if name != SUMS)
    assert done == Downloaded(len(original) - 1, n_bytes, len(original) - 1)


def test_the_second_time_only_the_list_is_asked_for(server, folder):
    first = fetch(server, folder)
    server.asked.clear()
    again = fetch(server, folder)
    assert server.asked == [SUMS]
    assert again == Downloaded(first.n_files, first.n_bytes, 0)


def test_what_is_wrong_or_missing_is_fetched_and_the_rest_left_alone(server, published, folder):
    shutil.copytree(published, folder)
    changed = folder / "ptbxl_database.csv"
    changed.write_bytes(changed.read_bytes().replace(b"NORM", b"MORN", 1))
    (folder / "RECORDS").write_bytes(b"")
    (folder / "LICENSE.txt").unlink()
    (folder / "my notes.txt").write_text("mine")
    assert fetch(server, folder).n_fetched == 3
    assert sorted(server.asked) == sorted([SUMS, "ptbxl_database.csv", "RECORDS", "LICENSE.txt"])
    assert contents(folder) == {**contents(published), "my notes.txt": b"mine"}


def test_names_are_quoted(server, tmp_path, folder):
    server.folder = tmp_path / "odd"
    (server.folder / "a folder").mkdir(parents=True)
    (server.folder / "a folder" / "50% of #1?.txt").write_text("odd")
    write_sums(server.folder)
    fetch(server, folder)
    assert contents(folder) == contents(server.folder)


def test_as_many_are_fetched_at_once_as_was_asked_over_connections_that_stay(server, published, folder):
    together = threading.Barrier(5)

    def wait_for_four_others(handler, body):
        together.wait(timeout=30)  # which breaks, if they never come
        handler.send(body)

    five = [name for name in contents(published) if name.endswith(".dat")][:5]
    server.faults = {name: iter([wait_for_four_others]) for name in five}
    server.latency = 0.002
    fetch(server, folder, connections=5)
    assert contents(folder) == contents(published)
    assert not together.broken
    assert server.most_at_once == 5
    assert server.n_connections <= 5 + 1  # the list has its own


# a server that does not, for a while


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_survived(server, published, folder, fault):
    server.faults = {name: iter([fault, fault]) for name in contents(published) if name != SUMS}
    assert fetch(server, folder).n_fetched == len(contents(published)) - 1
    assert contents(folder) == contents(published)


def test_and_all_of_them_together(server, published, folder):
    patience = Patience(retries=len(FAULTS), tries=len(FAULTS), wait=0.001, longest_wait=0.01, silence=5)
    for number, name in enumerate(contents(published)):
        turned = FAULTS[number % len(FAULTS) :] + FAULTS[: number % len(FAULTS)]
        server.faults[name] = iter(turned if name != SUMS else (busy, unanswered, dropped, short))
    fetch(server, folder, connections=16, patience=patience)
    assert contents(folder) == contents(published)


def test_a_connection_that_falls_silent_is_given_up(server, published, folder):
    server.faults = {"RECORDS": iter([stalled]), "records100/00000/00002_lr.dat": iter([stalled])}
    fetch(server, folder, patience=Patience(wait=0.01, silence=0.3))
    assert contents(folder) == contents(published)


def test_a_server_is_left_alone_for_as_long_as_it_asks(server, published, folder):
    server.faults = {"RECORDS": iter([busy_for(1)])}
    fetch(server, folder)
    asked = [time for time, name in zip(server.times, server.asked, strict=True) if name == "RECORDS"]
    assert asked[1] - asked[0] >= 1
    assert contents(folder) == contents(published)


def test_but_for_no_hour(server, published, folder):
    server.faults = {"RECORDS": iter([busy_for(3600)] * 2)}
    fetch(server, folder, patience=Patience(wait=0.01, longest_wait=0.1))
    assert contents(folder) == contents(published)


# or for ever


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (missing, "404 Not Found"),
        (busy, "503 Service Unavailable"),
        (unanswered, "no connection"),
        (dropped, "broke off, 3 times"),
        (short, "broke off, 3 times"),
        (cut, "came with wrong bytes, 3 times"),
        (wrong, "came with wrong bytes, 3 times"),
        (web_page, "came with wrong bytes, 3 times"),
    ],
)
def test_a_few_files_that_cannot_be_had_are_counted_and_the_others_fetched(server, published, folder, fault, problem):
    original = contents(published)
    lost = ["RECORDS", "records100/00000/00003_lr.dat", "records500/00000/00030_hr.hea"]
    server.faults = {name: itertools.repeat(fault) for name in lost}
    said = refusal(server, folder)
    assert said.startswith(f"3 of {len(original) - 1} files could not be had, the first of them ")
    first = re.search(r"first of them (\S+) \((.+)\); the others are there: give the same command again", said)
    assert first[1] in lost
    assert first[2] == problem
    # without the list, which stands for completeness
    assert contents(folder) == {name: body for name, body in original.items() if name not in (*lost, SUMS)}
    server.faults.clear()
    assert fetch(server, folder).n_fetched == 3
    assert contents(folder) == original


@pytest.mark.parametrize("fault", [busy, unanswered, web_page])
def test_a_server_that_stops_is_not_asked_for_every_file(server, published, folder, fault):
    original = contents(published)

    def stop(handler, body):
        handler.send(body)
        server.fault_of_all = fault

    server.faults = {sorted(original)[50]: iter([stop])}
    said = refusal(server, folder)
    assert said.startswith(f"{server.url} gives no more files (")
    assert said.endswith("what has come stays; give the same command again later and it goes on")
    assert len(set(server.asked)) < len(original)
    came = contents(folder)  # and nothing that is half there
    assert 30 < len(came) < len(original)
    assert all(original[name] == body for name, body in came.items())
    server.fault_of_all = None
    assert fetch(server, folder).n_fetched == len(original) - 1 - len(came)
    assert contents(folder) == original


def test_a_wrong_file_stays_until_its_like_has_come(server, published, folder):
    folder.mkdir(parents=True)
    (folder / "RECORDS").write_text("my own")
    server.faults = {"RECORDS": iter([missing])}
    refusal(server, folder)
    assert (folder / "RECORDS").read_text() == "my own"
    fetch(server, folder)
    assert contents(folder) == contents(published)


def test_two_releases_are_never_mixed_under_the_list_of_one(server, published, folder):
    shutil.copytree(published, folder)
    (folder / SUMS).write_text("of another release")
    (folder / "RECORDS").unlink()
    server.faults = {"RECORDS": iter([missing])}
    refusal(server, folder)
    assert not (folder / SUMS).exists()


# what was begun


def test_only_ones_own_leftovers_are_removed(server, published, folder):
    (folder / "records100" / "00000").mkdir(parents=True)
    theirs = ("thesis.part", "RECORDS.part", "thesis.0123abcd.part")
    for name in ("records100/00000/00001_lr.dat.0123abcd.part", "RECORDS.89efcdab.part", f"{SUMS}.part", *theirs):
        (folder / name).write_text("half")
    fetch(server, folder)
    assert contents(folder) == {**contents(published), **dict.fromkeys(theirs, b"half")}


def test_one_at_a_time(server, folder):
    folder.mkdir(parents=True)
    with locked(folder / SUMS, "first"):
        assert refusal(server, folder) == f"{folder} is being filled by another process: wait for it"


# no list


@pytest.mark.parametrize("fault", [busy, unanswered, dropped, short])
def test_the_list_is_asked_for_again(server, published, folder, fault):
    server.faults = {SUMS: iter([fault])}
    fetch(server, folder)
    assert contents(folder) == contents(published)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (web_page, "is no list of SHA-256 sums (line 1 begins with '<!DOCTYPE html>'): if this network wants a log-in"),
        (missing, "cannot be had (404 Not Found): check the address"),
        (busy, "cannot be had (503 Service Unavailable): check the network"),
        (dropped, "cannot be had (broke off, 3 times): check the network"),
        (unanswered, "cannot be had (no connection): check the network"),
    ],
)
def test_without_a_list_nothing_is_begun(server, folder, fault, sentence):
    server.faults = {SUMS: itertools.repeat(fault)}
    assert refusal(server, folder).startswith(f"{server.url}/{SUMS} {sentence}")
    assert not folder.exists()


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("http://127.0.0.1:{port}", "no connection"),
        ("http://no-such-host.invalid/set", "no network, or no such name"),
        ("http://a..b", "the address leads nowhere"),
        ("http://x:99999999", "the address leads nowhere"),
        ("http://[::1", "the address leads nowhere"),
    ],
)
def test_no_network_is_a_sentence(folder, address, problem, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = address.format(port=free.getsockname()[1])  # nobody listens
        with pytest.raises(
            EcgFusionError, match=rf"{re.escape(address)}/{SUMS} cannot be had \(.*{problem}\): check the network"
        ):
            download(address, folder, lambda name: True, patience=QUICK)
    assert not folder.exists()


def test_a_list_that_leads_out_of_the_folder_writes_nothing(server, tmp_path, folder):
    server.folder = tmp_path / "foreign"
    (server.folder / "set").mkdir(parents=True)
    (server.folder / "evil.txt").write_text("evil")
    write_sums(server.folder)
    listing = (server.folder / SUMS).read_text()
    (server.folder / SUMS).write_text(f"{listing}{listing.replace('evil.txt', '../evil.txt')}")
    before = contents(tmp_path)
    assert "'../evil.txt', which is outside its folder: nothing was fetched" in refusal(server, folder)
    assert contents(tmp_path) == before
    assert server.asked == [SUMS]


def test_a_list_that_lacks_what_is_needed_is_refused(server, folder):
    said = refusal(server, folder, needed=["RECORDS", "records1000/*"])
    assert said == f"{server.url}/{SUMS} lists no records1000/*: it is cut short or of another set"
    assert not folder.exists()


# a folder that is none


def test_a_file_in_the_place_of_the_folder_is_named(server, folder):
    folder.parent.mkdir()
    folder.write_text("not a folder")
    assert refusal(server, folder) == f"{folder} is a file: name a folder"
    assert server.asked == []


def test_a_file_in_the_place_of_a_folder_within_is_an_error_of_the_disk(server, folder):
    folder.mkdir(parents=True)
    (folder / "records100").write_text("not a folder")
    with pytest.raises(OSError, match="records100"):
        fetch(server, folder)
    assert not [name for name in contents(folder) if name.endswith(".part")]


def test_an_error_of_the_disk_is_not_kept_waiting_by_a_busy_server(server, folder):
    """Whoever waits for the server when it happens gives up."""
    (folder / "scp_statements.csv").mkdir(parents=True)
    patience, began = Patience(wait=60, longest_wait=60), time.monotonic()
    names = ["LICENSE.txt", "RECORDS", "ptbxl_database.csv"]
    server.faults = {"LICENSE.txt": iter([wrong]), "RECORDS": iter([busy] * 9), "ptbxl_database.csv": iter([cut])}
    with pytest.raises(IsADirectoryError, match=r"scp_statements\.csv"):
        fetch(server, folder, connections=8, patience=patience)
    assert time.monotonic() - began < patience.wait
    assert not {*names} & contents(folder).keys()
    assert not [name for name in contents(folder) if name.endswith(".part")]
