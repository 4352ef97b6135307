"""The fusion comparison, from stores to its table, on a few simulated recordings."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from signal_stores import make_signal_stores

from benchmarks import does_fusion_help


@pytest.fixture(scope="module")
def signals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_signal_stores(tmp_path_factory.mktemp("question"), 60)


def test_the_matrix_ends_in_its_table(signals: Path, tmp_path: Path, capsys, monkeypatch):
    """Of a fusion of each kind, trained for an epoch; that all are asked for is the next test's."""
    asked = ["late mean", "concat"]
    short = {name: f"{does_fusion_help.FUSIONS[name]}{' -epochs 1' * (name == 'concat')}" for name in asked}
    monkeypatch.setattr(does_fusion_help, "FUSIONS", short)
    joint = {name: f"{how} -epochs 1" for name, how in does_fusion_help.JOINT.items()}
    monkeypatch.setattr(does_fusion_help, "JOINT", joint)
    monkeypatch.setattr(does_fusion_help, "SIGNAL", "-model cnn_gru -crop 2.5")
    fusions = [*asked, "joint"]
    rows = ["signal", "beat", *(f"signal + beat, {name}" for name in fusions)]
    rows += [f"control: two signal networks, {name}" for name in fusions]
    typed = ["-seeds", "0", "1", "-joint", "-data", str(signals), "-out", str(tmp_path), "-limit", "16", "-epochs", "1"]
    does_fusion_help.main(typed)
    table = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    for row, name in zip(table[2:], rows, strict=True):
        assert row.split("|")[1].strip() == name
        assert ("p " in row.split("|")[5]) == name.startswith("signal + ")  # each beside its own control
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
    joint = [f"{what}-joint-{n}" for what in ("beat", "control") for n in range(3)]
    assert [name for name, words in commands.items() if "-finetune" in words] == joint
    n_fusions = len(does_fusion_help.FUSIONS)
    assert int(commands["rows"]) == 1 + len(forms) * (1 + n_fusions) + 1 + n_fusions + 1
    for fusion, how in (does_fusion_help.FUSIONS | does_fusion_help.JOINT).items():
        name = "control" if fusion == "late mean" else f"control-{fusion}".replace(" ", "-")
        for seed, other in ((0, 1), (1, 2), (2, 0)):
            assert commands[f"{name}-{seed}"].startswith(f"{how} -branches signal-{seed} signal-{other} ")


def test_one_seed_has_no_control_and_the_table_says_so(monkeypatch, capsys):
    monkeypatch.setattr(does_fusion_help, "_train", lambda options, name, words, threads=None: Path(name))
    monkeypatch.setattr(does_fusion_help, "macro_auroc", lambda folder, n: (0.9, np.full(n, 0.9)))
    does_fusion_help.main(["-seeds", "0"])
    said = capsys.readouterr().out
    assert "control:" not in said
    assert said.endswith("No fusion has its control, which takes two signal networks: give two -seeds or more.\n")
