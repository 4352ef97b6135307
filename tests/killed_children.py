"""create_images.py in children of one process, killed or limited where a script says so."""

import json
import subprocess
import sys
from pathlib import Path

from small_stores import SMALL

import create_images

ROOT = Path(create_images.__file__).parent


DRIVER = """
import json, os, random, resource, shutil, signal, sys, threading, time
import create_images, h5py, pandas, scipy.signal, torch
import pipeline.store.create, pipeline.representations, pipeline.store.writing
from pathlib import Path
from pipeline.commands.parser import run_command

data, folder, small = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
# machine code that is loaded here need not be loaded by each child
pipeline.representations.draw_images(torch.randn(64), 100.0, pipeline.representations.ImageRecipe(size=8))
pipeline.store.stages._BYTES_BETWEEN_SYNCS = 1
pipeline.store.stages.RECORDS_READ_AT_ONCE = pipeline.store.stages.RECORDS_DRAWN_AT_ONCE = 8
steps = [(os, "pwrite"), (os, "fdatasync"), (os, "fsync"), (Path, "replace"), (h5py.File, "close")]


def child(out, before=lambda: None):
    pid = os.fork()
    if pid:
        return pid
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # no limit on the size of files holds there
        os.dup2(os.open(folder / "errors", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        before()
        sys.argv = ["create_images.py", "--data", data, "--out", str(out), "--partition", "train", *small]
        run_command(create_images.main)
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(ended.code if isinstance(ended.code, int) else 1)
    finally:
        os._exit(99)


def end(pid):
    status = os.waitpid(pid, 0)[1]
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def counted(last, torn=False):
    # kills itself at the last-th step; a torn one has written half of its bytes
    def before():
        done, one_at_a_time = [0], threading.RLock()

        def wrap(owner, name):
            real = getattr(owner, name)

            def step(*arguments):
                with one_at_a_time:
                    done[0] += 1
                    (folder / "steps").write_text(str(done[0]))
                    if done[0] == last:
                        if torn and name == "pwrite":
                            real(arguments[0], arguments[1][: len(arguments[1]) // 2], arguments[2])
                        os.kill(os.getpid(), signal.SIGKILL)
                    return real(*arguments)

            setattr(owner, name, step)

        for owner, name in steps:
            wrap(owner, name)

    return before


def n_steps():
    return int((folder / "steps").read_text())
"""


def drive(script: str, synthetic_folder: Path, folder: Path) -> dict:
    """Runs a script that kills children of one process, in which everything is imported already."""
    words = [sys.executable, "-c", DRIVER + script, str(synthetic_folder), str(folder), json.dumps(SMALL)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
