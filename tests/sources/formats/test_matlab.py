"""MAT files of every version: what is read, and what hostile or damaged ones become."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.formats import matlab
from pipeline.sources.formats.opened import Said
from pipeline.sources.formats.recording import RecordError
from pipeline.sources.formats.registry import open_file

SAID = Said("mV", 100.0, ("I", "II"))
SIGNAL = np.arange(20.0).reshape(2, 10)


def mat_of(variables: dict, **how) -> bytes:
    file = io.BytesIO()
    scipy.io.savemat(file, variables, **how)
    return file.getvalue()


@pytest.fixture
def read(tmp_path: Path):
    def of(content: bytes, said: Said = SAID) -> np.ndarray:
        (tmp_path / "a.mat").write_bytes(content)
        return open_file(str(tmp_path / "a.mat"), said).read().signal

    return of


@pytest.mark.parametrize("how", [{"format": "4"}, {}, {"do_compression": True}])
@pytest.mark.parametrize("kind", ["f8", "f4", "i2", "u1", "i4"])
@pytest.mark.parametrize("turn", [lambda x: x, np.transpose])
def test_every_version_and_kind_of_number(read, how, kind, turn):
    np.testing.assert_array_equal(read(mat_of({"val": turn(SIGNAL.astype(kind))}, **how)), SIGNAL)


@pytest.mark.parametrize("how", [{"format": "4"}, {}, {"do_compression": True}])
def test_what_the_other_variables_say(tmp_path: Path, how):
    variables = {"val": SIGNAL, "Fs": 500.0, "unit": "uV", "leads": ["avr ", "II  "]}
    (tmp_path / "a.mat").write_bytes(mat_of(variables, **how))
    found = open_file(str(tmp_path / "a.mat"))
    assert (found.leads, found.sampling_rate, found.asked) == (("aVR", "II"), 500.0, frozenset(["array"]))
    np.testing.assert_allclose(found.read().signal, SIGNAL / 1000)


def test_the_named_one_of_several(read):
    both = mat_of({"x": SIGNAL, "y": -SIGNAL, "about": {"age": 7}})
    np.testing.assert_array_equal(read(both, Said("mV", 100.0, ("I", "II"), "y")), -SIGNAL)
    for said, sentence in (
        (SAID, "holds 2 arrays, x, y: say which is the recording with --array"),
        (Said("mV", 100.0, ("I", "II"), "z"), r"has no array z \(it has x, y\)"),
        (Said("mV", 100.0, ("I", "II"), "about"), "has in about a struct: save it again with -v7"),
    ):
        with pytest.raises(RecordError, match=sentence):
            read(both, said)


def element(kind: int, content: bytes) -> bytes:
    return struct.pack("<II", kind, len(content)) + content


HEAD = mat_of({"x": SIGNAL})[:128]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is no MAT file, or is cut off"),
        (b"x" * 300, "is no MAT file"),
        (mat_of({"x": SIGNAL})[:150], "is damaged or cut off at byte 128"),
        (mat_of({"x": SIGNAL}, do_compression=True)[:-9], "is damaged or cut off at byte 128"),
        (
            b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + b"\x89HDF\r\n\x1a\n",
            "of version 7.3 .HDF5., which is",
        ),
        (b"\x89HDF\r\n\x1a\n" + bytes(600), "of version 7.3 .HDF5., which is not read: save it with -v7"),
        (HEAD, "holds no array"),
        (HEAD + element(15, b"no zlib stream"), "a compressed variable cannot be unpacked"),
        (HEAD + element(15, zlib.compress(bytes(1000))[:-8]), "a compressed variable is cut off"),
        (HEAD + element(7, bytes(80)), "is damaged or cut off at byte 128"),
        (HEAD + element(14, bytes(80)), "cannot be decoded as a MAT file"),
        (mat_of({"x": {"a": SIGNAL}}), r"holds no array of numbers but x \(struct\)"),
        (mat_of({"x": np.array([SIGNAL, "a"], object)}), r"holds no array of numbers but x \(cell\)"),
        (mat_of({"x": "text"}), r"holds no array of numbers but x \(char\)"),
        (mat_of({"x": SIGNAL + 1j}), "has complex or damaged numbers in x"),
        (mat_of({"x": SIGNAL > 3}), r"holds no array of numbers but x \(logical\)"),
        (mat_of({"x": SIGNAL[:, :0]}), "holds no samples"),
        (mat_of({"x": SIGNAL, "fs": "fast"}), "has the array fs, which is no sampling rate in Hz"),
        (2 * mat_of({"x": SIGNAL}), "is damaged or cut off at byte"),
        (HEAD + 2 * mat_of({"x": SIGNAL})[128:328], "holds 2 variables, too many or two of one name|cut off"),
    ],
)
def test_what_is_no_such_file(read, content, sentence):
    with pytest.raises(RecordError, match=sentence):
        read(content)


def test_what_unpacks_to_gigabytes_is_refused_at_once(read, monkeypatch):
    monkeypatch.setattr(matlab, "_MOST_UNPACKED", 2**20)
    with pytest.raises(RecordError, match="unpacks to more than 1048576 bytes"):
        read(HEAD + element(15, zlib.compress(bytes(2**21))))
    with pytest.raises(RecordError, match="unpacks to more than 1048576 bytes"):
        read(HEAD + 3 * element(15, zlib.compress(bytes(2**19))))


def test_what_announces_more_than_it_has(read):
    content = bytearray(mat_of({"x": SIGNAL}))
    place = content.index(struct.pack("<ii", 2, 10))
    content[place : place + 8] = struct.pack("<ii", 2**30, 2**30)
    with pytest.raises(RecordError, match="samples, and more than"):
        read(bytes(content))
    content[place : place + 8] = struct.pack("<ii", 2, 10**6)
    with pytest.raises(RecordError, match="cannot be decoded as a MAT file"):
        read(bytes(content))


@given(st.data())
def test_damage_is_a_sentence_or_other_samples(tmp_path_factory, data):
    how = data.draw(st.sampled_from([{"format": "4"}, {}, {"do_compression": True}]))
    content = bytearray(mat_of({"x": SIGNAL}, **how))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("mat") / "a.mat"
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    try:
        found = open_file(str(path), SAID)
        assert found.read().signal.shape == (2, found.n_samples)
    except RecordError:
        pass
