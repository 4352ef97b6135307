"""WFDB recordings by the name of any of their files, and checksums of 0 that are none."""

from pathlib import Path

import numpy as np
import pytest
from recording_files import counts_of, edit_header, write

from pipeline.sources.formats.opened import Said
from pipeline.sources.formats.recording import RecordError
from pipeline.sources.formats.wfdb import read_recording
from pipeline.sources.formats.wfdb_opening import has_header, open_wfdb, record_name


@pytest.mark.parametrize("fmt", ["16", "212", "80"])
def test_all_but_the_samples_comes_from_the_header(tmp_path: Path, fmt):
    path = write(tmp_path, fmt)
    found = open_wfdb(f"{path}.dat", Said())
    assert (found.n_samples, found.sampling_rate, found.leads) == (300, 250.0, ("I", "aVR", "V2"))
    np.testing.assert_array_equal(found.read().signal, read_recording(path).signal)
    path.with_suffix(".dat").unlink()
    assert open_wfdb(f"{path}.hea", Said()).n_samples == 300
    with pytest.raises(RecordError, match=r"rec.dat is missing"):
        found.__class__(
            *[getattr(found, name) for name in ("file", "n_samples", "sampling_rate", "leads", "whole")]
        ).read()


def test_a_header_without_a_number_of_samples(tmp_path: Path):
    path = write(tmp_path)
    edit_header(path, " 250 300", " 250")
    assert open_wfdb(str(path), Said()).n_samples == 300


def test_segments_without_checksums_are_read_where_somebody_says_so(tmp_path: Path):
    path = write(tmp_path)
    lines = path.with_suffix(".hea").read_text().splitlines()
    fields = [line.split() for line in lines[1:]]
    lines[1:] = [" ".join([*each[:6], "0", *each[7:]]) for each in fields]
    path.with_suffix(".hea").write_text("\n".join(lines))
    (tmp_path / "all.hea").write_text("all/2 3 250 600\nrec 300\nrec 300\n")
    with pytest.raises(RecordError, match="fails the checksum of lead 1"):
        open_wfdb(str(tmp_path / "all"), Said())
    found = open_wfdb(str(tmp_path / "all"), Said(zero_is_no_checksum=True)).read().signal
    np.testing.assert_array_equal(found[:, :300], found[:, 300:])
    assert found.shape == (3, 600)


def test_leads_that_are_wanted(tmp_path: Path):
    path = write(tmp_path)
    found = open_wfdb(str(path), Said(leads=("V2", "I")))
    np.testing.assert_array_equal(found.read().signal, read_recording(path).signal[[2, 0]])


def test_checksums_of_0_are_none_where_that_is_said(tmp_path: Path):
    path = write(tmp_path)
    assert open_wfdb(str(path), Said()).asked == frozenset()
    signal = read_recording(path).signal
    sums = [int(line.split()[6]) for line in path.with_suffix(".hea").read_text().splitlines()[1:]]
    assert sums == [int(total) for total in counts_of().sum(axis=0).astype(np.int16)]
    for total in sums:
        edit_header(path, f" {total} 0 ", " 0 0 ")
    assert open_wfdb(str(path), Said()).asked == {"checksum"}
    with pytest.raises(RecordError, match="fails the checksum of lead 1"):
        open_wfdb(str(path), Said()).read()
    np.testing.assert_array_equal(open_wfdb(str(path), Said(zero_is_no_checksum=True)).read().signal, signal)


def test_names(tmp_path: Path):
    assert [record_name(name) for name in ("a/b.hea", "a/b.DAT", "a/b.mat", "a/b", "a/b.1")] == [*["a/b"] * 4, "a/b.1"]
    assert has_header(f"{write(tmp_path)}.dat")
    assert not has_header(str(tmp_path / "other"))
