"""The page in a real browser with no way to any other machine: dropped, chosen, answered, seen, printed."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browsers import Page, browser
from PIL import Image
from serving import listening

from pipeline.server.limits import Limits
from pipeline.server.served import Served
from pipeline.server.service import Service

DONE = "document.querySelector('.sheet, .problem') && !document.body.classList.contains('busy')"
TEXT = "document.querySelector('#answers').innerText"
EXPECTED = ("status of 422", "ERR_INTERNET_DISCONNECTED")
"""What a browser says by itself of a response that refuses, and of none."""
TAB, ENTER = 9, 13


@pytest.fixture(scope="module")
def address(served: list[Served]) -> Iterator[str]:
    with listening(Service(served, Limits(most_mb=1), threads=1)) as address:
        yield address


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture
def page(tab: Page, address: str, cpu_as_before: None) -> Iterator[Page]:
    """The page, freshly opened. What it asks for is of this server, and it never complains."""
    tab.complaints.clear()
    tab.asked.clear()
    tab.look(1440)
    tab.go(address)
    yield tab
    tab.find("1")  # hears what is still to be heard
    assert [each for each in tab.complaints if not any(said in each for said in EXPECTED)] == []
    assert [each for each in tab.asked if not each.startswith(f"{address}/")] == []


def test_a_recording_that_is_dropped_is_answered(page: Page, wfdb_files: list[Path]):
    page.drop("#drop", wfdb_files)
    page.wait_for(DONE)
    text = page.find(TEXT)
    for wanted in ("a-record.hea", "10 s", "250 Hz", "12 leads", "MI", "HYP", "gru", "stored", "kfold"):
        assert wanted in text
    assert "not a medical device" in text.lower()
    assert page.find("document.activeElement.className") == "sheet"
    # each drawing was decoded, so that it is seen
    assert page.find("Promise.all([...document.images].map(i => i.decode())).then(() => document.images.length)") == 7
    assert page.find("[...document.images].every(i => i.naturalWidth > 0)")


def test_several_recordings_are_answered_one_after_the_other(page: Page, wfdb_files: list[Path], tmp_path: Path):
    bad = tmp_path / "bad.csv"
    bad.write_text("nothing")
    large = tmp_path / "large.csv"
    large.write_bytes(b"0" * 2**21)
    page.drop("#drop", [bad, *wfdb_files, large])
    page.wait_for(f"{DONE} && document.querySelectorAll('.problem').length == 2")
    assert page.find("document.querySelectorAll('.sheet').length") == 1
    assert "bad.csv" in page.find(TEXT)
    assert "large.csv is larger than 1 MB" in page.find(TEXT)
    assert page.find("document.activeElement.getAttribute('role')") == "alert"


def test_recordings_whose_names_begin_alike_are_two(page: Page, wfdb_files: list[Path], tmp_path: Path):
    others = [tmp_path / path.name.replace("a-record", "a-record2") for path in wfdb_files]
    for path, other in zip(wfdb_files, others, strict=True):
        other.write_bytes(path.read_bytes().replace(b"a-record", b"a-record2"))
    page.drop("#drop", [*wfdb_files, *others])
    page.wait_for(f"{DONE} && document.querySelectorAll('.sheet, .problem').length == 2")
    assert page.find("document.querySelectorAll('.sheet').length") == 2
    assert "a-record2.hea" in page.find(TEXT)


def test_a_file_is_chosen(page: Page, wfdb_files: list[Path]):
    page.choose("#file", wfdb_files)
    page.wait_for(DONE)
    assert "a-record.hea" in page.find(TEXT)


def test_the_keyboard_is_enough(page: Page):
    page.find("document.body.focus()")
    seen = []
    for _ in range(20):
        page.press("Tab", TAB)
        seen.append(page.find("document.activeElement.innerText || document.activeElement.id"))
        if seen[-1] == "Show an example":
            break
    assert seen[0] == "Skip to the content"
    assert {"file", "What the file does not say", "Read the recording"} <= set(seen)
    page.press("Enter", ENTER, "\r")
    page.wait_for(DONE)
    assert "example (simulated)" in page.find(TEXT)


def test_a_run_that_is_not_chosen_is_not_asked(page: Page):
    page.find("document.querySelector('input[value=stored]').click()")
    page.find("document.querySelector('button[name=example]').click()")
    page.wait_for(DONE)
    heads = page.find("[...document.querySelectorAll('.answers thead th')].map(e => e.innerText)")
    assert heads == ["Class", "gru", "kfold"]


def test_a_name_runs_no_script(page: Page, tmp_path: Path, wfdb_files: list[Path]):
    name = "<img src=x onerror=window.hacked=1>.csv"
    bad = tmp_path / name
    bad.write_text("nothing")
    page.drop("#drop", [bad])
    page.wait_for(DONE)
    assert name in page.find(TEXT)
    assert page.find("window.hacked") is None
    assert page.find("document.querySelectorAll('#answers img').length") == 0


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [320, 390, 1440])
def test_it_fits_the_screen_in_either_scheme(page: Page, width: int, dark: bool, tmp_path: Path):
    page.look(width, dark=dark)
    page.find("document.querySelector('button[name=example]').click()")
    page.wait_for(DONE)
    assert page.find("document.documentElement.scrollWidth <= window.innerWidth")
    shot = Image.open(io.BytesIO(page.screenshot(tmp_path / "shot.png").read_bytes())).convert("L")
    assert shot.width == width
    brightness = np.asarray(shot).mean()
    assert brightness < 110 if dark else brightness > 180
    # a finger hits what is to be pressed
    assert page.find("Math.min(...[...document.querySelectorAll('button')].map(b => b.offsetHeight))") >= 44


@pytest.mark.parametrize("dark", [False, True])
def test_paper_is_white_and_has_the_answer_alone(page: Page, dark: bool, tmp_path: Path):
    page.find("document.querySelector('button[name=example]').click()")
    page.wait_for(DONE)
    page.look(1440, dark=dark, media="print")
    assert page.find("getComputedStyle(document.querySelector('.ask')).display") == "none"
    assert page.find("getComputedStyle(document.querySelector('.sheet')).display") == "block"
    assert page.find("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.find("getComputedStyle(document.body).color") == "rgb(24, 33, 38)"
    assert "dark" not in page.find("document.querySelector('.paper img').currentSrc")
    assert page.find("document.querySelector('.paper img').currentSrc == document.querySelector('.paper img').src")
    assert page.pdf(tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")


def test_the_page_for_programs_is_whole(page: Page, address: str):
    page.go(f"{address}/docs")
    assert "/predict" in page.find("document.body.innerText")


def test_without_scripts_the_form_is_a_form(page: Page):
    form = "document.getElementById('ask')"
    assert page.find(f"[{form}.method, {form}.enctype, {form}.action.endsWith('/')]") == [
        *("post", "multipart/form-data"),
        True,
    ]


def test_a_server_that_has_ended_is_told(page: Page, address: str):
    page.do("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=-1, uploadThroughput=-1)
    page.find("document.querySelector('button[name=example]').click()")
    page.wait_for(DONE)
    assert "the server does not answer" in page.find(TEXT)
    page.do("Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1)
