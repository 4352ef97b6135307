"""Standard streams that are closed, full, or whose reader has gone away: no command ends in a traceback for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from pipeline.commands.parser import run_command
from pipeline.commands.terminal import Terminal, told_to
from pipeline.listening import progress_bar, remark, warn
from pipeline.errors import EcgFusionError

@told_to(Terminal)
def main(words):
    remark("a remark – and " * 3)
    warn("a warning")
    for _ in progress_bar(range(3), "bar"):
        pass
    print("printed")
    with open(words[0], "w") as file:  # must not get the number of a closed stream
        print("printed, too")
        file.write("whole")
    if "fail" in words:
        raise EcgFusionError("no: take another")
run_command(main)
"""


def run(tmp_path: Path, redirections: str, *words: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "prog.py").write_text(PROGRAM, encoding="utf-8")
    command = f"{sys.executable} prog.py file {' '.join(words)} {redirections}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("redirections", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", "<&-"])
def test_closed_streams_are_no_error_and_lead_nowhere(tmp_path, redirections):
    done = run(tmp_path, redirections)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert (tmp_path / "file").read_text() == "whole"
    assert ("printed, too" in done.stdout) == (">&-" not in redirections.replace("2>&-", ""))
    assert run(tmp_path, redirections, "fail").returncode == 1


def test_a_reader_that_goes_away_is_quiet(tmp_path):
    for words in ((), ("fail",)):
        for redirections in ("| true", "2>&1 | true", "| head -1"):
            assert "Traceback" not in run(tmp_path, redirections, *words).stderr
            assert "Exception ignored" not in run(tmp_path, redirections, *words).stderr


def test_a_full_disk_under_standard_output_is_a_sentence(tmp_path):
    done = run(tmp_path, "> /dev/full")
    assert done.returncode == 1
    assert done.stderr.startswith("prog.py: standard output cannot be written (No space left on device): free some")
    assert done.stderr.count("\n") == 1


def test_names_of_files_are_utf8_where_the_locale_is_ascii(tmp_path: Path):
    (tmp_path / "prog.py").write_text(
        "from pathlib import Path\nfrom pipeline.commands.parser import run_command\n"
        "run_command(lambda words: print(ascii(words[0]), Path(words[0]).write_text('x')))\n",
        encoding="utf-8",
    )
    ascii_only = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "prog.py", "d\u00e4t\u00e4"]
    done = subprocess.run(words, cwd=tmp_path, env={**os.environ, **ascii_only}, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "'d\\xe4t\\xe4' 1\n", "")
