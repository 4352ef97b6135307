"""What moved an answer, by post: a picture for every kind of run, and refusals as of all else."""

import io

import pytest
from PIL import Image

from pipeline.server import explaining


@pytest.mark.parametrize("name", ["gru", "stored", "kfold"])
def test_every_run_is_explained_in_a_picture(client, example, name: str):
    answer = client.post("/explain", files={"file": example}, data={"run": name})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"].startswith("inline; filename*=UTF-8''example%20")
    image = Image.open(io.BytesIO(answer.content))
    assert image.format == "PNG"
    assert image.width > 800
    assert len(image.convert("RGB").getcolors(1 << 24)) > 50


def test_no_place_of_this_machine_is_drawn(client, example, monkeypatch: pytest.MonkeyPatch):
    drawn = []
    usual = explaining.plot_explanation
    monkeypatch.setattr(explaining, "plot_explanation", lambda found: drawn.append(found) or usual(found))
    assert client.post("/explain", files={"file": example}, data={"run": "gru"}).status_code == 200
    (found,) = drawn
    assert (found.run, found.file) == ("gru", "example.csv")
    assert any("as what gru has learnt from" in remark for remark in found.remarks)
    assert not any("/" in remark.replace("0.5–40", "") for remark in found.remarks)


def test_a_bad_recording_is_refused_in_a_sentence(client):
    answer = client.post("/explain", files={"file": ("torn.npy", b"\x93NUMPY")})
    assert answer.status_code == 422
    assert "torn.npy" in answer.json()["problem"]
    assert "/" not in answer.json()["problem"].replace("/explain", "")


def test_the_page_has_a_button_for_it(client):
    assert 'formaction="/explain"' in client.get("/").text
