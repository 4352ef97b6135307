"""What moved an answer, by post: a picture for every kind of run, and refusals as of all else."""

import io

import pytest
from PIL import Image


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


def test_a_bad_recording_is_refused_in_a_sentence(client):
    answer = client.post("/explain", files={"file": ("torn.npy", b"\x93NUMPY")})
    assert answer.status_code == 422
    assert "torn.npy" in answer.json()["problem"]
    assert "/" not in answer.json()["problem"].replace("/explain", "")


def test_the_page_has_a_button_for_it(client):
    assert 'formaction="/explain"' in client.get("/").text
