"""The command of a search: what it refuses, several processes on one study, one of them killed, and what it leaves."""

import csv
import json
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from made_stores import made_items, write_store

import train
from pipeline.errors import EcgFusionError
from pipeline.runs.card import WEIGHTS
from pipeline.runs.card_file import read_card
from pipeline.training import search
from pipeline.training.search_study import JOURNAL

ROOT = Path(__file__).resolve().parents[2]
RECIPE = """
model = "gru"
hidden_size = 3
n_layers = 1
epochs = 3
threads = 1
data = "{data}"

[search]
learning_rate = {{ low = 1e-3, high = 1e-1, log = true }}
batch_size = [8, 16]
"""

PROCESSES = """
import contextlib, os, signal, sys
sys.path.insert(0, sys.argv[1])
from pipeline.commands.parser import run_command
from pipeline.commands.terminal import Terminal
from pipeline.listening import EpochEnded
from pipeline.training import search

def begin(name, *words, kill_behind=None):
    pid = os.fork()
    if pid:
        return pid
    try:
        for stream in (1, 2):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
        hear, epochs = Terminal.hear, []

        def counted(self, event):
            hear(self, event)
            epochs.append(isinstance(event, EpochEnded))
            if sum(epochs) == kill_behind:
                os.kill(os.getpid(), signal.SIGKILL)

        Terminal.hear = counted
        sys.argv = ["search.py", "-study", "small", *words]
        run_command(search.main)
    except SystemExit as ended:
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(ended.code if isinstance(ended.code, int) else 1)
    finally:
        os._exit(99)

def end(pid):
    status = os.waitpid(pid, 0)[1]
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

# in this process, so that the others need not import what it has imported
with open("alone", "w") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
    search.main("-study small -config recipe.toml -trials 6 -pruner none -folder again".split())
killed = begin("killed", "-config", "recipe.toml", "-trials", "6", "-pruner", "none", kill_behind=5)
print(end(killed))
both = [begin(name, "-trials", "6") for name in ("one", "other")]
print(*map(end, both))
"""

LOGS = ("alone", "killed", "one", "other")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of six trials: its first process was killed in the second one, then two went on at once.

    And the same study by one process that nothing stopped, in ``again``.
    """
    place = tmp_path_factory.mktemp("place")
    for partition, n_records in (("train", 30), ("dev", 15)):
        write_store(place / "stores", partition, made_items(partition, n_records, seconds=(1.0,)))
    (place / "recipe.toml").write_text(RECIPE.format(data=place / "stores"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", PROCESSES, str(ROOT)], cwd=place, capture_output=True, text=True, check=False
    )
    said = "".join(f"{path.name}: {path.read_text()}" for path in map(place.joinpath, LOGS) if path.exists())
    assert done.stdout.split() == [str(-signal.SIGKILL), "0", "0"], done.stderr + said
    return place


def table(study: Path) -> list[dict[str, str]]:
    with (study / "trials.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_killed_and_by_two_processes_it_has_the_trials_it_was_asked_for(place: Path):
    rows, whole = table(place / "studies/small"), table(place / "again/small")
    assert [row["trial"] for row in whole] == [str(number) for number in range(6)]
    assert [row["trial"] for row in rows] == ["0", "2", "3", "4", "5", "6"], "the killed one is not counted"
    assert {row["what"] for row in rows} <= {"complete", "given up"}
    found = {(row["learning_rate"], row["batch_size"]): row["dev_macro_auroc"] for row in rows}
    right = {(row["learning_rate"], row["batch_size"]): row["dev_macro_auroc"] for row in whole}
    assert found == right, "trials, the killed one among them, came to another end"
    assert rows[1]["run"] == "studies/small/trials/1", "its run was not gone on with"


def test_both_processes_had_trials_and_none_had_anothers(place: Path):
    numbers = {
        name: {line.split(":")[0] for line in (place / name).read_text().splitlines() if line.startswith("trial ")}
        for name in ("one", "other")
    }
    ran = {name: {each.split()[1] for each in found} for name, found in numbers.items()}
    assert ran["one"]
    assert ran["other"]
    assert ran["one"].isdisjoint(ran["other"])
    assert ran["one"] | ran["other"] == {"2", "3", "4", "5", "6"}


def test_epochs_of_the_killed_trial_that_were_over_are_not_run_again(place: Path):
    said = (place / "one").read_text() + (place / "other").read_text()
    first = re.search(r"^trial 2: learning_rate.*?^epoch (\d)/3: train loss", said, re.DOTALL | re.MULTILINE)
    assert first
    assert first[1] == "3"


@pytest.mark.usefixtures("cpu_as_before")
def test_the_recipe_of_the_best_comes_to_its_weights(place: Path, monkeypatch: pytest.MonkeyPatch):
    study = place / "studies/small"
    best = max(table(study), key=lambda row: float(row["dev_macro_auroc"] or 0))
    text = (study / search.RECIPE).read_text(encoding="utf-8")
    assert f"trial {best['trial']}, dev macro-AUC {float(best['dev_macro_auroc']):.4f}" in text
    recipe = tomllib.loads(text)
    assert recipe["learning_rate"] == float(best["learning_rate"])
    monkeypatch.chdir(place)
    train.main(["-config", str(study / search.RECIPE), "-threads", "1"])
    assert read_card(Path("runs/small")).dev_macro_auroc == float(best["dev_macro_auroc"])
    assert (place / "runs/small" / WEIGHTS).read_bytes() == (place / best["run"] / WEIGHTS).read_bytes()


def test_it_says_what_was_the_best_and_draws_what_mattered(place: Path):
    said = (place / "alone").read_text()
    best = max(table(place / "again/small"), key=lambda row: float(row["dev_macro_auroc"] or 0))
    assert f"the best of 6 trials (6 trained to their end): trial {best['trial']}" in said
    assert "what mattered: " in said
    assert "train with it: python train.py -config again/small/recipe.toml" in said
    assert (place / "again/small" / search.PICTURE).read_bytes().startswith(b"\x89PNG")


def test_nothing_in_the_journal_is_of_a_machine(place: Path):
    lines = [json.loads(line) for line in (place / "studies/small" / JOURNAL).read_text().splitlines()]
    (plan,) = [line["user_attr"]["plan"] for line in lines if "plan" in line.get("user_attr", {})]
    assert {*plan["options"]} == {"model", "hidden_size", "n_layers", "epochs"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("-study new", "there is no study studies/new: begin it with -config"),
        ("-study new -config gone.toml", "there is no recipe gone.toml: name a TOML file with -config"),
        ("-study new -config recipe.toml -space gone.toml", "recipe.toml has a table [search], and so has -space"),
        ("-study new -config plain.toml", "plain.toml has no table [search]"),
        (
            "-study new -config plain.toml -space gone.toml",
            "there is no recipe gone.toml: name a TOML file with -space",
        ),
        ("-study new -config plain.toml -space plain.toml", "plain.toml has model beside the table [search]"),
        ("-study new -config recipe.toml -data nowhere", "nowhere"),
        ("-study new -config wrong.toml", "wrong.toml: [search] lr: there is no such option"),
        ("-study new -config typo.toml", "typo.toml: there is no option modle: did you mean model"),
        ("-study small -space plain.toml", "-space is beside a recipe"),
    ],
)
def test_what_needs_no_torch_is_said_without_it(words: str, said: str, place: Path, monkeypatch: pytest.MonkeyPatch):
    (place / "plain.toml").write_text('model = "gru"\n')
    (place / "wrong.toml").write_text('model = "gru"\n[search]\nlr = [0.1, 0.2]\n')
    (place / "typo.toml").write_text('modle = "gru"\n[search]\nlearning_rate = [0.1, 0.2]\n')
    monkeypatch.chdir(place)
    monkeypatch.setattr(search, "say_loading", lambda: pytest.fail("torch is waited for"))
    with pytest.raises(EcgFusionError) as refused:
        search.main(words.split())
    assert said in str(refused.value)
    assert not (place / "studies/new").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("-sampler random", "studies/small was begun with -sampler tpe, not random"),
        ("-seeds 2", "studies/small was begun with -seeds 1, not 2"),
        ("-config other.toml", "studies/small was begun with epochs 3, not 4"),
        ("-config ends.toml", "studies/small was begun with [search] batch_size [8, 16], not [8, 32]"),
    ],
)
def test_a_study_is_not_gone_on_with_as_another_one(
    words: str, said: str, place: Path, monkeypatch: pytest.MonkeyPatch
):
    text = (place / "recipe.toml").read_text()
    (place / "other.toml").write_text(text.replace("epochs = 3", "epochs = 4"))
    (place / "ends.toml").write_text(text.replace("[8, 16]", "[8, 32]"))
    before = (place / "studies/small" / JOURNAL).read_bytes()
    monkeypatch.chdir(place)
    with pytest.raises(EcgFusionError) as refused:
        search.main(["-study", "small", *words.split()])
    assert said in str(refused.value)
    assert (place / "studies/small" / JOURNAL).read_bytes() == before


def test_a_grid_without_an_end_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(place)
    with pytest.raises(EcgFusionError, match="-sampler grid tries all values"):
        search.main(["-study", "new", "-config", "recipe.toml", "-sampler", "grid"])
    assert not (place / "studies/new").exists()


@pytest.mark.parametrize("name", ["a/b", "..", ".hidden", "a/"])
def test_a_name_that_is_a_path_is_refused(name: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit, match="2"):
        search.parse(["-study", name])
    assert f"-study {name} is no name for a folder" in capsys.readouterr().err


def test_train_py_says_of_a_recipe_with_a_search_what_it_is_for(place: Path):
    with pytest.raises(EcgFusionError, match=r"has a table \[search\], from which python -m pipeline.training.search"):
        train.main(["-config", str(place / "recipe.toml")])


def test_without_the_package_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(sys.modules, "optuna", None)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('model = "gru"\n')
    with pytest.raises(EcgFusionError, match=r'a search needs optuna, .*: pip install "ecgfusion\[search\]"'):
        search.main(["-study", "some", "-config", str(recipe)])
