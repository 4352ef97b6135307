"""How long the page's server takes for a recording when many are sent at once, and whether its memory grows by them.

The server is a process of its own, as a user starts it. The rival is the same reader in a loop, in this process, on as
many threads: what the server takes beyond it goes into receiving, queueing and answering. Each post is looked at.

    python -m benchmarks.serving
    python -m benchmarks.serving -run runs/resnet1d_wang -posts 1000 -at_once 16
"""

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.ratio import Row
from benchmarks.simulated_store import simulate
from pipeline.commands.parser import CommandParser, positive_int, run_command
from pipeline.errors import EcgFusionError

if TYPE_CHECKING:
    from pipeline.scoring.files import Reader

ROOT = Path(__file__).resolve().parent.parent
TURN = 100
"""So many recordings are sent before the loop has its turn, and before memory is looked at for the first time."""
_BOUNDARY = "boundary-of-the-benchmark"
_AIM = 0.5
MB = 2**20


def main(words: Sequence[str] | None = None) -> None:
    """Times both and prints a line."""
    parser = CommandParser(prog="python -m benchmarks.serving", description=__doc__)
    trained = "a trained run (default: resnet1d_wang, trained for an epoch on simulated recordings)"
    parser.option("run", type=Path, metavar="FOLDER", help=trained)
    parser.option("posts", type=positive_int, default=1000, help="default %(default)s")
    parser.option("at_once", type=positive_int, default=16, help="default %(default)s")
    options = parser.parse_args(words)
    for row in measure(options.run, options.posts, options.at_once):
        print(row)


def measure(run: Path | None = None, posts: int = 1000, at_once: int = 16, n_recordings: int = 40) -> list[Row]:
    """The claim of a run, or of one that is made for it.

    Args:
        run: a finished one that sees twelve leads at 100 Hz, None for one that is made.
        posts: how many recordings are sent.
        at_once: how many of them at one time.
        n_recordings: that take turns in them, and of which the run learns where it is made.

    Raises:
        EcgFusionError: an answer is none.
    """
    with tempfile.TemporaryDirectory() as folder:
        recordings = simulate(Path(folder), n_recordings)
        files = sorted((recordings / "records100").glob("*/*.hea"))
        run = run or _trained(Path(folder), recordings)
        reader = _reader(run)
        reader.answer(str(files[0]))  # what is compiled once
        bodies = [_body(file) for file in files]
        served = in_loop = 0.0
        memory: list[int] = []
        with serving(run) as (process, port), ThreadPoolExecutor(at_once) as pool:
            for first in range(0, posts, TURN):  # in turn, since a machine is not always as quick
                turn = [number % len(files) for number in range(first, min(first + TURN, posts))]
                start = time.perf_counter()
                list(pool.map(partial(post, port), [bodies[number] for number in turn]))
                between = time.perf_counter()
                memory.append(resident(process.pid))
                for number in turn:
                    reader.answer(str(files[number]))
                served, in_loop = served + between - start, in_loop + time.perf_counter() - between
    early, late = (f"{each / MB:.0f} MB" for each in (memory[0], memory[-1]))
    grown = f"resident memory {early} after {min(TURN, posts)} of them and {late} at the end"
    what = f"a recording in {posts} posts, {at_once} at once, against the reader in a loop"
    return [Row(what, served / posts, in_loop / posts, _AIM, grown)]


def _trained(folder: Path, recordings: Path) -> Path:
    from pipeline import create_stores, open_source, train

    create_stores(open_source("ptbxl", recordings), folder / "stores", representations="none", workers=1)
    run = folder / "run"
    train(model="resnet1d_wang", crop=2.5, epochs=1, threads=1, data=folder / "stores", path_save_model=run)
    return run


def _reader(run: Path) -> "Reader":
    """The reader of a run, on one thread."""
    from pipeline.machine.devices import set_up_cpu
    from pipeline.runs.load import load_run
    from pipeline.scoring.files import Reader

    set_up_cpu(1)
    return Reader(load_run(run))


@contextmanager
def serving(run: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """The server of a run as a process of its own, on one thread, and its port.

    Raises:
        EcgFusionError: it does not begin.
    """
    words = [sys.executable, "-m", "pipeline.server", "-run", str(run), "-port", "0", "-threads", "1"]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = next((line for line in process.stdout if "http://" in line), "")
        if not line:
            raise EcgFusionError("the server has not begun: python -m pipeline.server says why")
        yield process, int(line.split("http://127.0.0.1:")[1].split()[0])
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()
        process.stdout.close()


def post(port: int, body: bytes) -> None:
    """Sends a recording and sees that it is answered.

    Raises:
        EcgFusionError: it is not.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        headers = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
        connection.request("POST", "/predict", body, headers)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status != 200 or "probabilities" not in json.loads(content)[0]:
        raise EcgFusionError(f"a recording is not answered: {answer.status} {content[:200]!r}")


def _body(header: Path) -> bytes:
    """A recording as a form."""
    parts = []
    for file in (header, header.with_suffix(".dat")):
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{file.name}"\r\n\r\n'
        parts += [head.encode(), file.read_bytes(), b"\r\n"]
    return b"".join([*parts, f"--{_BOUNDARY}--\r\n".encode()])


def resident(process: int) -> int:
    """Bytes that a process has in memory (Linux)."""
    pages = Path(f"/proc/{process}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    run_command(main)
