"""The results command: it makes what is missing, once, goes on where it was, and says what it saw."""

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from made_stores import write_stores

import train
from benchmarks import results
from benchmarks.results import Place, commanded
from benchmarks.results_rows import ROWS, STORES, STUDIES
from benchmarks.results_rows.networks import NETWORKS
from benchmarks.results_rows.row import DERIVE, PRETRAIN, Row, Stores
from create_images import parse as parse_stores
from models import create_model, list_models
from pipeline.errors import EcgFusionError
from pipeline.runs.card import FUSIONS
from pipeline.runs.card_file import read_card
from pipeline.training import derive
from pipeline.training.checks import check_options, known_model
from pipeline.training.derive import parse as parse_derived
from pipeline.training.pretraining import parse as parse_pretraining
from train import options_of
from train import parse as parse_training

NONE = {"toy": Stores("", "")}

PLACE = Place(Path("out"), Path("data"), 1)

TOY = [
    Row("cinc2017", "one", "one network", "toy", "-model cnn_gru -epochs 1", "test", "cinc2017_f1", ".8"),
    Row("cinc2017", "folds", "members", "toy", "-model cnn_gru -epochs 1 -kfold 2", "out_of_fold", "macro f1"),
    Row(
        "cinc2017",
        "both",
        "both",
        "toy",
        "-model late -combine mean -branches @one @one:+1",
        "test",
        "macro auroc",
        over=("one", "nobody"),
    ),
]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    write_stores(tmp_path / "stores" / "toy")
    return Place(tmp_path, tmp_path / "recordings", 1)


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trains here, since each process would import torch anew."""

    def run(command: str, words: Sequence[str], folder: Path, place: Place) -> bool:
        {"train.py": train, DERIVE: derive}[command].main(words)
        return True

    monkeypatch.setattr(results, "_run", run)


@pytest.mark.usefixtures("in_process")
def test_what_is_missing_is_made_once_and_the_table_says_it(place: Place, capsys: pytest.CaptureFixture[str]):
    assert results.make(TOY, NONE, [0, 1], place) == []
    assert "both, seed 1 waits for one of seed 2: name it behind -only, too" in capsys.readouterr().out
    trained = {path: path.stat().st_mtime_ns for path in place.out.rglob("run.json")}
    assert results.make(TOY, NONE, [0, 1], place) == []
    assert {path: path.stat().st_mtime_ns for path in place.out.rglob("run.json")} == trained
    capsys.readouterr()
    results.print_tables(TOY, [0, 1], place)
    printed = capsys.readouterr().out
    assert (place.out / "tables.md").read_text() == printed
    said, _, differences = printed.partition("\n| | over | seeds |")
    assert "| `both` | `one` | 0 | " in differences
    lines = [line for line in said.splitlines() if line.startswith("| ") and "---" not in line]
    assert [line.split(" | ")[0] for line in lines] == ["|", "| one network", "| members", "| both"]
    assert lines[1].endswith("| .8 |")
    assert [line.split(" | ")[2].count(", ") + 1 for line in lines[1:]] == [2, 2, 1]


def test_what_fails_is_named_and_the_rest_is_made(place: Place):
    """Each in a process of its own, with a log that begins with its command."""
    bad, worse = (
        Row("cinc2017", name, name, "toy", f"-model cnn_gru {word} 1", "test", "macro f1")
        for name, word in (("bad", "-epoch"), ("worse", "-crops"))
    )
    logs = results.make([bad, worse], NONE, [0], place)
    assert [log.name for log in logs] == ["bad-0.log", "worse-0.log"]
    command, *_, last = logs[0].read_text().splitlines()
    assert command.startswith("python train.py -model cnn_gru -epoch 1 -seed 0")
    assert "-epochs" in last


def test_it_stops_when_the_minutes_are_over_and_goes_on(place: Place, capsys: pytest.CaptureFixture[str]):
    soon = Place(place.out, place.recordings, 1, deadline=0.0)
    assert results.make(TOY[:1], NONE, [0], soon) == []
    assert "goes on from here" in capsys.readouterr().out
    assert not results.is_done(place.run("one", 0))


def learnt(words: Sequence[str]) -> list[str]:
    """What a command names with -learn, itself or in its recipe."""
    options = parse_training(words)
    return options.learn or tomllib.loads(Path(options.config).read_text())["learn"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_is_a_command(row: Row):
    words = commanded(row, 0, PLACE)
    if row.command == PRETRAIN:
        parse_pretraining([*words, "-path_save_model", "run"])
    elif row.command == DERIVE:
        origin = next(each for each in ROWS if f"@{each.name}" == row.words.split()[1])
        parse_derived([*words, "-path_save_model", "run"])
        assert "all" in learnt(commanded(origin, 0, PLACE))
    else:
        options = options_of(parse_training(words))
        if options.run_kind not in FUSIONS and options.init is None:
            check_options(options, known_model(options.model or "").modality)
    assert row.store in STORES
    assert row.study in STUDIES
    parse_stores(STORES[row.store].words.split())
    assert {each.words for each in ROWS if each.name == row.name} == {row.words}


def test_no_network_is_given_less_than_it_takes():
    rows = [row for row in ROWS if row.study == "networks" and row.command == "train.py"]
    assert len(rows) == len(NETWORKS)
    for options in (parse_training(row.words.split()) for row in rows):
        network = create_model(options.model, in_channels=12, n_classes=5, **dict(options.set or []))
        assert network.smallest_size <= 100 * options.crop


def test_every_network_on_signals_of_any_length_is_compared():
    of_beats = {"beat_bigru", "beat_bilstm", "beat_cnn_lstm", "beat_seq2seq", "cnet", "heartbeat_cnn", "seq"}
    assert {*NETWORKS} == {*list_models("signal")} - of_beats


@pytest.mark.usefixtures("in_process")
def test_a_run_of_another_task_is_made_of_one_that_is_trained(
    tmp_path: Path, small_store_folder: Path, capsys: pytest.CaptureFixture[str]
):
    place = Place(tmp_path, tmp_path, 1)
    place.store("toy").parent.mkdir()
    place.store("toy").symlink_to(small_store_folder)
    words = "-model cnn_gru -epochs 1 -crop 2.5 -task superdiagnostic -learn all superdiagnostic"
    rows = [
        Row("networks", "five", "of five", "toy", words, "test", "macro auroc"),
        Row("networks", "more", "of more", "toy", "-run @five -task rhythm", "test", "macro auroc", command=DERIVE),
    ]
    assert results.make(rows, NONE, [0], place) == []
    assert read_card(place.run("more", 0)).task == "rhythm"
    results.print_tables(rows, [0], place)
    assert "| of more | test, macro auroc | 0." in capsys.readouterr().out


def test_what_a_run_waits_for_is_named_with_its_study(place: Place, capsys: pytest.CaptureFixture[str]):
    row = next(row for row in ROWS if row.name == "signal-cpc")
    assert results.make([row], {}, [1], place) == []
    waits = "signal-cpc, seed 1 waits for pre-cpc of seed 1 (-study pretraining): name it behind -only, too"
    assert waits in capsys.readouterr().out


def test_what_needs_a_gpu_comes_first_in_all_seeds(place: Place, monkeypatch: pytest.MonkeyPatch):
    made: list[tuple[str, int]] = []
    monkeypatch.setattr(results, "make_run", lambda row, seed, _: made.append((row.name, seed)) or True)
    heavy = replace(TOY[0], name="heavy", is_for_gpu=True)
    results.make(results.trained_here([TOY[0], heavy], has_gpu=True), NONE, [0, 1], place)
    assert made == [("heavy", 0), ("heavy", 1), ("one", 0), ("one", 1)]


def test_without_a_gpu_what_is_for_one_is_left_out_and_named(capsys: pytest.CaptureFixture[str]):
    heavy = replace(TOY[0], name="heavy", is_for_gpu=True)
    assert results.trained_here([heavy, TOY[0]], has_gpu=False) == [TOY[0]]
    assert capsys.readouterr().out == "for a GPU, and left out here: heavy\n"


def test_a_wrong_name_is_refused():
    with pytest.raises(EcgFusionError, match="no row is named nothing"):
        results.main(["-only", "signal", "nothing"])


def test_named_rows_come_in_the_order_of_their_names():
    assert [row.name for row in results.chosen(["networks"], ["net-mina", "net-gru"])] == ["net-mina", "net-gru"]
    assert [row.name for row in results.chosen(["ptbxl"], None)] == [row.name for row in ROWS if row.study == "ptbxl"]
