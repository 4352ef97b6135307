"""What a shell allows, and what must be refused before a library ends the program."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import EcgFusionError
from pipeline.machine.limits import MOST_THREADS, check_open_files, check_thread_variables, check_threads

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"])
@pytest.mark.parametrize("text", ["100000", "0", "-3", "abc", "1.5", "1e3", "²", "9" * 5000, "1025", "1,0"])
def test_a_number_of_threads_that_ends_the_program_is_refused(name, text):
    with pytest.raises(EcgFusionError, match=f"{name} is .*: set it to a number from 1 to {MOST_THREADS}") as told:
        check_thread_variables({name: text})
    assert len(str(told.value)) < 250


def test_usual_numbers_of_threads_pass():
    check_thread_variables({})
    check_thread_variables({"OMP_NUM_THREADS": "4, 2", "MKL_NUM_THREADS": " 1 ", "NUMBA_NUM_THREADS": ""})
    check_thread_variables({"OMP_NUM_THREADS": "1024"})
    check_threads(1024)
    with pytest.raises(EcgFusionError, match="-threads 1025 does not work"):
        check_threads(1025)


@pytest.mark.parametrize("command", ["train.py", "evaluate.py", "create_images.py"])
def test_commands_refuse_them_before_torch_is_imported(command):
    done = subprocess.run(
        [sys.executable, ROOT / command], env={"OMP_NUM_THREADS": "100000"}, capture_output=True, text=True, cwd="/"
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"{command}: OMP_NUM_THREADS is 100000: set it")
    assert done.stderr.count("\n") == 1


def with_few_files(n: int, command: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A command of the program in a shell that allows it so many open files."""
    return subprocess.run(
        ["bash", "-c", 'ulimit -n "$0" && exec "$@"', str(n), sys.executable, ROOT / command, *words],
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("n", [20, 12])
def test_create_images_works_with_few_open_files(n, synthetic_folder, tmp_path):
    made = with_few_files(
        n, "create_images.py", "--data", str(synthetic_folder), "--out", str(tmp_path), "--size", "16",
        "--representations", "gaf", "--workers", "4",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dev.h5", "test.h5", "train.h5"]


def test_train_with_processes_that_read_ahead_says_how_many_open_files_it_needs(small_store_folder, tmp_path):
    words = ["-model", "resnet", "-leads", "II", "-epochs", "1", "-batch_size", "8", "-data", str(small_store_folder)]
    words += ["-representation", "gaf", "-nb_filters", "4", "-path_save_model", str(tmp_path / "run")]
    told = with_few_files(20, "train.py", *words, "-workers", "2")
    assert told.returncode == 1
    assert told.stderr == (
        "train.py: 2 processes that read ahead need 80 open files, and this shell allows 20: raise it (ulimit -n 80), "
        "or take -workers 0\n"
    )


def test_too_few_files_for_processes_that_read_ahead_are_told(monkeypatch):
    limits = [20, 20]
    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(limits))
    with pytest.raises(
        EcgFusionError, match=r"need 80 open files, and this shell allows 20: .*ulimit -n 80.*-workers 0"
    ):
        check_open_files(2)
    raised = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: raised.append(both))
    limits[:] = 20, resource.RLIM_INFINITY
    check_open_files(2)
    assert raised == [(80, resource.RLIM_INFINITY)]
    limits[:] = 1024, 4096
    check_open_files(2)
    assert len(raised) == 1
