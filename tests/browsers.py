"""A real browser, driven by the DevTools protocol: what a page says, shows, asks for and complains of."""

import base64
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import websocket

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--remote-debugging-port=0", "--remote-allow-origins=*", "--hide-scrollbars", "--force-device-scale-factor=1"),
    # what a browser asks of its makers by itself
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-default-browser-check"),
    "--disable-features=OptimizationHints,MediaRouter,Translate",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # as with the network cable pulled
)
_WAIT = 600.0


class Page:
    """One tab.

    Attributes:
        complaints: what the console or a policy had to say, and what was thrown.
        asked: the addresses that were asked for, but for those that hold what they name.
    """

    def __init__(self, address: str) -> None:
        self._socket = websocket.create_connection(address, timeout=_WAIT)
        self._number = 0
        self.complaints: list[str] = []
        self.asked: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log", "DOM"):
            self.do(f"{domain}.enable")

    def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Gives a command and waits for what it gives back."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == self._number:
                assert "error" not in message, message
                return message["result"]
            self._hear(message)

    def close(self) -> None:
        """Ends the conversation."""
        self._socket.close()

    def _hear(self, message: dict[str, Any]) -> None:
        told = message["params"]
        if message["method"] == "Network.requestWillBeSent":
            address = told["request"]["url"]
            self.asked += [address] if not address.startswith("data:") else []
        elif message["method"] == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(told["exceptionDetails"]))
        elif message["method"] == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self.complaints.append(json.dumps(told["args"]))
        elif message["method"] == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.complaints.append(told["entry"]["text"])

    def find(self, expression: str) -> Any:
        """What JavaScript makes of an expression, awaited."""
        told = self.do("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def wait_for(self, expression: str) -> Any:
        """Waits until an expression is true of the page, and gives it."""
        end = time.monotonic() + _WAIT
        while not (found := self.find(expression)):
            assert time.monotonic() < end, f"{expression} is not so: {self.find('document.body.innerText')}"
            time.sleep(0.05)
        return found

    def go(self, address: str) -> None:
        """Opens an address."""
        self.do("Page.navigate", url=address)
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def look(self, width: int, height: int = 900, *, dark: bool = False, media: str = "") -> None:
        """Has the window so large, and the page in a scheme of colour or on paper."""
        self.do(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.do("Emulation.setEmulatedMedia", media=media, features=scheme)

    def press(self, key: str, code: int, text: str = "") -> None:
        """Presses a key and lets it go."""
        said = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.do("Input.dispatchKeyEvent", type="keyDown", text=text, **said)
        self.do("Input.dispatchKeyEvent", type="keyUp", **said)

    def drop(self, selector: str, files: list[Path]) -> None:
        """Drops files onto an element, as a hand does."""
        box = f"document.querySelector('{selector}').getBoundingClientRect()"
        place = self.find(f"(r => [r.x + r.width / 2, r.y + r.height / 2])({box})")
        data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.do("Input.dispatchDragEvent", type=kind, x=place[0], y=place[1], data=data)

    def choose(self, selector: str, files: list[Path]) -> None:
        """Chooses files in an input."""
        root = self.do("DOM.getDocument")["root"]["nodeId"]
        node = self.do("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.do("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    def screenshot(self, path: Path, *, whole: bool = True) -> Path:
        """Saves what is seen, or all of the page, as PNG."""
        told = self.do("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(told["data"]))
        return path

    def pdf(self, path: Path) -> Path:
        """Prints."""
        told = self.do("Page.printToPDF", preferCSSPageSize=True, printBackground=False)
        path.write_bytes(base64.b64decode(told["data"]))
        return path


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """A tab of a browser whose profile lies in a folder; the test is skipped where there is none.

    Args:
        folder: an empty one.
    """
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(PROGRAMS)} is installed")
    words = [program, *_FLAGS, f"--user-data-dir={folder}", "about:blank"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        with closing(Page(_address(folder / "DevToolsActivePort", process))) as page:
            yield page
    finally:
        process.terminate()
        process.wait()


def _address(said: Path, process: "subprocess.Popen[bytes]") -> str:
    end = time.monotonic() + _WAIT
    while not (said.exists() and said.read_text().count("\n")):
        assert process.poll() is None, "the browser has ended"
        assert time.monotonic() < end, "the browser does not say where it listens"
        time.sleep(0.1)
    port = said.read_text().splitlines()[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
        tabs = json.load(answer)
    found: str = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
    return found
