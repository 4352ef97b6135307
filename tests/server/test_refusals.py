"""What is not answered, and in which sentence."""

import html
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pipeline.errors import EcgFusionError
from pipeline.scoring.files import Reader
from pipeline.server.__main__ import main
from pipeline.server.service import Service


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("binary.csv", bytes(range(256)) * 40),
        ("words.csv", b"I (mV),II (mV)\nhello,world\n" * 50),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 100),
        ("lonely.dat", b"\0" * 100),
        ("lonely.hea", b"lonely 2 100 1000\nlonely.dat 16 1000/mV 16 0 0 0 0 I\nlonely.dat 16 1000/mV 16 0 0 0 0 II\n"),
        ("huge.hea", b"huge 12 500 1000000000000\n" + b"huge.dat 16\n" * 12),
        ("above.hea", b"above 1 100 1000\n../../../etc/passwd 16 1000/mV 16 0 0 0 0 I\n"),
        ("root.hea", b"root 1 100 1000\n/etc/passwd 16 1000/mV 16 0 0 0 0 I\n"),
        (
            "pickled.npy",
            b"\x93NUMPY\x01\x00v\x00"
            + b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117)
            + b"\n"
            + b"cos\nsystem\n.",
        ),
        ("pickled.npz", b"PK\x03\x04" + b"\0" * 50),
        ("bad.mat", b"MATLAB 5.0" + b"\0" * 200),
        ("nan.csv", b"time (s),I (mV),II (mV)\n" + b"".join(b"%.2f,nan,1\n" % (i / 100) for i in range(1000))),
        ("short.csv", b"time (s),I (mV),II (mV)\n0.00,1,1\n0.01,1,1\n0.02,0,0\n"),
        ("x", b"?"),
    ],
)
def test_a_bad_file_is_one_sentence_that_names_it(client, name: str, content: bytes):
    answer = client.post("/predict", files={"file": (name, content)})
    assert answer.status_code == 422
    assert set(answer.json()) == {"problem", "notice"}
    sentence = answer.json()["problem"]
    assert name in sentence or Path(name).stem in sentence
    assert "\n" not in sentence
    assert tempfile.gettempdir() not in sentence
    assert "ecgfusion-server" not in sentence
    assert "root:" not in sentence  # no word of /etc/passwd
    page = client.post("/", files={"file": (name, content)})
    assert page.status_code == 422
    assert sentence in html.unescape(page.text)


def test_a_request_that_is_too_large_is_told_so(serve):
    with serve(most_mb=0.1) as client:
        answer = client.post("/predict", files={"file": ("a.csv", b"x" * 2**17)})
        assert (answer.status_code, "0.1 MB" in answer.json()["problem"]) == (413, True)

        def pieces():  # whose length nobody says beforehand
            yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
            for _ in range(200):
                yield b"x" * 1000

        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        answer = client.post("/predict", content=pieces(), headers=kind)
        assert (answer.status_code, "0.1 MB" in answer.json()["problem"]) == (413, True)


def test_a_run_that_takes_too_long_is_told_so_and_the_next_one_is_answered(serve, example, monkeypatch):
    with serve(most_seconds=0.001) as client:
        for path in ("/predict", "/"):
            answer = client.post(path, files={"file": example})
            assert answer.status_code in (408, 504)
            assert "took longer than 0.001 s" in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/predict", 405), ("PUT", "/", 405), ("GET", "/static/../../errors.py", 404)],
)
def test_what_is_not_there_is_a_sentence(client, method: str, path: str, status: int):
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.json()["problem"]


@pytest.mark.parametrize("path", ["/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd", "/static/"])
def test_nothing_but_the_pages_own_files_is_served(client, path: str):
    assert client.get(path).status_code in (404, 405)


def test_a_failure_of_our_own_shows_no_traceback(client, example, monkeypatch):
    def broken(*_: object) -> None:
        raise RuntimeError("secret of the machine")

    monkeypatch.setattr(Reader, "answer", broken)
    answer = client.post("/predict", files={"file": example})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert client.service.n_inside == 0


def test_the_command_refuses_what_cannot_be_served(tmp_path: Path):
    def typed(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pipeline.server", *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).parents[2],
        )

    missing = typed("-run", str(tmp_path / "nowhere"), "-port", "0")
    assert missing.returncode == 1
    assert missing.stderr.splitlines()[-1].endswith("train one first, for example python train.py -model alexnet") or (
        "holds no run" in missing.stderr
    )
    assert "Traceback" not in missing.stderr
    foreign = typed("-host", "no.such.host.invalid", "-port", "0")
    assert foreign.returncode == 1
    assert "cannot be listened at" in foreign.stderr
    assert len(foreign.stderr.splitlines()) == 1
    wrong = typed("-port", "70000")
    assert (wrong.returncode, "65535" in wrong.stderr) == (2, True)


@pytest.mark.parametrize(("host", "warned"), [("127.0.0.1", False), ("::1", False), ("0.0.0.0", True)])
def test_who_lets_others_in_is_warned(earlier: Path, monkeypatch, capsys, host: str, warned: bool):
    places: list[tuple[str, int]] = []

    def run(_: object, sockets: list[socket.socket]) -> None:
        places.extend(each.getsockname()[:2] for each in sockets)

    monkeypatch.setattr("uvicorn.Server.run", run)
    monkeypatch.setattr(Service, "warm_up", lambda *_: None)
    main(["-run", str(earlier / "runs" / "gru"), "-port", "0", "-host", host])
    ((listened, port),) = places
    said, shown = capsys.readouterr()
    assert listened == host
    assert f"gru: http://{f'[{host}]' if ':' in host else host}:{port} (Ctrl-C ends)" in said
    assert ("warning: -host" in shown and "without a password" in shown) == warned


def test_what_is_not_installed_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(EcgFusionError, match=r'the page needs uvicorn, .*: pip install "ecgfusion\[serve\]"'):
        main(["-run", "nowhere"])


def test_a_port_that_is_taken_is_said_before_anything_is_loaded():
    with socket.create_server(("127.0.0.1", 0)) as place, pytest.raises(EcgFusionError, match="cannot be listened at"):
        main(["-run", "nowhere", "-port", str(place.getsockname()[1])])


def test_a_run_that_is_nowhere_leaves_the_port_free(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as place:
        port = place.getsockname()[1]
    with pytest.raises(EcgFusionError, match="nowhere"):
        main(["-run", str(tmp_path / "nowhere"), "-port", str(port)])
    with socket.socket() as other:  # without SO_REUSEADDR a port that is still listened at is not given
        other.bind(("127.0.0.1", port))
