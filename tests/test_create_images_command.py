"""create_images.py as a user types it: what it prints, what it draws, and how it refuses."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

import create_images
from pipeline.errors import EcgFusionError
from pipeline.sources import open_source
from pipeline.sources.synthetic import write_dataset

COMMAND = Path(create_images.__file__)


def run(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(COMMAND), *map(str, words)], cwd=cwd, capture_output=True, text=True, check=False
    )


def make(data: Path, out: Path, *words: object) -> None:
    create_images.main([str(word) for word in ("-data", data, "-out", out, "-workers", "1", *words)])


# what it prints


def test_it_prints_the_set_the_bytes_to_come_and_a_summary(synthetic_folder, tmp_path, capsys):
    make(synthetic_folder, tmp_path / "a b", "-size", "16", "-folds", "train=1-8", "dev=9")
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0].startswith("ptbxl unknown (table ")
    assert lines[0].endswith(f"in {synthetic_folder}: 40 records of 31 patients at 100 Hz")
    assert lines.pop(1).startswith("Its version is not known, since neither the folder's name")
    assert lines[1] == "train: 31 records of 24 patients"
    # 31 records of 12 leads of 1000 samples, and 3 leads in 4 representations of 16 × 16
    to_come = 31 * (12 * 1000 * 2 + 3 * 4 * 16 * 16)
    assert any(line.startswith(f"{tmp_path}/a b/train.h5: 31 records, {to_come:,} bytes to come, ") for line in lines)
    summary = lines[-2]
    assert summary.startswith(f"{tmp_path}/a b/train.h5: 31 records, 0 left out, 372 images, ")
    assert " bytes, " in summary
    assert " s, peak memory " in summary
    assert "train signals: 100%" in said.err
    assert "dev images: 100%" in said.err


def test_it_runs_from_any_folder_and_ends_with_0(synthetic_folder, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ptbxl").symlink_to(synthetic_folder)
    done = run("--partition", "dev", "--size", "16", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "data/ptbxl-images/dev.h5: 4 records, 0 left out, 48 images" in done.stdout
    again = run("-partition", "dev", "-size", "16", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert again.stdout.endswith("data/ptbxl-images/dev.h5 is complete: nothing to do\n")


# mistakes

MISTAKES = [
    ([], "there is no folder data/ptbxl: name the PTB-XL folder with --data"),
    (["--source", "ptb"], "there is no source ptb: choose one of ptbxl"),
    (["--folds", "train=1-8", "dev=8"], "puts fold 8 into train and dev"),
    (["--folds", "all"], "--folds all is not understood"),
    (["--band", "40", "0.5"], "a band from 40 to 0.5 Hz is empty"),
    (["--band", "0.5"], "--band 0.5 is not understood: write 0.5 40, or none"),
    (["--band", "0.5", "40", "50"], "--band 0.5 40 50 is not understood"),
    (["--band", "a", "b"], "--band a b is not understood"),
    (["--band", "none", "40"], "--band none 40 is not understood"),
    (["--band", "0.5", "50"], "a band up to 50 Hz needs more than 100 samples a second"),
    (["--band", "-1", "40"], "a band from -1 to 40 Hz is empty"),
    (["--band", "nan", "40"], "is empty"),
    (["--leads", "V7"], "there is no lead V7: the leads are I II III"),
    (["--leads", "I", "i"], "the leads I I name one twice"),
    (["--leads", "all", "I"], "there is no lead all"),
    (["--sampling_rate", "600"], "--sampling_rate 600 is above the 500 Hz of the recordings"),
    (["--sampling_rate", "0.01"], "--sampling_rate 0.01 leaves no sample of a record: raise it"),
    (["--min_likelihood", "101"], "--min_likelihood 101 is no percentage: give 0 to 100"),
    (["--min_likelihood", "-1"], "--min_likelihood -1 is no percentage"),
    (["--min_likelihood", "nan"], "--min_likelihood nan is no percentage"),
    (["--representations", "gaff"], "There is no representation 'gaff': choose from gaf, mtf, rp, stft"),
    (["--representations", "gaf", "gaf"], "are different names"),
    (["--representations", "gaf", "leads"], "lead_map is one image of all leads, which train.py draws"),
    (["--representations", "none", "--size", "64"], "--size is for images, and --representations none makes none"),
    (["--representations", "none", "--leads", "I", "II"], "--leads is for images, and --representations none makes"),
    (
        ["--representations", "none", "gaf"],
        "--representations none gaf names representations beside none, which stands alone",
    ),
    (["--representations", "gaf", "--mtf_bins", "5"], "-mtf_bins is for mtf, which is not drawn here"),
    (
        ["--size", "1001"],
        "1000 samples are too few for images of size 1001, which need 1001: take -size 1000 or less",
    ),
    (["--mtf_bins", "1"], "bins"),
    (["--range_mv", "2", "--scale", "record"], "-range_mv is for the fixed scale"),
    (["--stft_db_range", "0", "-60"], "range"),
    (["--rp_percentage", "10"], "-rp_percentage is for -rp_threshold point or distance"),
    (["--show", "41"], "there is no record 41 in these folds and partitions: see the names of its records"),
    (["--size", "100000"], "1000 samples are too few for images of size 100000, which need 100000: take -size 1000"),
    (["--show", "1", "--size", "100000"], "1000 samples are too few for images of size 100000"),
    (["--rp_delay", "1000000", "--rp_dimension", "1000"], "are too few for images"),
    (["--mtf_bins", "1000000000"], "-mtf_bins is more than the 1000 samples of a lead: take fewer"),
    (["--stft_window", "1e9"], "window"),
    (
        ["--representations", "none", "--band", "none", "--sampling_rate", "0.01"],
        "--sampling_rate 0.01 leaves no sample of a record: raise it",
    ),
    (["--show", "x"], "there is no record x in these folds and partitions"),
    (["--show", "1", "--verify", "3"], "--verify does not go with --show, which makes no store: leave it out"),
    (["--export", "there"], "there is no data/ptbxl-images/train.h5: make it with python create_images.py"),
    (["--export", "there", "--size", "64"], "--size does not go with --export"),
    (["--export", "there", "--show", "1"], "--show does not go with --export"),
]


@pytest.mark.parametrize(("words", "sentence"), MISTAKES, ids=[" ".join(words) or "none" for words, _ in MISTAKES])
def test_a_mistake_is_one_sentence(synthetic_folder, tmp_path, monkeypatch, words, sentence):
    monkeypatch.chdir(tmp_path)
    where = ["--data", str(synthetic_folder)] if words and "--export" not in words else []
    with pytest.raises(EcgFusionError) as refused:
        create_images.main([*words, *where])
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.rglob("*.h5*"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--partition", "valid"], "valid is called dev here"),
        (["--limit", "0"], "0 is not a whole number of at least 1"),
        (["--limit", "-5"], "-5 is not a whole number of at least 1"),
        (["--workers", "two"], "two is not a whole number of at least 1"),
        (["--size", "64.5"], "64.5 is not a whole number of at least 1"),
        (["--scale", "log"], "invalid choice: 'log'"),
        (["--sampling_rate", "0"], "0 is not a number above 0"),
        (["--stft_window", "inf"], "inf is not a number above 0"),
        (["--rp_threshold", "often"], "often is not none, point, distance or a number above 0"),
        (["--verify"], "expected one argument"),
        (["--sise", "64"], "there is no option --sise: did you mean -size"),
        (["64"], "unrecognized arguments: 64"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_option_is_one_sentence(capsys, words, sentence):
    with pytest.raises(SystemExit) as ended:
        create_images.main(words)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert sentence in said
    assert said.startswith("create_images.py: ")
    assert said.count("\n") == 1


def test_a_mistake_ends_the_command_without_a_traceback(tmp_path):
    done = run("--data", "nowhere", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("create_images.py: there is no folder nowhere: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="the modes of files are those of POSIX")
def test_an_out_that_is_a_file_is_one_sentence(synthetic_folder, tmp_path):
    (tmp_path / "out").touch()
    done = run("--data", synthetic_folder, "--out", "out", "--size", "16", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("create_images.py: ")
    assert "Traceback" not in done.stderr
    assert "loading" not in done.stdout


@pytest.mark.parametrize("where", ["out", "out/deeper"])
def test_an_out_that_cannot_be_written_is_told_before_any_record_is_read(
    synthetic_folder, tmp_path, monkeypatch, where
):
    (tmp_path / "out").mkdir()
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr("pipeline.store.stages.read_counts", None)
    with pytest.raises(EcgFusionError, match=f"no permission to write {tmp_path}/{where}: change its permissions"):
        make(synthetic_folder, tmp_path / where, "-size", "16")
    assert not list((tmp_path / "out").iterdir())


def test_complete_stores_are_said_in_a_line_even_where_nothing_can_be_written(
    synthetic_folder, tmp_path, monkeypatch, capsys
):
    make(synthetic_folder, tmp_path, "-size", "16")
    capsys.readouterr()

    def refuse(*_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(FileLock, "_acquire", refuse)
    monkeypatch.setattr(os, "access", lambda *_: False)
    make(synthetic_folder, tmp_path, "-size", "16")
    assert capsys.readouterr().out == (
        f"{tmp_path}/train.h5, {tmp_path}/dev.h5 and {tmp_path}/test.h5 are complete: nothing to do\n"
    )
    with pytest.raises(EcgFusionError, match="was made with other parameters"):
        make(synthetic_folder, tmp_path, "-size", "32")


def test_nothing_to_do_for_want_of_records_ends_with_1(synthetic_folder, tmp_path):
    done = run("--data", synthetic_folder, "--out", "o", "--folds", "train=77", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("create_images.py: ")
    assert "has no record for any partition that was asked for" in done.stderr
    assert not (tmp_path / "o").exists()


def test_an_empty_table_ends_with_1(synthetic_folder, tmp_path):
    folder = shutil.copytree(synthetic_folder, tmp_path / "ptbxl")
    table = folder / "ptbxl_database.csv"
    table.write_text(table.read_text().splitlines()[0] + "\n")
    done = run("--data", folder, "--out", "o", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "o").exists()


# --show


@pytest.mark.parametrize("words", [[], ["--representations", "gaf"], ["--representations", "none"], ["--leads", "aVR"]])
def test_show_saves_an_image_of_one_record(synthetic_folder, tmp_path, capsys, words):
    make_words = ["--data", str(synthetic_folder), "--out", str(tmp_path / "o"), "--show", "7", *words]
    create_images.main(make_words)
    path = tmp_path / "o" / "7.png"
    assert capsys.readouterr().out.endswith(f"saved {path}\n")
    with Image.open(path) as image:
        width, height = image.size
        pixels = np.asarray(image.convert("L"))
    assert width > 800
    assert height > (200 if "none" in words else 400) * (1 if "aVR" in words else 3)
    assert pixels.std() > 10
    assert not list(tmp_path.rglob("*.h5"))


def test_show_finds_a_record_of_any_partition_and_labels_its_axes(synthetic_folder, tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    seen = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, to, **_: (seen.append(figure), Path(to).touch()))
    items = open_source("ptbxl", synthetic_folder).records
    record = items.loc[items["fold"] == 10, "record_id"].iloc[0]
    create_images.main(["--data", str(synthetic_folder), "--out", str(tmp_path), "--show", record])
    (figure,) = seen
    title, footer = (text.get_text() for text in figure.texts)
    assert title.startswith(f"ptbxl record {record} (test): ")
    assert footer.split("    ") == ["25 mm/s", "10 mm/mV", "100 Hz", "filtered, 0.5 to 40 Hz"]
    labels = {axes.get_xlabel() for axes in figure.axes} | {axes.get_ylabel() for axes in figure.axes}
    assert labels >= {"time (s)", "frequency (Hz)"}
    papers = [axes for axes in figure.axes if axes.texts]
    assert [axes.texts[0].get_text() for axes in papers] == ["I", "II", "V2"]
    assert len({tuple(axes.get_xlim()) for axes in papers}) == 1  # mm, one scale: leads can be compared


def test_a_record_of_another_partition_is_told_where_it_is(synthetic_folder, tmp_path):
    items = open_source("ptbxl", synthetic_folder).records
    record = items.loc[items["fold"] == 10, "record_id"].iloc[0]
    words = ["--data", str(synthetic_folder), "--out", str(tmp_path), "--show", record]
    sentence = f"there is no record {record} in train dev, but in test: give --partition test, or leave it out"
    with pytest.raises(EcgFusionError, match=sentence):
        create_images.main([*words, "--partition", "train", "dev"])
    with pytest.raises(EcgFusionError, match="in train dev: it is of fold 10, which is in no partition: give other"):
        create_images.main([*words, "--folds", "train=1-8", "dev=9"])
    others = [name for name in items.loc[items["fold"] == 10, "record_id"] if name != record]
    refused = 0
    for name in (record, *others):
        try:
            create_images.main([*words[:-1], name, "--limit", "1", "--representations", "none"])
        except EcgFusionError as problem:
            refused += "it is not in the sample of test: leave --limit out" in str(problem)
    assert refused == len(others)


def test_show_of_a_bad_record_is_one_sentence(tmp_path):
    write_dataset(tmp_path / "ptbxl", n_records=2, seed=0)
    for path in (tmp_path / "ptbxl" / "records100").rglob("00002_lr.dat"):
        path.unlink()
    with pytest.raises(EcgFusionError, match=r"record 2 is bad: .*00002_lr\.dat is missing"):
        create_images.main(["--data", str(tmp_path / "ptbxl"), "--out", str(tmp_path), "--show", "2"])
