"""Every data set is the same one in a bucket and on a web server as it is in a folder of this machine."""

import shutil
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cinc2017_folders import write_set
from file_server import FileServer, dropped, missing
from heartbeat_files import write_beats
from heartbeat_sets import write_mitdb, write_ptbdb
from own_tables import write_own
from remote_places import Bucket, web_of

from pipeline.errors import EcgFusionError
from pipeline.sources import SOURCES, BadRecord, Source, open_source
from pipeline.sources.synthetic import write_dataset

PEOPLE: dict[str, dict] = {
    "patient001/s0010_re": {"reason": "Myocardial infarction", "age": 81},
    "patient104/s0306lre": {"reason": "Healthy control", "sex": "male"},
}
BEATS = "NNVNANNNFNNNLNNNRNNN"


def write_snomed(folder: Path) -> None:
    """Two recordings of PTB Diagnostic's with codes, at two depths."""
    write_ptbdb(folder, {"g1/A1": {}, "g2/below/A2": {}}, seconds=2)
    for header in folder.rglob("*.hea"):
        header.write_text(header.read_text() + "# Dx: 164889003,59118001\n")


WRITERS: dict[str, Callable[[Path], Any]] = {
    "ptbxl": lambda folder: write_dataset(folder, n_records=6, seed=0),
    "mitdb": lambda folder: write_mitdb(folder, {101: BEATS, 108: BEATS, 100: BEATS}),
    "ptbdb": lambda folder: write_ptbdb(folder, PEOPLE, seconds=2),
    "cinc2017": write_set,
    "heartbeat_csv": lambda folder: write_beats(folder, 40),
    "snomed": write_snomed,
    "table": lambda folder: write_own(folder, 3, AF=[1, 0, 1]),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each source. Do not write into it."""
    folder = tmp_path_factory.mktemp("places")
    for name, write in WRITERS.items():
        write(folder / name)
    return folder


@pytest.fixture(scope="module")
def web(folders: Path) -> Iterator[FileServer]:
    """A web server that has them, and lists what it has."""
    with web_of(folders) as server:
        server.lists = True
        yield server


def content(source: Source) -> tuple[pd.DataFrame, dict[str, np.ndarray], list[np.ndarray]]:
    """What a source says, and its first and last recordings."""
    read = source.read(source.records.iloc[[0, -1]])
    assert not [each for each in read if isinstance(each, BadRecord)]
    labels = source.beats.labels if source.beats else source.labels
    return source.records, {task: each.values for task, each in labels.items()}, read  # type: ignore[return-value]


def test_every_source_is_tried():
    assert WRITERS.keys() == SOURCES.keys()


@pytest.mark.parametrize("name", WRITERS)
def test_a_source_is_the_same_wherever_it_lies(name: str, folders: Path, web: FileServer, bucket: Bucket):
    here = open_source(name, folders / name)
    records, labels, read = content(here)
    for address in (bucket.put_folder(folders / name, f"sources/{name}"), f"{web.url}/{name}"):
        there = open_source(name, address)
        assert (there.leads, there.sampling_rate, there.gain) == (here.leads, here.sampling_rate, here.gain)
        records_there, labels_there, read_there = content(there)
        pd.testing.assert_frame_equal(
            records.drop(columns="file", errors="ignore"), records_there.drop(columns="file", errors="ignore")
        )
        assert labels.keys() == labels_there.keys()
        for task, values in labels.items():
            np.testing.assert_array_equal(values, labels_there[task])
        for one, other in zip(read, read_there, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_web_server_that_lists_nothing_will_do(folders: Path):
    with web_of(folders) as server:
        there = open_source("ptbxl", f"{server.url}/ptbxl")
        read = there.read(there.records)
    assert all(isinstance(each, np.ndarray) for each in read)


@pytest.mark.parametrize("name", WRITERS)
def test_a_place_without_the_set_is_a_sentence(name: str, bucket: Bucket, web: FileServer):
    for address in ("s3://ecg/nothing/here", f"{web.url}/nothing"):
        with pytest.raises(EcgFusionError, match="nothing"):
            open_source(name, address)


def test_a_recording_that_is_missing_is_bad_and_one_that_breaks_off_ends_it(folders: Path, tmp_path: Path):
    shutil.copytree(folders / "ptbxl", tmp_path / "ptbxl")
    with web_of(tmp_path) as server:
        there = open_source("ptbxl", f"{server.url}/ptbxl")
        names = there.records["file"].tolist()
        server.faults[f"ptbxl/{names[1]}.dat"] = repeat(missing)
        _, bad, *others = there.read(there.records)
        assert isinstance(bad, BadRecord)
        assert bad.problem.endswith(f"{names[1]}.dat is missing")
        assert not [each for each in others if isinstance(each, BadRecord)]
        server.faults[f"ptbxl/{names[2]}.dat"] = iter([dropped])  # once, which nobody notices
        assert not isinstance(there.read(there.records.iloc[[2]])[0], BadRecord)
        server.faults[f"ptbxl/{names[2]}.dat"] = repeat(dropped)
        with pytest.raises(EcgFusionError, match=f"{names[2]}.dat broke off while it was read: check the network"):
            there.read(there.records)


def test_a_table_leads_to_no_other_place(bucket: Bucket):
    for name in ("../other.csv", "s3://ecg/outside/other.csv"):
        bucket.put("outside/own/records.csv", f"file,patient_id,AF\n{name},p0,1\n".encode())
        with pytest.raises(EcgFusionError, match=r"records\.csv line 2"):
            open_source("table", "s3://ecg/outside/own")
