"""The parser that every command shares, and how a command ends."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

import create_images
from pipeline.commands.parser import (
    CommandParser,
    one_word,
    partition_name,
    positive_float,
    positive_int,
    run_command,
)
from pipeline.errors import EcgFusionError

ROOT = Path(create_images.__file__).parent
HEAVY = ("torch", "h5py", "pandas", "scipy", "matplotlib", "wfdb", "sklearn", "pyts", "accelerate")


@pytest.fixture
def parser():
    parser = CommandParser(prog="prog")
    parser.option("epochs", type=int)
    parser.option("batch_size", type=int)
    parser.option("learning_rate", type=float)
    parser.option("path_save_model")
    parser.option("leads", nargs="+")
    parser.option("range", type=float, nargs=2)
    parser.option("resume", action="store_true")
    return parser


def refusal(parser, words: str, capsys) -> str:
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(words.split())
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    return message


@pytest.mark.parametrize("words", ["--epochs 3", "-epochs 3", "--epochs=3", "-epochs=3"])
def test_an_option_has_both_spellings(parser, words):
    assert parser.parse_args(words.split()).epochs == 3


@pytest.mark.parametrize("name", ["batch_size", "batch-size"])
@pytest.mark.parametrize("dashes", ["-", "--"])
def test_a_dash_equals_an_underscore_in_names_only(parser, dashes, name):
    given = parser.parse_args([f"{dashes}{name}", "4", "-path-save-model", "my-runs_a-b"])
    assert (given.batch_size, given.path_save_model) == (4, "my-runs_a-b")


@pytest.mark.parametrize("word", ["-e", "--e", "-epoch", "--epoch", "--epochsx", "-l", "--batch"])
def test_no_part_of_a_name_is_taken_for_it(parser, capsys, word):
    assert f"there is no option {word}" in refusal(parser, f"{word} 3", capsys)


def test_a_misspelt_name_is_told_the_near_ones(parser, capsys):
    assert "did you mean -epochs?" in refusal(parser, "--epoch 3", capsys)
    assert "did you mean -learning_rate?" in refusal(parser, "-learning_rat=3", capsys)
    assert "see prog --help" in refusal(parser, "-xyz 3", capsys)


@pytest.mark.parametrize(
    ("words", "value"),
    [("-range -60 0", [-60, 0]), ("--range -1.5 -0.5", [-1.5, -0.5]), ("-range -.5 5", [-0.5, 5])],
)
def test_a_negative_number_is_a_value(parser, words, value):
    assert parser.parse_args(words.split()).range == value


def test_a_negative_number_with_an_exponent_is_a_value(parser):
    assert parser.parse_args(["-range", "-1e3", "-2E-3"]).range == [-1000, -0.002]
    assert parser.parse_args(["-learning_rate", "-1e-3"]).learning_rate == -0.001


def test_what_is_not_given_is_none(parser):
    given = parser.parse_args([])
    assert given.epochs is given.leads is None
    assert given.resume is False


@pytest.mark.parametrize(
    "words", ["-epochs", "-epochs x", "-range 1", "-leads", "-resume yes", "stray", "-epochs 1 2", "-range a b"]
)
def test_a_wrong_value_is_one_sentence(parser, capsys, words):
    assert refusal(parser, words, capsys).startswith("prog: ")


def test_help_is_there_in_every_spelling(parser, capsys):
    for word in ("-h", "--help", "-help"):
        with pytest.raises(SystemExit) as ended:
            parser.parse_args([word])
        assert ended.value.code == 0
        assert "--batch_size" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", "", "1e3", "nan"])
def test_a_count_is_a_whole_number_above_0(text):
    assert positive_int("12") == 12
    with pytest.raises(Exception, match="is not a whole number of at least 1"):
        positive_int(text)


@pytest.mark.parametrize("text", ["0", "-1", "x", "", "nan", "inf"])
def test_a_rate_is_a_number_above_0(text):
    assert positive_float("0.5") == 0.5
    with pytest.raises(Exception, match="is not a number above 0"):
        positive_float(text)


@pytest.mark.parametrize(
    ("problem", "code", "message"),
    [
        (EcgFusionError("the moon is full: wait"), 1, "the moon is full: wait"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(errno.ENOSPC, "No space left on device", "x.h5"), 1, "the disk is full x.h5: free some space"),
        (OSError(errno.EFBIG, "File too large"), 1, "the disk is full: free some space"),
        (OSError("Can't write (errno = 28, error message = 'No space')"), 1, "the disk is full: free some space"),
        (PermissionError(errno.EACCES, "Permission denied", "x"), 1, "no permission to use x"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "x"), 1, "Not a directory x: check that this path"),
    ],
)
def test_a_command_ends_with_a_sentence(problem, code, message, capsys, monkeypatch):
    def fail(_):
        raise problem

    monkeypatch.setattr(sys, "argv", ["some/prog.py"])
    with pytest.raises(SystemExit) as ended:
        run_command(fail)
    said = capsys.readouterr().err
    if isinstance(ended.value.code, str):  # which Python prints, and ends with 1
        said, ended.value.code = said + ended.value.code, 1
    assert ended.value.code == code
    assert f"prog.py: {message}" in said
    assert said.strip().count("\n") == 0


def test_a_command_that_succeeds_ends_with_0(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["prog.py"])
    with pytest.raises(SystemExit) as ended:
        run_command(lambda words: None)
    assert ended.value.code == 0


def test_a_reader_that_closes_the_pipe_is_no_error(tmp_path):
    program = tmp_path / "prog.py"
    program.write_text(
        "from pipeline.commands.parser import run_command\n"
        "run_command(lambda words: [print('x' * 100) for _ in range(100_000)])\n"
    )
    command = f"{sys.executable} {program} | head -1"
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert (done.stderr, done.stdout) == ("", "x" * 100 + "\n")


@pytest.mark.parametrize("command", ["create_images", "train", "evaluate"])
def test_help_and_a_wrong_option_import_nothing_heavy(command):
    code = f"""
import sys, contextlib, io
import {command}
for words in (["--help"], ["--no_such_option"]):
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            {command}.main(words)
    except SystemExit as ended:
        print(ended.code)
print([name for name in {HEAVY} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "0\n2\n[]\n"


def test_a_store_that_is_not_there_is_said_before_torch_is_imported(tmp_path):
    code = f"""
import sys
import train
try:
    train.main(["-model", "gru", "-data", {str(tmp_path / "nowhere")!r}])
except Exception as problem:
    print(problem)
print("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    sentence, imported = done.stdout.splitlines()
    assert "nowhere/train.h5: make it with python create_images.py" in sentence
    assert imported == "False"


@pytest.mark.parametrize(
    ("words", "value"),
    [("", None), ("-drawn", True), ("-no_drawn", False), ("--no-drawn", False), ("-drawn -no_drawn", False)],
)
def test_a_switch_can_be_given_either_way(parser, words, value):
    parser.switch("drawn", None, "draw", "do not")
    parsed = parser.parse_args(words.split())
    assert parsed.drawn is value
    assert parsed.typed == ({"drawn"} if words else set())


@pytest.mark.parametrize("name", ["\x1b[31mred\x1b[0m", "a\nforged: line", "\u202eevil", "\ud800", "\x9b2J"])
def test_a_refusal_shows_what_a_file_calls_itself_and_obeys_nothing(name, capsys):
    def refuse(words):
        raise EcgFusionError(f"there is no class {name}: take another")

    with pytest.raises(SystemExit) as stopped:
        run_command(refuse)
    sentence = str(stopped.value.code)
    sentence.encode("utf-8")
    assert sentence.isprintable()
    assert sentence.endswith(": take another")


@pytest.mark.parametrize("words", ["I,II,V2", "I, II,V2", "I;II;V2"])
def test_words_without_blanks_are_told_where_these_belong(parser, capsys, words):
    parser.option("words", nargs="+", type=one_word)
    with pytest.raises(SystemExit):
        parser.parse_args(["-words", words])
    assert "has no blanks: write I II V2" in capsys.readouterr().err
    assert parser.parse_args(["-words", "I", "II"]).words == ["I", "II"]


@pytest.mark.parametrize(
    ("word", "name"), [("val", "dev"), ("Validation", "dev"), ("training", "train"), ("TEST", "test")]
)
def test_what_a_partition_is_called_elsewhere_is_told(parser, capsys, word, name):
    parser.option("partition", type=partition_name, choices=("train", "dev", "test"))
    with pytest.raises(SystemExit):
        parser.parse_args(["-partition", word])
    assert f"{word} is called {name} here" in capsys.readouterr().err
    assert parser.parse_args(["-partition", "dev"]).partition == "dev"


@pytest.mark.parametrize("room", ["server", "export"])
def test_a_room_is_called_by_its_name_in_its_sentences(room, tmp_path):
    words = {"server": ["-run", "runs/none", "-port", "0"], "export": ["runs/none", "model.onnx"]}[room]
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import runpy; sys.argv[1:] = {words!r}; "
    code += f"runpy.run_module('pipeline.{room}', run_name='__main__', alter_sys=True)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"pipeline.{room}: runs/none holds no run")
