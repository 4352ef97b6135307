"""The command that fetches PTB-XL, as it is typed: what lies there afterwards, and how it ends when it is stopped."""

import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from file_server import FileServer, contents, missing, stalled

import create_images
from pipeline.errors import EcgFusionError
from pipeline.sources import BadRecord, open_source
from pipeline.sources.download.checksums import SUMS
from pipeline.sources.download.ptbxl import FOLDER, PHYSIONET, main, parse
from pipeline.sources.formats.wfdb import read_recording
from pipeline.store.reading import open_store

ROOT = Path(__file__).resolve().parents[3]
HEAVY = ("torch", "h5py", "scipy", "matplotlib", "wfdb", "sklearn", "requests", "urllib3")


def at(published: Path, rate: int) -> dict[str, bytes]:
    """What is to lie in a folder that was fetched at one rate."""
    other = {100: "records500/", 500: "records100/"}[rate]
    return {name: body for name, body in contents(published).items() if not name.startswith(other)}


def typed(server: FileServer, folder: Path, *words: str) -> list[str]:
    return ["--download", str(folder), "--url", server.url, *words]


def begin(server: FileServer, folder: Path, before: str = "") -> subprocess.Popen[str]:
    """Begins the command in a process of its own; ``before`` is what the shell does first."""
    words = [sys.executable, "-W", "error", "-m", "pipeline.sources.ptbxl", *typed(server, folder)]
    command = f"{before} exec {shlex.join(words)}"
    return subprocess.Popen(
        ["bash", "-c", command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # tests begun in the background ignore it
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ptbxl"


def test_the_source_reads_what_was_fetched(server, published, folder, capsys):
    main(typed(server, folder))
    assert contents(folder) == at(published, 100)
    said = capsys.readouterr().out
    assert f"{folder}: PTB-XL at 100 Hz, 66 files, " in said
    assert "66 fetched" in said
    assert said.endswith(f"next: python create_images.py --data {folder}\n")
    source = open_source("ptbxl", folder)
    assert source.version == "1.0.3"  # from the list of sums
    signals = source.read(source.records)
    assert len(signals) == 30
    assert not any(isinstance(signal, BadRecord) for signal in signals)
    np.testing.assert_array_equal(signals[6], read_recording(published / "records100/00000/00007_lr").signal)


def test_the_next_command_is_the_one_that_was_printed(server, folder, capsys, monkeypatch):
    monkeypatch.chdir(folder.parent.parent)
    main(typed(server, folder, "--sampling_rate", "500"))
    line = capsys.readouterr().out.splitlines()[-1]
    words = shlex.split(line.removeprefix("next: "))
    assert words[:2] == ["python", "create_images.py"]
    create_images.main([*words[2:], "--representations", "none", "--partition", "train", "--workers", "1"])
    store = open_store(Path("data/ptbxl-images/train.h5"))
    assert store.attributes["sampling_rate"] == 500


def test_the_other_rate_is_added_to_the_first(server, published, folder):
    main(typed(server, folder))
    server.asked.clear()
    main(typed(server, folder, "--sampling_rate", "500"))
    assert contents(folder) == contents(published)
    others = [name for name in contents(published) if name.startswith("records500/")]
    assert sorted(server.asked) == sorted([SUMS, *others])


def test_a_list_without_the_wanted_rate_is_refused(server, published, tmp_path, folder):
    server.folder = tmp_path / "slow"
    server.folder.mkdir()
    lines = (published / SUMS).read_text().splitlines(keepends=True)
    (server.folder / SUMS).write_text("".join(line for line in lines if "records500" not in line))
    with pytest.raises(EcgFusionError, match=rf"{SUMS} lists no records500/\*"):
        main(typed(server, folder, "--sampling_rate", "500"))


# stopped


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_what_was_stopped_goes_on(server, published, folder, how):
    original = at(published, 100)
    server.latency = 0.01
    server.faults = {name: iter([stalled]) for name in sorted(original)[30:38]}  # so that it cannot end too soon
    process = begin(server, folder)
    while len(server.asked) < 45:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(how)
    _, said = process.communicate()
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert said.splitlines()[-1] == "ptbxl.py: interrupted: give the same command again and it goes on"
        assert "Traceback" not in said
    came = {name: body for name, body in contents(folder).items() if name in original}
    assert 20 < len(came) < len(original)
    assert all(original[name] == body for name, body in came.items())
    assert SUMS not in came
    server.faults = {}  # those that the killed one did not come to would be asked for twice
    server.asked.clear()
    main(typed(server, folder))
    assert contents(folder) == original
    assert sorted(server.asked) == sorted(name for name in original if name not in came)


def test_a_full_disk_is_a_sentence_and_what_came_stays(server, published, folder):
    process = begin(server, folder, before="ulimit -f 16;")  # KiB: a header may be written, a recording not
    _, said = process.communicate()
    assert process.returncode == 1
    assert re.fullmatch(r"ptbxl\.py: the disk is full.*: free some space.* and give the same command again", last(said))
    assert "Traceback" not in said
    original = at(published, 100)
    came = contents(folder)
    assert all(original[name] == body for name, body in came.items())
    main(typed(server, folder))
    assert contents(folder) == original


def test_a_file_that_cannot_be_had_ends_it_with_1(server, published, folder):
    server.faults = {"records100/00000/00009_lr.hea": iter([missing])}
    process = begin(server, folder)
    _, said = process.communicate()
    assert process.returncode == 1
    assert last(said).startswith(
        "ptbxl.py: 1 of 66 files could not be had, the first of them records100/00000/00009_lr.hea (404 Not Found)"
    )
    assert len(contents(folder)) == 65


def last(said: str) -> str:
    return said.splitlines()[-1]


# what is typed


def test_help_imports_nothing_heavy_and_warns_of_nothing():
    code = f"""
import contextlib, io, runpy, sys
sys.argv = ["ptbxl.py", "--help"]
try:
    with contextlib.redirect_stdout(io.StringIO()):
        runpy.run_module("pipeline.sources.ptbxl", run_name="__main__")
except SystemExit as ended:
    print(ended.code, [name for name in {HEAVY} if name in sys.modules])
"""
    words = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("0 []\n", "")


def test_the_defaults_are_the_real_set():
    arguments = parse(["--download"])
    assert (arguments.download, arguments.sampling_rate, arguments.version) == (FOLDER, 100, "1.0.3")
    assert arguments.url is None
    assert f"{PHYSIONET}{arguments.version}/{SUMS}" == "https://physionet.org/files/ptb-xl/1.0.3/SHA256SUMS.txt"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("", "--download"),
        ("--download x --sampling_rate 250", "250"),
        ("--download x --version 1.0.4", "1.0.4"),
        ("--download x --url physionet.org/files", "physionet.org/files is no address: it begins with https://"),
        ("--download x --url ftp://physionet.org", "ftp://physionet.org is no address"),
        ("--download x --connections 0", "0 is not a whole number of at least 1"),
        ("--download x --connections 257", "257 connections are too many for one server: take up to 256"),
    ],
)
def test_a_wrong_word_is_one_sentence(words, sentence, capsys):
    with pytest.raises(SystemExit) as ended:
        parse(words.split())
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


def test_a_release_that_would_be_ignored_is_refused(tmp_path):
    with pytest.raises(EcgFusionError, match="leave --version out"):
        main(["--download", str(tmp_path), "--url", "http://127.0.0.1:9", "--version", "1.0.3"])


def test_the_readmes_commands_are_understood():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    commands = [shlex.split(line, comments=True) for line in lines if "-m pipeline.sources.ptbxl" in line]
    assert commands
    for words in commands:
        assert words[:3] == ["python", "-m", "pipeline.sources.ptbxl"]
        parse(words[3:])
