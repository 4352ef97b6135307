"""Arrays of numpy, as files: what is read, and what hostile or damaged ones become."""

import io
import pickle
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.formats.opened import Said
from pipeline.sources.formats.recording import RecordError
from pipeline.sources.formats.registry import open_file

SAID = Said("mV", 100.0, ("I", "II"))
SIGNAL = np.arange(20.0).reshape(2, 10)


class Payload:
    def __reduce__(self):
        return print, ("unpickled",)


def head(shape: str, descr: str = "'<f8'", version: int = 1) -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(2 if version == 1 else 4, "little") + text


def npy_of(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.fixture
def read(tmp_path: Path):
    def of(content: bytes, name: str = "a.npy", said: Said = SAID) -> np.ndarray:
        (tmp_path / name).write_bytes(content)
        return open_file(str(tmp_path / name), said).read().signal

    return of


def test_a_signalling_nan_is_a_missing_sample(read):
    signal = SIGNAL.astype("<f4")
    signal.view("<u4")[1, 3] = 0x7FA00000
    with pytest.raises(RecordError, match=r"has a missing sample \(NaN\) in lead II at 0\.030 s"):
        read(npy_of(signal))


@pytest.mark.parametrize("kind", ["<f8", ">f8", "<f4", "<f2", "<i2", ">i4", "u1", "<i8"])
@pytest.mark.parametrize("turn", [lambda x: x, np.transpose, np.asfortranarray, lambda x: x[None]])
def test_every_kind_of_number(read, kind, turn):
    np.testing.assert_array_equal(read(npy_of(turn(SIGNAL.astype(kind)))), SIGNAL)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_every_version(read, version):
    np.testing.assert_array_equal(read(head("(2, 10)", version=version) + SIGNAL.tobytes()), SIGNAL)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "does not begin as an array of numpy does"),
        (b"\x93NUMPY\x09\x00", "does not begin as an array of numpy does"),
        (pickle.dumps([1]), "does not begin as an array of numpy does"),
        (b"\x93NUMPY\x01\x00\xff", "is cut off, or has a head of 255 bytes"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "has a head of 4294967295 bytes"),
        (head("(2, 10)", "'|O'") + pickle.dumps(Payload()), "holds Python objects, which are never unpickled"),
        (head("(2, 10)", "[('a', '<f8')]"), "is an array of .* not of real numbers"),
        (head("(2, 10)", "'<c16'"), "is an array of <c16, not of real numbers"),
        (head("(2, 10)", "'<M8[s]'"), "not of real numbers"),
        (head("(2, 10)", "'|b1'"), "is an array of true and false, not of numbers"),
        (head("(2, 10)", "'<U3'"), "is an array of text, not of numbers"),
        (head("(2, 10)") + SIGNAL.tobytes()[:-1], "has 159 bytes of samples where its head says 160"),
        (head("(2, 10)") + SIGNAL.tobytes() + b"x", "has more bytes of samples where its head says 160"),
        (head("(1000000000000, 12)"), "has 12000000000000 samples, and more than"),
        (head("(-1, 12)"), "has a damaged head"),
        (head("(True, 12)"), "has a damaged head"),
        (head("[2, 10]"), "has a damaged head"),
        (head("(2, 0)"), "holds no samples"),
        (head("(2, 10, 3)"), "has an array of 2 x 10 x 3, not one of leads and time"),
        (head("(2, 10)", "__import__('os')"), "has a damaged head"),
        (head("(" * 3000), "has a damaged head"),
    ],
)
def test_what_is_no_such_array(read, content, sentence):
    with pytest.raises(RecordError, match=sentence):
        read(content)


@given(st.data())
def test_damage_is_a_sentence_or_other_samples(tmp_path_factory, data):
    content = bytearray(npy_of(SIGNAL))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("npy") / "a.npy"
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    with suppress(RecordError):
        assert open_file(str(path), SAID).read().signal.shape == (2, 10)


# several in a file


def npz_of(compressed: bool = False, **arrays) -> bytes:
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize("compressed", [False, True])
def test_the_only_array_or_the_named_one(read, compressed):
    np.testing.assert_array_equal(read(npz_of(compressed, x=SIGNAL), "a.npz"), SIGNAL)
    both = npz_of(compressed, x=SIGNAL, y=-SIGNAL)
    np.testing.assert_array_equal(read(both, "a.npz", Said("mV", 100.0, ("I", "II"), "y")), -SIGNAL)
    with pytest.raises(RecordError, match="holds 2 arrays, x, y: say which is the recording with --array"):
        read(both, "a.npz")
    with pytest.raises(RecordError, match=r"has no array z \(it has x, y\): give another --array"):
        read(both, "a.npz", Said("mV", 100.0, ("I", "II"), "z"))


def test_what_the_other_arrays_say(tmp_path: Path):
    (tmp_path / "a.npz").write_bytes(npz_of(ecg=SIGNAL.T, fs=360, leads=["MLII", "v5"], unit="uV"))
    found = open_file(str(tmp_path / "a.npz"))
    assert (found.leads, found.sampling_rate, found.asked) == (("MLII", "V5"), 360.0, frozenset(["array"]))
    np.testing.assert_allclose(found.read().signal, SIGNAL / 1000)


def zip_of(members: dict[str, bytes], **how) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **how) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is no .npz file, or is cut off"),
        (npz_of(x=SIGNAL)[:200], "is no .npz file, or is cut off"),
        (zip_of({}), "holds no array"),
        (zip_of({"x.npy": head("(2, 10)", "'|O'") + pickle.dumps(Payload())}), "holds Python objects"),
        (zip_of({"x.npy": head("(10000000000, 2)")}), "has 20000000000 samples, and more than"),
        (zip_of({"x.npy": b"x"}), "does not begin as an array of numpy does"),
        (zip_of({f"{number}.npy": b"" for number in range(1001)}), "holds 1001 arrays, and can hold 1000"),
        (zip_of({"x.npy": npy_of(SIGNAL), "fs.npy": npy_of(np.zeros(5000))}), "fs.npy, which is too long"),
        (zip_of({"x.npy": head("(2, 30000000)") + bytes(2**20)}), "has 60000000 samples"),
        (
            zip_of({"x.npy": head("(2, 10000000)") + bytes(2**20)}, compression=zipfile.ZIP_DEFLATED),
            "has 1048576 bytes of samples where its head says 160000000",
        ),
    ],
)
def test_what_is_no_such_file(read, content, sentence):
    with pytest.raises(RecordError, match=sentence):
        read(content, "a.npz")


@pytest.mark.parametrize("compressed", [False, True])
def test_a_flipped_bit_is_seen(read, compressed):
    content = bytearray(npz_of(compressed, x=np.random.default_rng(0).normal(size=(2, 100))))
    content[400] ^= 1
    with pytest.raises(RecordError, match=r"is damaged \(.*\): make or copy it again"):
        read(bytes(content), "a.npz")


def test_an_archive_whose_directory_points_before_its_beginning(tmp_path):
    np.savez(tmp_path / "a.npz", signal=np.zeros((1, 5)))
    data = bytearray((tmp_path / "a.npz").read_bytes())
    end = data.rindex(b"PK\5\6")
    data[end + 16 : end + 20] = (int.from_bytes(data[end + 16 : end + 20], "little") + 8).to_bytes(4, "little")
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(RecordError, match="is damaged"):
        open_file(str(tmp_path / "a.npz"), Said("mV", 100.0, ("I",))).read()
