"""Records in segments: what wfdb reads, or the reason why not."""

from pathlib import Path

import numpy as np
import pytest
import wfdb
from recording_files import counts_of, write

from pipeline.sources.formats.wfdb import RecordError, read_recording


def segments(folder: Path, *lines: str, record: str = "all/2 3 250 600", **changes) -> Path:
    for number, name in enumerate(("a", "b")):
        write(folder, name=name, d_signal=counts_of(seed=number), **changes)
    folder.joinpath("all.hea").write_text("\n".join((record, *(lines or ("a 300", "b 300")))))
    return folder / "all"


LAYOUT = "layout 3 250 0\n~ 0 200 0 0 0 0 0 I\n~ 0 100 0 0 0 0 0 aVR\n~ 0 333 0 0 0 0 0 V2\n"


def test_segments_of_one_layout_are_what_wfdb_reads(tmp_path: Path):
    path = segments(tmp_path)
    recording, reference = read_recording(path), wfdb.rdrecord(str(path))
    np.testing.assert_array_equal(recording.signal.T, reference.p_signal)
    assert recording.leads == ("I", "aVR", "V2")


def test_segments_behind_a_layout_are_read(tmp_path: Path):
    path = segments(tmp_path, "layout 0", "a 300", "b 300", record="all/3 3 250 600")
    (tmp_path / "layout.hea").write_text(LAYOUT)
    expected = np.concatenate([read_recording(tmp_path / name).signal for name in "ab"], axis=1)
    np.testing.assert_array_equal(read_recording(path).signal, expected)
    np.testing.assert_array_equal(wfdb.rdrecord(str(path)).p_signal.T, expected)


def test_a_length_that_is_not_given_is_the_segments(tmp_path: Path):
    assert read_recording(segments(tmp_path, record="all/2 3 250 0")).signal.shape == (3, 600)


@pytest.mark.parametrize(
    ("record", "lines", "sentence"),
    [
        ("all/3 3 250 610", ("a 300", "~ 10", "b 300"), "all.hea has a gap of 10 samples between its segments"),
        ("all/2 3 250 310", ("~ 10", "b 300"), "all.hea has a gap of 10 samples"),
        ("all/2 3 250 601", ("a 300", "b 300"), "announces 601 samples, and its segments have 600"),
        ("all/2 3 250 600", ("a 299", "b 301"), "its segment a has 299 samples, and it has 300"),
        ("all/2 3 250 600", ("a 300", "c 300"), "c.hea is missing"),
        ("all/2 3 250 600", ("a 300", "all 300"), "all.hea is a segment that has segments itself"),
        ("all/2 3 500 600", ("a 300", "b 300"), "all.hea is at 500 Hz, and its segment a at 250 Hz"),
        ("all/2 2 250 600", ("a 300", "b 300"), "announces 2 signals, and its segments have 3"),
        ("all/2 3 250 600", ("a 300", "../b 300"), "which is no name of a file beside it"),
        ("all/2 3 250 600", ("a 300", "b"), "which is no segment"),
        ("all/2 3 250 0", ("a 0", "b 0"), "has no segment with samples"),
        ("all/1 3 250 0", ("a 99999999999",), "and more than 33554432 are not read"),
    ],
)
def test_what_cannot_be_put_together_is_told_of(tmp_path: Path, record: str, lines: tuple[str, ...], sentence: str):
    with pytest.raises(RecordError, match=sentence):
        read_recording(segments(tmp_path, *lines, record=record))


def test_a_segment_without_a_lead_is_told_of(tmp_path: Path):
    path = segments(tmp_path)
    write(tmp_path, name="b", sig_name=["I", "aVR", "V3"])
    with pytest.raises(RecordError, match="has no lead V2 in its segment b"):
        read_recording(path)
