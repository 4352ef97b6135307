"""The console script, and the wheel that brings it."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

import create_images
from pipeline.commands import ecgfusion
from pipeline.demo import PLACES
from pipeline.errors import EcgFusionError

ROOT = Path(create_images.__file__).resolve().parent


def test_without_a_command_it_lists_them(capsys):
    ecgfusion.main([])
    said = capsys.readouterr().out
    assert [name for name in ecgfusion.COMMANDS if f"  {name} " not in said] == []


def test_a_misspelt_command_is_answered_with_the_nearest():
    with pytest.raises(EcgFusionError, match="there is no command trian: did you mean train"):
        ecgfusion.main(["trian", "-model", "gru"])


def test_the_words_behind_the_command_are_the_commands(capsys):
    with pytest.raises(SystemExit) as ended:
        ecgfusion.main(["train", "-lerning_rate", "3"])
    assert ended.value.code == 2
    assert "did you mean -learning_rate" in capsys.readouterr().err


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``ecgfusion`` of a wheel, in an environment that has what this one has, but for this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    files = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True).splitlines()
    for name in files:
        if (ROOT / name).is_file() and (name.startswith(("pipeline/", "models/")) or "/" not in name):
            place = source / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes((ROOT / name).read_bytes())
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    wheel = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder / "dist"), str(source)]
    built = subprocess.run(wheel, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    environment = folder / "environment"
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    purelib = subprocess.check_output(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    ).strip()
    # a path file in a path file is not read, so the editable installation of this checkout stays out
    (Path(purelib) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (found,) = (folder / "dist").glob("ecgfusion-*.whl")
    subprocess.check_call(
        [*pip, "--python", str(python), "install", "--no-deps", "--no-index", "--force-reinstall", str(found)]
    )
    return environment / "bin" / "ecgfusion"


def test_an_installed_wheel_runs_the_demo_from_another_folder(installed: Path, tmp_path: Path):
    """``make demo`` with few records, in a folder that it empties: what it says, shows and leaves behind."""
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / ".demo").touch()
    (folder / "of an older demo").touch()
    words = [str(installed), "demo", "demo", "--records", "40"]
    away = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, env=away, check=False)
    said = done.stdout
    assert done.returncode == 0, said + done.stderr
    assert not (folder / "of an older demo").exists()
    for run in ("resnet", "resnet1d_wang"):
        assert (folder / "runs" / run / "evaluation" / "test" / "table.md").read_text() in said
        assert f"  runs/{run} " in said
    for place, what in PLACES:
        assert f"  {place} " in said
        assert what in said
        assert (folder / place.replace("RUN", "fused")).exists(), place
    fused = folder / "runs" / "fused" / "evaluation" / "test"
    assert (fused / "comparison.md").read_text() in said
    left = {path.name for path in fused.iterdir()}
    assert {"counts.csv", "comparison.csv", "comparison.tex", "table.csv", "table.tex"} <= left
    where = [str(installed.with_name("python")), "-c", "import pipeline; print(pipeline.__file__)"]
    assert str(ROOT) not in subprocess.check_output(where, cwd=tmp_path, text=True, env=away)
