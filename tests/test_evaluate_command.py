"""evaluate.py as a user types it."""

import importlib
import json
import subprocess
import sys
import types
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cards import small_card
from multiclass_scores import drawn_multiclass

import evaluate
from pipeline.errors import EcgFusionError
from pipeline.evaluation.figures import evaluate as evaluated
from pipeline.evaluation.figures import evaluate_dev
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.scores import Scores, load_scores, save_scores
from pipeline.evaluation.subject import Subject
from pipeline.evaluation.thresholds import get_thresholds
from pipeline.inputs.spec import InputSpec
from pipeline.report.tables import as_text
from pipeline.runs.card_file import read_card, write_card
from pipeline.runs.card_parts import CalibrationCard, Result, ThresholdsCard

COMMAND = Path(evaluate.__file__)


def scores_file(path: Path, n: int = 60, **names) -> Path:
    draw = np.random.default_rng(n)
    labels = draw.integers(0, 2, (n, 4))
    scores = (draw.random((n, 4)) + 0.5 * labels) / 1.5
    items = np.array([f"{path.stem}-{i}" for i in range(n)])
    save_scores(path, Scores(scores, labels, items, ("MI", "STTC", "CD", "HYP"), "multilabel", **names))
    return path


@pytest.fixture
def files(tmp_path) -> tuple[Path, Path]:
    return scores_file(tmp_path / "test.npz"), scores_file(tmp_path / "dev.npz", 50)


def finished_run(folder: Path) -> None:
    """Dev scores, and the card with the thresholds that they chose."""
    dev = load_scores(scores_file(folder / "dev_scores.npz", 50))
    chosen = get_thresholds(dev.classes, dev)
    card = small_card(
        InputSpec("signal", ("I",), 100.0, 1000.0, 1000),
        complete=True,
        thresholds=ThresholdsCard(criterion=chosen.choice, values=chosen.values, not_chosen=chosen.not_chosen),
        result=Result(dev_macro_auroc=0.5),
    )
    write_card(folder, replace(card, data=replace(card.data, folder=".", n_dev_items=50)))


def subject_of(name: str, partition: str = "test") -> Subject:
    """What the table of a run of the fixture is of."""
    folds = {"train": "1-8", "dev": "9", "test": "10"}[partition]
    return Subject(f"run runs/{name}", "gru", partition, "ptbxl", "1.0.3", folds, date.today().isoformat())


KEEP_THE_REAL_ONE = ("pipeline.page.pictures", "pipeline.scoring.item_columns", "pipeline.training.data")
"""They import ``open_partition`` by name: for the first time beside a stand-in, they would keep that one for good."""


@pytest.fixture
def run_folder(tmp_path, monkeypatch) -> Path:
    """A run with dev scores, whose scoring is stood in for; what it was asked for is kept in ``asked``."""
    for name in KEEP_THE_REAL_ONE:
        importlib.import_module(name)
    folder = tmp_path / "runs" / "gru"
    finished_run(folder)
    folds = {"train": tuple(range(1, 9)), "dev": (9,), "test": (10,)}
    store = types.SimpleNamespace(attributes={"source": "ptbxl", "source_version": "1.0.3", "folds": folds})
    monkeypatch.setattr("pipeline.store.reading.open_partition", lambda folder, partition: store)
    monkeypatch.setattr("pipeline.store.reading.require_store", lambda path: None)

    def score_partition(run, data, partition, batch_size, threads, gpu_id):
        scoring.asked = (run, data, partition, batch_size, threads, gpu_id)
        if partition == "dev":
            return load_scores(run / "dev_scores.npz")
        return load_scores(scores_file(tmp_path / f"{partition}.npz"))

    scoring: Any = types.ModuleType("pipeline.scoring.partition")
    runs: Any = types.ModuleType("pipeline.runs.folder")
    scoring.score_partition, runs.newest_run = score_partition, lambda folder: folder / "gru"
    monkeypatch.setattr("pipeline.scoring.judge.check_comparable", lambda folders: None)
    monkeypatch.setitem(sys.modules, "pipeline.scoring.partition", scoring)
    monkeypatch.setitem(sys.modules, "pipeline.runs.folder", runs)
    monkeypatch.chdir(tmp_path)
    return Path("runs/gru")


def run(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, str(COMMAND), *map(str, arguments)]
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)


def test_two_files_make_a_table(tmp_path, files):
    done = run("-scores", "test.npz", "-dev_scores", "dev.npz", "-out", "tables", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    found = evaluated(load_scores(files[0]), load_scores(files[1]), resampling=Resampling(1000, 0))
    table = as_text(replace(found, subject=Subject("test.npz", date=date.today().isoformat())))
    saved = "metrics.json, counts.csv, no_class.csv, table.md, predictions.csv"
    assert done.stdout == f"{table}\nsaved in tables: {saved}\n"
    assert {file.name for file in (tmp_path / "tables").iterdir()} == {
        "metrics.json",
        "counts.csv",
        "no_class.csv",
        "table.md",
        "predictions.csv",
    }
    assert (tmp_path / "tables" / "table.md").read_text(encoding="utf-8") == table


def test_scores_alone_are_cut_at_a_half_and_saved_nowhere(tmp_path, files, capsys):
    before = sorted(tmp_path.rglob("*"))
    evaluate.main(["--scores", str(files[0])])
    assert "0.5 for every class, because there are no dev scores" in capsys.readouterr().out
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("threshold", ["f1", "youden", "0.4", "fbeta:2", "sensitivity:0.9"])
def test_a_threshold_can_be_chosen(tmp_path, files, threshold):
    arguments = [
        "-scores",
        files[0],
        "-dev-scores",
        files[1],
        "-threshold",
        threshold,
        "-out",
        tmp_path / "o",
    ]
    evaluate.main([str(word) for word in arguments])
    saved = json.loads((tmp_path / "o" / "metrics.json").read_text())
    assert str(saved["threshold_choice"]) == threshold
    assert saved["n_dev_items"] == (0 if threshold == "0.4" else 50)


@pytest.mark.parametrize("more", [[], ["-resamples", "0"]])
def test_torch_is_not_imported_for_a_scores_file(files, more: list[str]):
    arguments = ["evaluate.py", "-scores", str(files[0]), "-dev_scores", str(files[1]), *more]
    code = f"import sys; sys.argv = {arguments}; import evaluate; evaluate.main(sys.argv[1:])"
    code += "; sys.exit(sum(name in sys.modules for name in ('torch', 'h5py', 'matplotlib', 'pyts')))"
    done = subprocess.run([sys.executable, "-c", code], cwd=COMMAND.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "| MI " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-scores", "none.npz"], "there is no scores file none.npz"),
        (["-scores", "test.npz", "-dev_scores", "none.npz"], "there is no scores file none.npz"),
        (["-scores", "test.npz", "-dev_scores", "test.npz"], "share 60 items"),
        (["-scores", "test.npz", "-threshold", "test"], "test is no threshold"),
        (["-scores", "test.npz", "-threshold", "-1"], "-1 is no threshold"),
        (["-scores", "test.npz", "-run", "runs/gru"], "-run is for a run and does not go with -scores"),
        (["-scores", "test.npz", "-data", "x"], "-data is for a run and does not go with -scores"),
        (
            ["-scores", "test.npz", "-partition", "dev"],
            "-partition is for a run and does not go with -scores",
        ),
        (["-scores", "test.npz", "-gpu_id", "0"], "-gpu_id is for a run and does not go with -scores"),
        (["-scores", "test.npz", "-out", "dev.npz"], r"-out dev\.npz is a file: name a folder"),
        (["-scores", "test.npz", "-threshold", "fbeta:0"], "fbeta:0 is no threshold: fbeta takes a number above 0"),
        (["-scores", "test.npz", "-resamples", "39"], "-resamples 39 will not do: from 40 to 100000 are needed"),
        (["-scores", "test.npz", "-resamples", "1000000"], "-resamples 1000000 will not do"),
        (["-scores", "test.npz", "-resamples", "0", "-seed", "1"], "-seed is for resamples"),
        (["-scores", "test.npz", "dev.npz"], r"items, 'dev-0' first, are in one of test\.npz and dev\.npz only"),
        (
            ["-scores", "test.npz", "test.npz", "-dev_scores", "dev.npz"],
            "-scores names 2 files and -dev_scores 1: give each its own, in the same order",
        ),
        (["-scores", "test.npz", "-equivalence", "0.01"], "-equivalence compares models: name two or more with -run"),
        (["-scores", "test.npz", "test.npz", "-equivalence", "0"], "-equivalence 0 is no margin of an AUC"),
        (["-scores", "test.npz", "test.npz", "-equivalence", "nan"], "-equivalence nan is no margin of an AUC"),
        (
            ["-scores", "test.npz", "test.npz", "-equivalence", "0.01", "-resamples", "0"],
            "-equivalence needs resamples and does not go with -resamples 0",
        ),
        (["-scores", "test.npz", "-ci", "bca", "-resamples", "0"], "-ci needs resamples and does not go with"),
        (["-scores", "test.npz", "-group"], "-group takes several seeds of one recipe: name two or more"),
        (
            ["-scores", "test.npz", "test.npz", "-group", "-resamples", "0"],
            "have the same scores, so are",
        ),
        (["-scores", "test.npz", "test.npz", "-group", "-equivalence", "0.1"], "-group takes them as one: leave one"),
        (["-scores", "test.npz", "-subgroups", "age"], "no column 'age' is known of a scores file"),
        (["-scores", "test.npz", "-subgroups_csv", "x.csv"], "-subgroups_csv goes with -subgroups"),
        (["-scores", "test.npz", "-subgroups", "a", "-subgroups_csv", "x.csv"], r"there is no file x\.csv"),
        (["-scores", "test.npz", "-subgroups", "a", "-subgroups_csv", "x.csv:ecg_id"], r"there is no file x\.csv"),
        (["-dev_scores", "test.npz"], "-dev_scores goes with -scores"),
        (["-dev_scores", "test.npz", "-run", "runs/gru"], "-dev_scores goes with -scores"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path, files, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EcgFusionError, match=sentence):
        evaluate.main(arguments)


def test_a_mistake_ends_the_command_without_a_traceback(tmp_path):
    done = run("-scores", "none.npz", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "evaluate.py: there is no scores file none.npz: name an .npz file\n"


def test_a_run_is_judged_with_the_thresholds_of_its_dev_scores(run_folder, tmp_path, capsys):
    evaluate.main([])
    dev, test = load_scores(run_folder / "dev_scores.npz"), load_scores(tmp_path / "test.npz")
    table = as_text(replace(evaluated(test, dev, resampling=Resampling()), subject=subject_of("gru")))
    assert table in capsys.readouterr().out
    folder = run_folder / "evaluation" / "test"
    assert (folder / "table.md").read_text(encoding="utf-8") == table
    assert np.array_equal(load_scores(folder / "scores.npz").scores, test.scores)
    assert sys.modules["pipeline.scoring.partition"].asked == (run_folder, None, "test", None, None, None)


def test_a_run_takes_its_options(run_folder, tmp_path):
    words = "-run runs/gru -data stores -batch_size 8 -threads 1 -gpu_id 0 -out there -threshold 0.3"
    evaluate.main(words.split())
    assert sys.modules["pipeline.scoring.partition"].asked == (Path("runs/gru"), Path("stores"), "test", 8, 1, 0)
    assert json.loads((tmp_path / "there" / "metrics.json").read_text())["threshold_choice"] == 0.3
    assert not (run_folder / "evaluation").exists()


def test_dev_and_train_are_headed_optimistic(run_folder):
    for partition, note in (("dev", "chosen on these items"), ("train", "trained on these items")):
        evaluate.main(["-partition", partition])
        folder = run_folder / "evaluation" / partition
        assert (folder / "table.md").read_text(encoding="utf-8").startswith(f"optimistic: {note}\n")
        assert json.loads((folder / "metrics.json").read_text())["note"] == f"optimistic: {note}"
    dev = evaluate_dev(load_scores(run_folder / "dev_scores.npz"), resampling=Resampling())
    dev = replace(dev, subject=subject_of("gru", "dev"))
    assert json.loads((run_folder / "evaluation/dev/metrics.json").read_text()) == dev.as_json()


def test_a_run_keeps_its_thresholds_without_its_dev_scores(run_folder, capsys):
    tables = []
    for _ in range(2):
        evaluate.main([])
        tables.append((run_folder / "evaluation" / "test" / "metrics.json").read_text())
        (run_folder / "dev_scores.npz").unlink(missing_ok=True)
    assert tables[0] == tables[1]
    assert "gru/dev_scores.npz is missing: whether a patient is in dev, too" in capsys.readouterr().out


@pytest.mark.parametrize("criterion", ["f1", "gmean", "sensitivity:0.9"])
def test_a_criterion_without_dev_scores_is_refused(run_folder, criterion):
    (run_folder / "dev_scores.npz").unlink()
    sentence = rf"gru/dev_scores\.npz is missing, on which -threshold {criterion} is chosen: copy the whole run folder"
    with pytest.raises(EcgFusionError, match=sentence):
        evaluate.main(["-threshold", criterion])
    evaluate.main(["-threshold", "0.3"])  # a number needs none


def test_intervals_are_reproducible_and_can_be_turned_off(files, capsys):
    printed = []
    for words in ("", "-seed 0", "-seed 1", "-resamples 0", "-resamples 100"):
        evaluate.main(["-scores", str(files[0]), *words.split()])
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] != printed[2]
    assert "95% interval" not in printed[3]
    assert "95% interval" in printed[0]
    assert printed[0].startswith(printed[3][:-1])  # the table itself does not change
    assert "over 100 resamples of 60 patients" in printed[4]
    assert "no patient_id for 60 items" in printed[4]


@pytest.mark.parametrize("words", ["-resamples -1", "-resamples 1.5", "-resamples many", "-seed -1", "-seed 1e3"])
def test_what_is_no_number_is_refused(tmp_path, words):
    done = run("-scores", "test.npz", *words.split(), cwd=tmp_path)
    assert done.returncode == 2
    assert "is not a whole number of at least 0" in done.stderr
    assert done.stderr.count("\n") == 1


def test_several_files_are_compared(tmp_path, files, capsys):
    other = load_scores(files[0])
    other.scores = np.sqrt(other.scores) / 2 + other.labels / 2
    save_scores(tmp_path / "better.npz", other)
    words = [
        *("-scores", files[0], tmp_path / "better.npz"),
        *("-dev_scores", files[1], files[1]),
        "-out",
        tmp_path / "o",
    ]
    evaluate.main([str(word) for word in words])
    printed = capsys.readouterr().out
    assert "- better − test: " in printed
    assert printed.startswith((tmp_path / "o" / "comparison.md").read_text(encoding="utf-8"))
    saved = json.loads((tmp_path / "o" / "comparison.json").read_text())
    assert list(saved["models"]) == ["better", "test"]
    alone = json.loads((tmp_path / "o" / "test" / "metrics.json").read_text())
    expected = evaluated(load_scores(files[0]), load_scores(files[1]), resampling=Resampling())
    expected = replace(expected, subject=Subject(str(files[0]), date=date.today().isoformat()))
    assert alone == saved["models"]["test"] == expected.as_json()


def test_seeds_are_taken_together(tmp_path, files, capsys):
    other = load_scores(files[0])
    other.scores = np.sqrt(other.scores)
    save_scores(tmp_path / "second.npz", other)
    words = ["-scores", files[0], tmp_path / "second.npz", "-group", "-out", tmp_path / "o"]
    evaluate.main([str(word) for word in words])
    printed = capsys.readouterr().out
    assert printed.startswith((tmp_path / "o" / "group.md").read_text(encoding="utf-8"))
    assert "60 items, 2 seeds: test, second" in printed
    assert json.loads((tmp_path / "o" / "group.json").read_text())["n_seeds"] == 2
    assert {path.name for path in (tmp_path / "o").iterdir()} == {"test", "second", "group.json", "group.md"}


def test_groups_come_from_a_table_and_from_the_labels(tmp_path, files, capsys):
    lines = [f"test-{i},{(i * 7) % 100},{i % 2}" for i in range(60)]
    (tmp_path / "who.csv").write_text("\n".join(["ecg_id,age,sex", *lines]))
    words = [
        "-scores",
        files[0],
        "-subgroups",
        "age",
        "sex",
        "n_labels",
        "-subgroups_csv",
        f"{tmp_path}/who.csv:ecg_id",
    ]
    evaluate.main([str(word) for word in [*words, "-out", tmp_path / "o", "-format", "csv"]])
    printed = capsys.readouterr().out
    assert "by sex (by value; " in printed
    assert "saved in" in printed
    found = json.loads((tmp_path / "o" / "metrics.json").read_text())["subgroups"]
    assert [[group["name"] for group in each["groups"]] for each in found[:2]] == [
        ["<40", "40–60", "60–80", "80+"],
        ["male", "female"],
    ]
    assert {path.name for path in (tmp_path / "o").iterdir()} >= {"subgroups.csv", "subgroup_gaps.csv"}


def test_groups_of_a_run_come_from_its_store(run_folder, tmp_path, monkeypatch, capsys):
    test = load_scores(scores_file(tmp_path / "test.npz"))
    columns = {"item_id": test.item_id, "record_id": test.item_id, "age": np.arange(60.0), "sex": np.arange(60) % 2}
    monkeypatch.setattr(
        "pipeline.scoring.item_columns.open_partition",
        lambda folder, partition: types.SimpleNamespace(columns=columns, path=folder / f"{partition}.h5"),
    )
    evaluate.main(["-subgroups", "sex"])
    assert "by sex (by value; test.h5)" in capsys.readouterr().out
    with pytest.raises(EcgFusionError, match=r"no column 'height' is in test\.h5: name a CSV file"):
        evaluate.main(["-subgroups", "height"])


def test_a_comparison_tests_every_class_and_equivalence(tmp_path, files, capsys):
    other = load_scores(files[0])
    other.scores = np.sqrt(other.scores) / 2 + other.labels / 2
    save_scores(tmp_path / "better.npz", other)
    words = ["-scores", files[0], tmp_path / "better.npz", "-equivalence", 0.01, "-ci", "bca", "-out", tmp_path / "o"]
    evaluate.main([str(word) for word in words])
    printed = capsys.readouterr().out
    assert "Class by class, better − test:" in printed
    assert "- better and test: different (" in printed
    saved = json.loads((tmp_path / "o" / "comparison.json").read_text())
    assert saved["equivalence"]["pairs"][0]["macro"]["verdict"] == "different"
    assert set(saved["class_tests"]["pairs"][0]["classes"]) == {"MI", "STTC", "CD", "HYP"}
    assert saved["models"]["test"]["intervals"]["method"].startswith("BCa")


def test_each_file_has_the_dev_scores_in_its_place(tmp_path, files, capsys):
    shifted = load_scores(files[1])
    shifted.scores = shifted.scores / 2
    save_scores(tmp_path / "half.npz", shifted)
    words = ["-scores", files[0], files[0], "-dev_scores", files[1], tmp_path / "half.npz", "-out", tmp_path / "o"]
    evaluate.main([str(word) for word in words])
    models = json.loads((tmp_path / "o" / "comparison.json").read_text())["models"]
    own, half = (models[f"{i} {files[0].with_suffix('')}"]["thresholds"] for i in (1, 2))
    assert half == pytest.approx({name: value / 2 for name, value in own.items()})


@pytest.fixture
def multiclass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remark = "beats of one patient are in train and test"
    for name, prefix, skill in (("test", "t", 1.5), ("better", "t", 3.0), ("dev", "d", 1.5)):
        save_scores(tmp_path / f"{name}.npz", drawn_multiclass(prefix, skill=skill, task="rhythm3", remark=remark))
    monkeypatch.chdir(tmp_path)


def test_multiclass_scores_have_a_confusion_matrix_and_a_remark(multiclass, capsys):
    evaluate.main(["-scores", "test.npz", "-dev_scores", "dev.npz", "-out", "o"])
    printed = capsys.readouterr().out
    assert printed.startswith("beats of one patient are in train and test\n\ntest.npz, ")
    assert "rhythm3, 240 items; the highest score wins, without thresholds; accuracy 0." in printed
    assert all(f"| {name} " in printed for name in ("accuracy", "balanced accuracy", "Cohen's kappa", "CinC 2017 F1"))
    written = "metrics.json, counts.csv, confusion.csv, confusion.png, table.md, predictions.csv"
    assert f"saved in o: {written}\n" in printed
    assert {path.name for path in Path("o").iterdir()} == set(written.split(", "))
    assert json.loads(Path("o/metrics.json").read_text())["note"] == "beats of one patient are in train and test"


@pytest.mark.parametrize("threshold", ["f1", "gmean", "0.4"])
def test_multiclass_classes_are_judged_against_the_rest_where_a_threshold_is_asked_for(multiclass, capsys, threshold):
    evaluate.main(["-scores", "test.npz", "-dev_scores", "dev.npz", "-threshold", threshold, "-out", "o"])
    assert "; each class against the rest\n" in capsys.readouterr().out
    saved = json.loads(Path("o/metrics.json").read_text())
    assert str(saved["threshold_choice"]) == threshold
    assert np.array(saved["confusion"]["counts"]).sum() == 240
    evaluate.main(["-scores", "test.npz", "-out", "plain"])
    plain = json.loads(Path("plain/metrics.json").read_text())
    assert saved["confusion"] == plain["confusion"]
    assert saved["classes"] != plain["classes"]
    assert plain["thresholds"] is None


def test_multiclass_scores_are_compared_by_their_confusion_matrices_too(multiclass, capsys):
    evaluate.main(["-scores", "test.npz", "better.npz", "-out", "o", "-format", "md", "csv", "latex"])
    printed = capsys.readouterr().out
    assert printed.startswith("beats of one patient are in train and test\n")
    for heading in ("accuracy", "balanced accuracy", "Cohen's kappa", "CinC 2017 F1"):
        assert f"Differences in {heading}:\n\n- better − test: 0." in printed
    table = pd.read_csv("o/comparison.csv")
    assert list(table["model"]) == ["better", "test"]
    best, less = table["kappa"]
    assert table["kappa_less_than_best"].tolist() == pytest.approx([np.nan, best - less], nan_ok=True)
    assert best > less
    saved = json.loads(Path("o/comparison.json").read_text())
    assert saved["differences"][0]["agreement"].keys() == {"accuracy", "balanced_accuracy", "kappa", "cinc2017_f1"}
    assert {"test", "better"} <= {path.name for path in Path("o").iterdir()}
    evaluate.main(["-scores", "test.npz", "better.npz", "-resamples", "0"])
    assert "Cohen's kappa" in capsys.readouterr().out


def test_several_runs_are_compared(run_folder, tmp_path, capsys):
    finished_run(tmp_path / "runs" / "fused")
    evaluate.main(["-run", "runs/gru", "runs/fused", "-partition", "test"])
    printed = capsys.readouterr().out
    assert "run runs/fused, partition test\n" in printed
    assert "saved in runs/gru/evaluation/test: comparison.json, comparison.md\n" in printed
    for name in ("gru", "fused"):
        own = Path("runs") / name / "evaluation" / "test"
        assert {"metrics.json", "counts.csv", "table.md", "scores.npz"} <= {file.name for file in own.iterdir()}
    evaluate.main(["-run", "runs/gru", "-run", "runs/fused", "-out", "there"])
    assert {path.name for path in Path("there").iterdir()} == {"gru", "fused", "comparison.json", "comparison.md"}


def test_every_format_is_written_and_a_later_evaluation_leaves_no_older_table(run_folder, capsys):
    evaluate.main(["-format", "md", "csv", "latex", "-resamples", "40"])
    folder = run_folder / "evaluation" / "test"
    written = {"metrics.json", "counts.csv", "no_class.csv", "predictions.csv", "scores.npz"}
    assert {path.name for path in folder.iterdir()} == written | {"table.md", "table.csv", "table.tex"}
    (folder / "notes.txt").write_text("my own")
    evaluate.main(["-format", "csv", "-resamples", "0"])
    assert {path.name for path in folder.iterdir()} == written | {"table.csv", "notes.txt"}


def test_a_table_says_in_two_lines_what_it_is_of(run_folder, capsys):
    evaluate.main(["-threshold", "f1"])
    lines = (run_folder / "evaluation" / "test" / "table.md").read_text().splitlines()
    today = date.today().isoformat()
    assert lines[0] == f"run runs/gru (gru), partition test of ptbxl 1.0.3, folds 10, {today}"
    assert lines[2] == "disease, 60 items; thresholds: chosen by f1 on 50 dev items"
    assert set(lines[1:4:2]) == {""}


def test_a_comparison_says_what_it_is_of(run_folder, tmp_path, capsys):
    finished_run(tmp_path / "runs" / "fused")
    evaluate.main(["-run", "runs/gru", "runs/fused", "-format", "md", "csv", "latex"])
    folder = run_folder / "evaluation" / "test"
    lines = (folder / "comparison.md").read_text().splitlines()
    assert lines[0] == f"partition test of ptbxl 1.0.3, folds 10, {date.today().isoformat()}"
    assert sorted(lines[2].split(", ")) == ["fused: run runs/fused (gru)", "gru: run runs/gru (gru)"]
    assert (folder / "comparison.csv").read_text().startswith("model,macro_sensitivity,")
    assert "partition test of ptbxl 1.0.3" in (folder / "comparison.tex").read_text()


@pytest.mark.parametrize("words", ["-format pdf", "-format", "-format md tex"])
def test_a_format_that_there_is_not_is_refused(tmp_path, words):
    done = run("-scores", "test.npz", *words.split(), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_a_full_disk_leaves_every_older_file(run_folder, monkeypatch):
    evaluate.main(["-resamples", "0"])
    folder = run_folder / "evaluation" / "test"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for writer in ("write_json", "write_csv", "write_text", "save_scores"):

        def full(*_):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(f"pipeline.report.evaluations.{writer}", full)
            with pytest.raises(OSError, match="No space left"):
                evaluate.main(["-resamples", "0", "-threshold", "0.1"])
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before, writer


def test_all_that_is_asked_beside_a_table_of_files(tmp_path, files):
    """And the files that it leaves give it all again."""
    words = ["-calibrate", "-refer", "0.1", "-conformal", "0.9", "-resamples", "0"]
    done = run("-scores", "test.npz", "-dev_scores", "dev.npz", *words, "-out", "tables", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for part in ("calibration: before → with", "conformal sets at a wanted coverage of 0.9", "referred: 6 of 60 items"):
        assert part in done.stdout
    assert (tmp_path / "tables" / "reliability.png").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["-refer", "10"], "-refer 10 is no part of the records: take a number between 0 and 1"),
        (["-conformal", "90"], "-conformal 90 is no coverage: take a number from 0.5 to below 1"),
        (["-calibrate"], "-calibrate is fitted on dev scores: name theirs with -dev_scores"),
        (["-conformal", "0.9"], "-conformal is fitted on dev scores: name theirs with -dev_scores"),
    ],
)
def test_what_cannot_be_asked_of_files_is_one_sentence(tmp_path, files, words, sentence):
    with pytest.raises(EcgFusionError, match=sentence):
        evaluate.main(["-scores", str(files[0]), *words])


def with_temperatures(folder: Path) -> dict[str, float]:
    temperatures = {"MI": 2.0, "STTC": 0.5, "CD": 1.0, "HYP": 1.5}
    write_card(folder, replace(read_card(folder), calibration=CalibrationCard(temperatures=temperatures)))
    return temperatures


def metrics_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return found


def counts_of(folder: Path) -> list[list[int]]:
    return [[row[cell] for cell in ("TP", "FN", "FP", "TN")] for row in metrics_of(folder)["classes"].values()]


@pytest.mark.parametrize("partition", ["test", "dev", "train"])
def test_a_calibrated_run_finds_the_same_with_other_probabilities(run_folder, tmp_path, partition):
    words = ["-run", str(run_folder), "-partition", partition, "-resamples", "0"]
    evaluate.main([*words, "-out", "plain"])
    temperatures = with_temperatures(run_folder)
    evaluate.main([*words, "-out", "hot"])
    assert counts_of(tmp_path / "hot") == counts_of(tmp_path / "plain")
    plain, hot = (pd.read_csv(tmp_path / name / "predictions.csv") for name in ("plain", "hot"))
    raw = plain["MI score"].to_numpy()
    np.testing.assert_allclose(hot["MI score"], 1 / (1 + np.sqrt((1 - raw) / raw)), atol=1e-6)  # at T = 2
    assert metrics_of(tmp_path / "hot")["calibration"]["temperatures"] == temperatures
    one, other = (load_scores(tmp_path / name / "scores.npz").scores for name in ("plain", "hot"))
    np.testing.assert_array_equal(one, other)


def test_a_run_and_its_scores_files_give_the_same(run_folder, tmp_path):
    words = ["-calibrate", "-refer", "0.2", "-conformal", "0.8", "-resamples", "0"]
    evaluate.main(["-run", str(run_folder), *words, "-out", "run"])
    dev = str(run_folder / "dev_scores.npz")
    evaluate.main(["-scores", "run/scores.npz", "-dev_scores", dev, *words, "-out", "files"])
    of_run, of_files = metrics_of(tmp_path / "run"), metrics_of(tmp_path / "files")
    for part in ("calibration", "conformal", "classes", "macro", "thresholds"):
        assert of_run[part] == of_files[part]
    assert (tmp_path / "run" / "referred.csv").read_text() == (tmp_path / "files" / "referred.csv").read_text()


def test_several_runs_each_have_theirs(run_folder, tmp_path, capsys):
    other = tmp_path / "runs" / "other"
    finished_run(other)
    with_temperatures(other)
    words = ["-refer", "0.1", "-conformal", "0.9", "-resamples", "0"]
    evaluate.main(["-run", str(run_folder), "runs/other", *words, "-out", "both"])
    printed = capsys.readouterr().out
    assert printed.count("referred: 6 of 60 items") == 2
    assert printed.count("calibration: before") == 1
    for name in ("gru", "other"):
        assert (tmp_path / "both" / name / "conformal.csv").exists()
        assert (tmp_path / "both" / name / "calibration.csv").exists() == (name == "other")


def test_a_run_without_its_dev_scores_cannot_be_asked_before_it_is_scored(run_folder):
    (run_folder / "dev_scores.npz").unlink()
    for words in (["-calibrate"], ["-conformal", "0.9"]):
        with pytest.raises(EcgFusionError, match=f"dev_scores.npz is missing, on which {words[0]} is fitted"):
            evaluate.main(["-run", str(run_folder), *words])
    with_temperatures(run_folder)
    evaluate.main(["-run", str(run_folder), "-calibrate", "-resamples", "0"])


def test_sets_of_dev_itself_are_refused(run_folder):
    with pytest.raises(EcgFusionError, match="says nothing of dev itself: take another -partition"):
        evaluate.main(["-run", str(run_folder), "-partition", "dev", "-conformal", "0.9"])
