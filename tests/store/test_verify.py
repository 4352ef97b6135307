"""--verify: images of a finished store against pyts, whatever made them."""

import re
import warnings
from pathlib import Path

import h5py
import pytest

import create_images
from pipeline.listening import Remark
from pipeline.representations.references import import_pyts
from pipeline.store.reading import open_store, store_path
from pipeline.store.verify import verify_store

NAMES = ("gaf", "mtf", "rp", "stft")
VARIANTS = {
    "defaults": [],
    "record": ["--scale", "record"],
    "fixed": ["--scale", "fixed", "--range_mv", "1"],
    "fixed with clipping": ["--scale", "fixed", "--range_mv", "0.2", "--mtf_strategy", "uniform"],
    "uniform bins": ["--mtf_strategy", "uniform", "--mtf_bins", "8", "--scale", "record"],
    "difference": ["--gaf_method", "difference", "--rp_dimension", "3", "--rp_delay", "2", "--mtf_bins", "5"],
    "spectrogram": ["--stft_window", "0.5", "--stft_hop", "0.05", "--stft_max_hz", "30", "--scale", "record"],
    "a size that does not divide the length": ["--size", "37"],
    "as long as the lead": ["--size", "250", "--sampling_rate", "25", "--band", "0.5", "12"],
    "resampled": ["--sampling_rate", "80", "--band", "none"],
}


@pytest.fixture(scope="session", autouse=True)
def pyts_imported():
    """Imported once, for its import warns of its own dependencies."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import_pyts("image")


def make(data: Path, out: Path, *words: str) -> Path:
    fixed = ("--data", str(data), "--out", str(out), "--partition", "dev", "--workers", "1")
    create_images.main([*fixed, *(() if "--size" in words else ("--size", "32")), *words])
    return store_path(out, "dev")


def differences(sentence: str) -> dict[str, int]:
    return {name: int(levels) for name, levels in re.findall(r"(\w+) (\d+)(?:,|$)", sentence.rpartition(": ")[2])}


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_image_is_off_by_more_than_one_grey_level(synthetic_folder, tmp_path, variant):
    path = make(synthetic_folder, tmp_path, *VARIANTS[variant])
    found = differences(verify_store(open_store(path), 4))
    assert tuple(found) == NAMES
    assert max(found.values()) <= 1


@pytest.mark.parametrize("threshold", ["point", "distance", "0.3"])
def test_a_thresholded_recurrence_plot_is_that_of_pyts(synthetic_folder, tmp_path, threshold):
    words = ["--representations", "rp", "--rp_threshold", threshold]
    path = make(synthetic_folder, tmp_path, *words, *(["--rp_percentage", "20"] if threshold != "0.3" else []))
    assert verify_store(open_store(path), 4).endswith("rp (thresholded) 0 of 12,288 pixels on the other side")


def test_pixels_on_the_other_side_of_a_threshold_are_counted(synthetic_folder, tmp_path):
    path = make(synthetic_folder, tmp_path, "--representations", "rp", "--rp_threshold", "0.3")
    with h5py.File(path, "r+") as file:
        file["images/rp"][1, 2, 3, 4:6] = 255 - file["images/rp"][1, 2, 3, 4:6]
    assert verify_store(open_store(path), 4).endswith("rp (thresholded) 2 of 12,288 pixels on the other side")


def test_the_wait_for_pyts_is_said(synthetic_folder, tmp_path, told, monkeypatch):
    import sys

    path = make(synthetic_folder, tmp_path, "--representations", "gaf")
    verify_store(open_store(path), 1)
    monkeypatch.delitem(sys.modules, "pyts")
    verify_store(open_store(path), 1)
    said = [event.sentence for event in told if isinstance(event, Remark)]
    assert said.count("loading pyts, which may take some seconds") == 1


@pytest.mark.realdata
def test_real_records_agree_too(ptbxl_folder, tmp_path):
    path = make(ptbxl_folder, tmp_path, "--limit", "10", "--size", "64")
    assert max(differences(verify_store(open_store(path), 10)).values()) <= 1


def test_an_image_that_is_off_is_noticed(synthetic_folder, tmp_path):
    path = make(synthetic_folder, tmp_path)
    with h5py.File(path, "r+") as file:
        images = file["images/rp"]
        images[1, 2, 3, 4] = (int(images[1, 2, 3, 4]) + 100) % 256
    found = differences(verify_store(open_store(path), 4))
    assert found["rp"] >= 100
    assert found["gaf"] <= 1


def test_the_command_prints_it(synthetic_folder, tmp_path, capsys):
    make(synthetic_folder, tmp_path, "--gaf_method", "difference")
    create_images.main(["--out", str(tmp_path), "--verify", "2"])  # no other option is asked for again
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "largest difference" in line]
    assert line.startswith(f"{tmp_path}/dev.h5: largest difference from the reference in grey levels, over 2 records: ")
    assert set(differences(line)) == set(NAMES)
    create_images.main(["--out", str(tmp_path), "--partition", "dev", "--verify", "99"])  # more than it has
    assert "over 4 records" in capsys.readouterr().out


def test_a_store_of_signals_has_nothing_to_verify(synthetic_folder, tmp_path):
    words = ["--data", str(synthetic_folder), "--out", str(tmp_path), "--partition", "dev", "--workers", "1"]
    create_images.main([*words, "--representations", "none"])
    assert verify_store(open_store(store_path(tmp_path, "dev")), 3).endswith("no images to verify")


def test_other_records_are_drawn_each_time(synthetic_folder, tmp_path):
    """One image in four is off, so that sooner or later it is found, and not always."""
    path = make(synthetic_folder, tmp_path, "--representations", "gaf")
    with h5py.File(path, "r+") as file:
        file["images/gaf"][0] = 255 - file["images/gaf"][0]
    found = {differences(verify_store(open_store(path), 1))["gaf"] > 1 for _ in range(60)}
    assert found == {True, False}
