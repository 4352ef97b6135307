"""Which requests pass: of this machine's names, of this page or of no page, and of a size that is taken."""

import pytest

from pipeline.server.guards import HEADERS, is_loopback, names_of_host


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]:8000", "127.0.0.1"])
def test_names_of_this_machine_pass(client, host: str):
    assert client.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *(
            "evil.example",
            "evil.example:8000",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "0.0.0.0",
        ),
        *("user@localhost", "localhost/x", "localhost:port", "localhost:99999999", "localhost?a", "", "a b", "[::1"),
    ],
)
def test_other_names_are_refused_since_they_may_be_rebound(client, host: str):
    answer = client.get("/health", headers={"Host": host})
    assert answer.status_code == 400
    assert "Host header" in answer.json()["problem"]


def test_who_listens_to_others_is_called_by_addresses_but_by_no_foreign_name(serve):
    with serve(host="0.0.0.0") as client:
        assert client.get("/health", headers={"Host": "192.168.1.7:8000"}).status_code == 200
        assert client.get("/health", headers={"Host": "[fe80::1]:8000"}).status_code == 200
        assert client.get("/health", headers={"Host": "evil.example:8000"}).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_what_is_loopback(host: str):
    assert is_loopback(host)
    assert names_of_host(host) >= {"localhost", host}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "my-machine", "", "127.0.0.1.evil.example"])
def test_what_is_not(host: str):
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9000"},  # another server of this machine
        {"Origin": "http://localhost:8000"},  # another name of this one, which a page of it does not use
        {"Origin": "file://"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/predict", "/draw", "/explain"])
def test_another_page_may_not_send(client, example, headers, path: str):
    answer = client.post(path, files={"file": example}, headers=headers)
    assert answer.status_code == 403
    assert "another address" in answer.json()["problem"]
    assert client.service.n_inside == 0


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}],
)
def test_its_own_page_and_programs_may(client, example, headers):
    assert client.post("/draw", files={"file": example}, headers=headers).status_code == 200


def test_other_pages_may_read_nothing(client):
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    answer = client.options("/predict", headers=asked)
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.status_code >= 400


@pytest.mark.parametrize("path", ["/", "/docs", "/health", "/static/page.css", "/nowhere", "/static/../app.py"])
def test_every_response_bears_the_headers(client, path: str):
    answer = client.get(path)
    for name, value in HEADERS.items():
        assert answer.headers.get_list(name) == [value], name
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("length", ["20971521", "9" * 19, "-1", "1e3", "0x10"])
def test_a_length_that_is_too_large_or_no_number_is_refused_before_a_byte_is_kept(client, length: str):
    answer = client.post("/predict", content=b"x", headers={"Content-Length": length, "Content-Type": "text/plain"})
    assert answer.status_code in (400, 413)
    assert answer.json()["problem"]
    assert answer.json()["notice"].startswith("not a medical device")
