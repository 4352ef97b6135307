"""The fusion comparison, from stores to its table, on a few simulated recordings."""

from pathlib import Path
from typing import Any

import pytest
from signal_stores import make_signal_stores

from benchmarks import does_fusion_help


@pytest.fixture(scope="module")
def signals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_signal_stores(tmp_path_factory.mktemp("question"), 110)


def test_the_matrix_ends_in_its_table(signals: Path, tmp_path: Path, capsys):
    rows = ["signal", "beat", "mean", "weighted", "stacking", "concat", "gated", "joint", "control"]
    typed = ["-seeds", "0", "1", "-joint", "-data", str(signals), "-out", str(tmp_path), "-limit", "16", "-epochs", "1"]
    does_fusion_help.main(typed)
    table = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    for row, name in zip(table[2:], rows, strict=True):
        assert name in row
    assert {len(row.split("|")) for row in table} == {len(table[0].split("|"))}
    trained = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("run.json")}
    does_fusion_help.main(typed)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("run.json")} == trained
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")] == table


def test_the_whole_matrix_has_every_form_and_no_joint_training_that_would_be_refused(monkeypatch):
    commands: dict[str, str] = {}

    def remember(options: Any, name: str, words: str, threads: str | None = None) -> Path:
        commands[name] = words
        return Path(name)

    monkeypatch.setattr(does_fusion_help, "_train", remember)
    monkeypatch.setattr(does_fusion_help, "_print_table", lambda runs: commands.update(rows=str(len(runs))))
    does_fusion_help.main(["-full"])
    forms = does_fusion_help.FULL_IMAGES
    assert {f"{form}-{seed}" for form in forms for seed in range(3)} <= set(commands)
    assert [name for name, words in commands.items() if "-finetune" in words] == [f"beat-joint-{n}" for n in range(3)]
    assert int(commands["rows"]) == 2 + len(forms) * (1 + len(does_fusion_help.FUSIONS)) + 1
