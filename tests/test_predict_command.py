"""predict.py: files, folders, globs and lists in; a table, CSV or JSON out; bad files named at the end."""

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import predict
from pipeline import predict_files
from pipeline.errors import EcgFusionError
from pipeline.scoring.answers import Answer
from pipeline.scoring.files import Reader
from pipeline.signals.leads import LEADS
from pipeline.sources.synthetic import write_dataset

pytestmark = pytest.mark.usefixtures("cpu_as_before")
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulated recordings in WFDB, one folder below another."""
    folder = tmp_path_factory.mktemp("recordings") / "set"
    write_dataset(folder, n_records=5, seed=3)
    return folder / "records100"


def headers(files: Path) -> list[Path]:
    return sorted(files.rglob("*.hea"))


def run(earlier: Path, name: str, *words: object) -> None:
    predict.main(["-run", str(earlier / "runs" / name), "-threads", "1", *map(str, words)])


def test_one_file_is_a_table_of_its_classes(earlier: Path, files: Path, capsys: pytest.CaptureFixture[str]):
    run(earlier, "gru", headers(files)[0])
    said = capsys.readouterr().out
    assert f"{headers(files)[0]}: 10 s at 100 Hz, {' '.join(LEADS)}" in said
    assert "| probability | threshold | finding |" in said
    assert "- filtered to 0.5–40 Hz" in said
    assert "crops of 0.5 s" in said
    assert said.endswith("not a medical device: for research and teaching alone, no basis of a diagnosis\n")


def test_a_run_is_no_recording(earlier: Path, files: Path):
    other = earlier / "runs" / "lstm"
    with pytest.raises(EcgFusionError, match=r"lstm is a run and no recording: -run takes one run; fuse several"):
        run(earlier, "gru", other, headers(files)[0])


def test_json_is_a_list_and_nothing_else(earlier: Path, files: Path, capsys: pytest.CaptureFixture[str]):
    run(earlier, "kfold", files, "--json")
    found = json.loads(capsys.readouterr().out)
    assert [each["file"] for each in found] == [str(path) for path in headers(files)]
    for each in found:
        assert {"file", "record_id", "probabilities", "thresholds", "findings", "intervals", "spreads"} <= each.keys()
        assert each["findings"] == [
            name for name, value in each["probabilities"].items() if value >= each["thresholds"][name]
        ]
        assert all(low <= high for low, high in each["intervals"].values())


@pytest.mark.parametrize(("choice", "n_found"), [("0", 4), ("1", 0)])
def test_findings_are_judged_by_other_thresholds_where_they_are_asked_for(earlier, files, capsys, choice, n_found):
    run(earlier, "gru", files, "--json")
    before = json.loads(capsys.readouterr().out)
    run(earlier, "gru", files, "--json", "-threshold", choice)
    for plain, each in zip(before, json.loads(capsys.readouterr().out), strict=True):
        assert {*each["thresholds"].values()} == {float(choice)}
        assert len(each["findings"]) == n_found
        assert each["probabilities"] == plain["probabilities"]
    (of_python,) = predict_files(earlier / "runs" / "gru", headers(files)[:1], threshold=float(choice))
    assert isinstance(of_python, Answer)
    assert len(of_python.findings) == n_found


def test_csv_has_a_line_a_file_and_the_same_numbers(earlier: Path, files: Path, capsys: pytest.CaptureFixture[str]):
    run(earlier, "kfold", str(files / "**" / "*.hea"), "--json")
    of_json = json.loads(capsys.readouterr().out)
    run(earlier, "kfold", *headers(files), "--csv")
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    for line, each in zip(lines, of_json, strict=True):
        for name, value in each["probabilities"].items():
            assert float(line[f"{name} probability"]) == value
            assert [float(line[f"{name} interval {end}"]) for end in ("least", "greatest")] == each["intervals"][name]
        assert line["findings"] == " ".join(each["findings"])
        assert line["problem"] == ""


def test_with_a_folder_all_is_saved(earlier: Path, files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run(earlier, "gru", files, "-out", tmp_path / "answers")
    assert sorted(path.name for path in (tmp_path / "answers").iterdir()) == ["answers.csv", "answers.json"]
    assert len(json.loads((tmp_path / "answers/answers.json").read_text())) == 5
    assert len((tmp_path / "answers/answers.csv").read_text().splitlines()) == 6
    assert str(headers(files)[4]) in capsys.readouterr().out


def test_what_was_answered_is_kept_where_a_command_is_ended(earlier: Path, files: Path, tmp_path: Path, monkeypatch):
    def ended(self, path: str):
        if path == str(headers(files)[3]):
            raise KeyboardInterrupt
        return read(self, path)

    read = Reader._read
    monkeypatch.setattr(Reader, "_read", ended)
    monkeypatch.setattr("pipeline.scoring.files.FILES_AT_ONCE", 2)
    (tmp_path / "answers.csv").write_text("of before\n")
    with pytest.raises(KeyboardInterrupt):
        run(earlier, "gru", files, "-out", tmp_path)
    kept = list(csv.DictReader((tmp_path / "answers.csv.growing").read_text().splitlines()))
    assert [line["file"] for line in kept] == [str(path) for path in headers(files)[:2]]
    assert (tmp_path / "answers.csv").read_text() == "of before\n"


def test_a_disk_that_is_full_is_one_sentence(earlier: Path, files: Path, tmp_path: Path):
    (tmp_path / "answers.csv.growing").symlink_to("/dev/full")
    with pytest.raises(EcgFusionError, match=r"the disk is full .*answers\.csv\.growing: free some space") as problem:
        run(earlier, "gru", files, "-out", tmp_path)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_each_answer_is_drawn_whatever_its_file_is_called(earlier: Path, files: Path, tmp_path: Path, ending: str):
    for place in ("a/x.csv", "b/x.csv", "b/=心 $y_0$.csv"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        header = ",".join(LEADS)
        np.savetxt(tmp_path / place, np.random.default_rng(0).normal(size=(1000, 12)), delimiter=",", header=header)
    (tmp_path / "b/torn.npy").write_bytes(b"\x93NUMPY")
    words = ("-unit", "mV", "-sampling_rate", "100", "-draw", ending, "-out", tmp_path / "out")
    with pytest.raises(EcgFusionError, match="1 of 4 files have no answer"):
        run(earlier, "stored", tmp_path / "a", tmp_path / "b", *words)
    drawn = {path.name for path in (tmp_path / "out").glob(f"*.{ending}")}
    assert drawn == {f"a x.{ending}", f"b x.{ending}", f"=心 $y_0$.{ending}"}


def test_what_a_file_does_not_say_is_asked_for_with_options_that_are_there(earlier: Path, tmp_path: Path):
    np.save(tmp_path / "x.npy", np.zeros((2, 1000)))
    with pytest.raises(EcgFusionError, match="does not say its leads and unit and sampling rate") as problem:
        run(earlier, "gru", tmp_path / "x.npy")
    options = re.findall(r"--(\w+)", str(problem.value))
    assert options == ["leads_of_file", "unit", "sampling_rate"]
    assert vars(predict.parse(["x.npy"])).keys() >= set(options)


def test_paths_come_from_standard_input(earlier: Path, files: Path, monkeypatch, capsys: pytest.CaptureFixture[str]):
    listed = "\n".join([str(headers(files)[1]), "", str(headers(files)[0]), str(headers(files)[1])])
    monkeypatch.setattr("sys.stdin", io.StringIO(listed))
    run(earlier, "gru", "-", "--json")
    found = [each["record_id"] for each in json.loads(capsys.readouterr().out)]
    assert found == [headers(files)[1].stem, headers(files)[0].stem]


def test_bad_files_are_named_at_the_end(earlier: Path, files: Path, tmp_path: Path, capsys):
    np.save(tmp_path / "two.npy", np.zeros((2, 1000)))
    (tmp_path / "torn.hea").write_text("torn 12 100")
    words = (tmp_path / "two.npy", tmp_path / "torn.hea", headers(files)[0], "-unit", "mV", "-sampling_rate", "100")
    with pytest.raises(EcgFusionError, match="2 of 3 files have no answer"):
        run(earlier, "gru", *words, "--json")
    out, error = capsys.readouterr()
    found = json.loads(out)
    assert [set(each) == {"file", "problem"} for each in found] == [True, True, False]
    assert [line.startswith(str(path)) for path, line in zip(words, error.splitlines()[-2:], strict=False)] == [
        True
    ] * 2


def test_each_answer_is_explained(earlier: Path, files: Path, tmp_path: Path):
    words = ("-explain", "gradcam", "-draw", "png", "-out", tmp_path / "out")
    run(earlier, "gru", headers(files)[0], *words)
    (drawn,) = (tmp_path / "out").glob("* gradcam.png")
    answer = json.loads((tmp_path / "out" / "answers.json").read_text())[0]
    likeliest = max(answer["probabilities"], key=answer["probabilities"].get)
    assert drawn.stem.endswith(f"{(answer['findings'] or [likeliest])[0]} gradcam")
    assert drawn.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("none.hea",), "none.hea is missing"),
        (("*.hea",), r"\*.hea matches nothing"),
        ((".",), "holds no file that ends in"),
        (("a.hea", "-unit", "bpm"), "--unit bpm is no unit of voltage"),
        (("a.hea", "-format", "csv", "json"), "name a folder with -out"),
        (("a.hea", "-draw"), "name their folder with -out"),
        (("a.hea", "-threshold", "f9"), "f9 is no threshold: take gmean, f1"),
        (("a.hea", "-explain"), "name their folder with -out"),
        (("-", "-"), "standard input is read once"),
    ],
)
def test_mistakes_are_one_sentence(earlier: Path, tmp_path: Path, monkeypatch, words, sentence: str):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EcgFusionError, match=sentence) as problem:
        run(earlier, "gru", *words)
    assert "\n" not in str(problem.value)


def test_what_is_said_and_not_needed_is_warned_of(earlier: Path, files: Path, capsys: pytest.CaptureFixture[str]):
    run(earlier, "gru", headers(files)[0], "-unit", "uV")
    assert "warning: -unit uV is said, and every file says its own, which counts" in capsys.readouterr().err
    run(earlier, "gru", headers(files)[0], "-array", "ecg")
    assert "warning: -array ecg is said, and no file holds several arrays" in capsys.readouterr().err


def test_the_exit_says_whether_all_were_answered(earlier: Path, files: Path):
    words = [sys.executable, "predict.py", "-run", str(earlier / "runs" / "gru"), "none.hea", str(headers(files)[0])]
    done = subprocess.run([*words, "--csv"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len(done.stdout.splitlines()) == 3
