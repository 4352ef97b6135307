"""What several tests need: the real recordings where they are at hand, and small simulated ones with their stores."""

import os
import platform
import re
import shutil
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import settings
from small_stores import make

from pipeline.listening import Event, Listener, listening
from pipeline.sources.synthetic import write_dataset
from pipeline.store.reading import Store, open_store

if TYPE_CHECKING:
    from remote_places import Bucket

DATA = Path(os.environ.get("ECG_DATA", Path.home() / ".cache" / "ecg-data"))


settings.register_profile("unhurried", deadline=None)  # a busy machine makes no example wrong
settings.load_profile("unhurried")

# those whose next release has broken something, or may
IN_USE = (
    *("torch", "torchvision", "numpy", "scipy", "pandas", "h5py", "numba", "wfdb", "pyts", "scikit-learn"),
    *("accelerate", "pytest"),
)
MOST_WORKERS = 4  # each takes half a gigabyte and makes the session's stores for itself


def asks_for_gpu(config: pytest.Config) -> bool:
    return re.search(r"(?<!not )\bgpu\b", config.option.markexpr) is not None


def pytest_configure(config: pytest.Config) -> None:
    """Hides every GPU, from the commands that tests start too, unless ``-m gpu`` asks for them.

    Defaults differ there, and sums come in no fixed order. Nothing has looked for one yet: torch does when it is asked.
    Workers inherit what is set here, and compute on one thread each, so that they do not wait for each other's cores.
    """
    if not asks_for_gpu(config):
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    if config.getoption("numprocesses", None):
        os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A worker a core; none for a test that is named alone, and none on a GPU, whose memory some tests measure."""
    if asks_for_gpu(config) or any("::" in word for word in config.args):
        return 0
    return min(MOST_WORKERS, os.cpu_count() or 1)


def pytest_report_header() -> str:
    """What the tests ran with: the first question when they fail elsewhere."""
    versions = ", ".join(f"{name} {version(name)}" for name in IN_USE)
    return f"Python {platform.python_version()}, {versions}; {os.cpu_count()} CPUs"


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Where real recordings lie, if they do."""
    return DATA


def real_set(data_folder: Path, name: str, file: str) -> Path:
    """The folder of a real data set, told by one of its files, or a skip that says what is missing."""
    folder = data_folder / name
    if not (folder / file).exists():
        pytest.skip(f"no real recordings: {folder} is missing (ECG_DATA names the folder that holds {name}/)")
    return folder


@pytest.fixture(scope="session")
def ptbxl_folder(data_folder: Path) -> Path:
    """Folds 1–9, 100 Hz."""
    return real_set(data_folder, "ptbxl", "ptbxl_database.csv")


@pytest.fixture(scope="session")
def mitdb_folder(data_folder: Path) -> Path:
    """The 26 of 48 records that are at hand."""
    return real_set(data_folder, "mitdb", "101.hea")


@pytest.fixture(scope="session")
def cinc2017_folder(data_folder: Path) -> Path:
    """The 7,675 of 8,528 records that are at hand."""
    return real_set(data_folder, "cinc2017", "REFERENCE-v3.csv")


@pytest.fixture(scope="session")
def synthetic_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty simulated recordings at 100 Hz in PTB-XL's layout. Many tests read it: do not write into it."""
    folder = tmp_path_factory.mktemp("synthetic") / "ptbxl"
    write_dataset(folder, n_records=40, seed=0)
    return folder


@pytest.fixture
def copied_folder(synthetic_folder: Path, tmp_path: Path) -> Path:
    """A copy of ``synthetic_folder`` that a test may damage."""
    return shutil.copytree(synthetic_folder, tmp_path / "ptbxl")


@pytest.fixture(scope="session")
def reference_stores(synthetic_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stores of ``synthetic_folder``, small images, made in one go. Do not write into it."""
    return make(synthetic_folder, tmp_path_factory.mktemp("reference"))


@pytest.fixture(scope="session")
def small_store_folder(synthetic_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished stores of ``synthetic_folder``, all representations at 32 pixels. Do not write into it."""
    import create_images

    folder = tmp_path_factory.mktemp("stores") / "ptbxl-images"
    create_images.main(
        ["--data", str(synthetic_folder), "--out", str(folder), "--size", "32", "--workers", "1"],
    )
    return folder


@pytest.fixture(scope="session")
def store(small_store_folder: Path) -> Store:
    """The small store of the training items."""
    return open_store(small_store_folder / "train.h5")


@pytest.fixture
def cpu_as_before() -> Iterator[None]:
    """Puts back what training and scoring set for the whole process: threads, and denormal numbers as 0."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)


GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.zip"))


@pytest.fixture(scope="session", params=GOLDEN, ids=lambda path: path.stem)
def earlier(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of every kind with the test store that they were scored on, as an earlier program left them. Read only."""
    folder = tmp_path_factory.mktemp("earlier")
    with zipfile.ZipFile(request.param) as packed:
        packed.extractall(folder)
    return folder


@pytest.fixture
def told() -> Iterator[list[Event]]:
    """What a listener is told during the test."""

    class Ear(Listener):
        def hear(self, event: Event) -> None:
            heard.append(event)

    heard: list[Event] = []
    with listening(Ear()):
        yield heard


@pytest.fixture
def workplace(small_store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with finished stores at ``data/ptbxl-images``, where the commands are typed."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ptbxl-images").symlink_to(small_store_folder)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def bucket() -> "Iterator[Bucket]":
    """A bucket on this machine, of one worker."""
    from remote_places import bucket_of_moto

    with bucket_of_moto() as bucket:
        yield bucket
