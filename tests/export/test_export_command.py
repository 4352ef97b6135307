"""The command: a trained run to a file that its docs' own lines run, and mistakes in one sentence."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from untrained_runs import network_run, signal_spec

import train
from pipeline.errors import EcgFusionError
from pipeline.export import onnx_file, run
from pipeline.export.__main__ import main
from pipeline.export.run import export_run

PAGE = Path(__file__).parents[2] / "docs" / "export.md"


@pytest.fixture(scope="module")
def trained(small_store_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "wang"
    words = f"-data {small_store_folder} -model resnet1d_wang -crop 2.5 -epochs 1 -threads 1 -path_save_model {folder}"
    train.main(words.split())
    return folder


@pytest.mark.usefixtures("cpu_as_before")
def test_the_docs_own_lines_run_the_file(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    main([str(trained), str(tmp_path / "model.onnx")])
    assert "takes ecg_mv (n, 12, 1000) float64" in capsys.readouterr().out
    (lines,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    alone = "import sys\nsys.modules['torch'] = sys.modules['pipeline'] = sys.modules['models'] = None\n"
    ended = subprocess.run(
        [sys.executable, "-c", alone + lines], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert "not a medical device" in ended.stdout
    assert [line.split()[0] for line in ended.stdout.splitlines()[:4]] == ["MI", "STTC", "CD", "HYP"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("RUN model.bin", "ends neither in .onnx nor in .pt2"),
        ("RUN nowhere/model.onnx", "there is no folder nowhere"),
        ("nowhere model.onnx", "nowhere holds no run"),
        ("RUN model.onnx -sampling_rate 50", "give -sampling_rate 100 or more"),
        ("RUN model.onnx -seconds 1", "sees 2.5 s at once, and 1 s are too short"),
        ("RUN model.onnx -sampling_rate 500 -prepared", "leave -sampling_rate 500 out"),
        ("RUN model.onnx -seconds 100000", "one ONNX file holds less than 2"),
    ],
)
@pytest.mark.usefixtures("cpu_as_before")
def test_a_mistake_is_one_sentence_and_leaves_nothing(
    words: str, sentence: str, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EcgFusionError, match=re.escape(sentence)):
        main([str(trained) if word == "RUN" else word for word in words.split()])
    assert not list(tmp_path.iterdir())


def test_without_the_extra_it_says_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EcgFusionError, match=re.escape('pip install "ecgfusion[export]"')):
        export_run(network_run("cnet", signal_spec()), tmp_path / "model.onnx")


def test_what_answers_otherwise_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(onnx_file, "_difference", lambda *_: 0.01)
    with pytest.raises(EcgFusionError, match="is not written"):
        run.export_run(network_run("cnet", signal_spec()), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
