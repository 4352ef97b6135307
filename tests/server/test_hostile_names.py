"""Names of files that are a path, a script or a header elsewhere, and here text."""

import base64
import glob
import html
import os
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from serving import Tags

EVIL = "<img src=x onerror=alert(1)>\"'&{{7*7}}.csv"


@pytest.mark.parametrize("path", ["/", "/predict", "/draw"])
@pytest.mark.parametrize("bad", [False, True])
def test_a_name_is_text_wherever_it_stands(client, example, path: str, bad: bool):
    answer = client.post(path, files={"file": (EVIL, b"nothing" if bad else example[1])}, data={"run": "gru"})
    assert answer.status_code == (422 if bad else 200)
    if path == "/" or answer.headers["content-type"].startswith("text/html"):
        tags = Tags(answer.text)
        assert not [tag for tag, _ in tags.tags if tag == "img" and _.get("src") == "x"]
        assert not [name for _, attributes in tags.tags for name in attributes if name.startswith("on")]
        assert not [attributes for tag, attributes in tags.tags if tag == "script" and "src" not in attributes]
        assert "{{7*7}}" in html.unescape(answer.text)
        drawings = [attributes["src"] for tag, attributes in tags.tags if tag == "img"]
        for each in drawings:
            assert each
            assert each.startswith("data:image/")
            if "svg" in each:
                _no_element_of_the_name(base64.b64decode(each.partition(",")[2]).decode())
    elif path == "/predict":
        assert answer.headers["content-type"] == "application/json"
        assert (answer.json()["problem"] if bad else answer.json()[0]["file"]).count("onerror") >= 1
    elif not bad:
        _no_element_of_the_name(answer.text)
        assert "<" not in answer.headers["content-disposition"]
        assert "\n" not in answer.headers["content-disposition"]


def _no_element_of_the_name(svg: str) -> None:
    for each in ElementTree.fromstring(svg).iter():
        assert not each.tag.endswith("}img")
        assert not [name for name in each.attrib if name.startswith("on")]


@pytest.mark.parametrize(
    "name",
    [
        *("../../../../tmp/x.csv", "/etc/x.csv", "C:\\x.csv", "x\0.csv", "x" * 3000 + ".csv", "nul.csv", ".csv"),
        *("a\r\nSet-Cookie: a=b.csv", "\u202evsc.csv"),
    ],
)
def test_a_name_is_no_path(client, example, name: str, tmp_path: Path):
    before = set(os.listdir("/tmp")) | set(os.listdir("/etc"))
    body = b"".join(
        [
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="',
            name.encode().replace(b"\r\n", b"%0D%0A"),
            b'"\r\n\r\n',
            example[1],
            b"\r\n--b--\r\n",
        ]
    )
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = client.post("/draw", content=body, headers=kind)
    assert answer.status_code in (200, 422)
    assert "set-cookie" not in answer.headers
    assert "x.csv" not in (set(os.listdir("/tmp")) | set(os.listdir("/etc"))) - before
    assert glob.glob(f"{tempfile.gettempdir()}/ecgfusion-server-*/**", recursive=True) == []
