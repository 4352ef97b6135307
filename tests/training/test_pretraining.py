"""The command of a pretraining: its help, its methods, and what it refuses before it waits for torch."""

import subprocess
import sys
from pathlib import Path

import pytest

from models.pretraining.registry import describe_method, list_methods
from pipeline.errors import EcgFusionError
from pipeline.training import pretraining
from pipeline.training.pretraining_options import OF_METHOD, TAKEN, PretrainOptions

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_command_has_the_options_that_a_pretraining_takes():
    parsed = vars(pretraining.parse([]))
    assert {*parsed} - {"typed", "resume", "list_methods"} == {*TAKEN}
    assert all(value is None for name, value in parsed.items() if name in TAKEN)
    assert {*OF_METHOD} <= {*TAKEN}


def test_words_become_options():
    words = "-method jepa -method_set span=0.1 n_spans=3 -set patch=25 --epochs 3 -augment noise -leads I II"
    options = pretraining._options(pretraining.parse(words.split()))
    assert isinstance(options, PretrainOptions)
    assert options.run_kind == "pretraining"
    assert options.given == {
        "method": "jepa",
        "method_set": {"span": 0.1, "n_spans": 3},
        "set": {"patch": 25},
        "epochs": 3,
        "augment": ["noise"],
        "leads": ["I", "II"],
    }


def test_methods_are_listed_with_their_options(capsys: pytest.CaptureFixture[str]):
    pretraining.main(["-list_methods"])
    said = capsys.readouterr().out
    for entry in map(describe_method, list_methods()):
        assert f"{entry.name}: {entry.summary}" in said
        assert all(f"{name}={value}" in said for name, value in entry.options.items())
        assert entry.model in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("-method jepa -learning_rate 1e9", "-learning_rate 1000000000.0 does not work"),
        ("-resume -path_save_model nowhere", "nowhere holds no run"),
        ("-method jepa -data nowhere -path_save_model new", "nowhere"),
        ("-method jepa -path_save_model taken", "taken holds file, which is of no run"),
    ],
)
def test_what_needs_no_torch_is_said_without_it(words: str, said: str, tmp_path: Path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pipeline.errors import EcgFusionError\n"
        "from pipeline.training.pretraining import main\n"
        "try: main(sys.argv[2:])\n"
        "except EcgFusionError as problem: print(problem, 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", script, str(ROOT), *words.split()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said in done.stdout
    assert done.stdout.strip().endswith("False"), "torch was waited for"


def test_an_unknown_option_is_named_at_the_door_of_python():
    with pytest.raises(EcgFusionError, match="there is no option metod: did you mean method"):
        PretrainOptions.of(metod="jepa")
