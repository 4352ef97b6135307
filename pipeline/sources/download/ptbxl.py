"""Fetches PTB-XL from PhysioNet, checks every byte, and goes on where it was stopped.

Only the recordings of one sampling rate are fetched. Files that are there are checked; a wrong one is replaced.
"""

import argparse
import re
import shlex
import time
from collections.abc import Sequence
from pathlib import Path

from pipeline.commands.parser import CommandParser, positive_int
from pipeline.commands.terminal import Terminal, told_to
from pipeline.errors import EcgFusionError

PHYSIONET = "https://physionet.org/files/ptb-xl/"
VERSIONS = ("1.0.1", "1.0.2", "1.0.3")
RATES = (100, 500)  # Hz
FOLDER = Path("data/ptbxl")
MOST_CONNECTIONS = 256  # each is a thread here, and a guest there
TABLES = ("ptbxl_database.csv", "scp_statements.csv")

EXAMPLES = """
examples:
  python -m pipeline.sources.ptbxl --download data/ptbxl                       half a gigabyte in 44,000 files
  python -m pipeline.sources.ptbxl --download data/ptbxl --sampling_rate 500   2.6 gigabytes
"""


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options; see ``--help``."""
    parser = CommandParser(prog="python -m pipeline.sources.ptbxl", description=__doc__, epilog=EXAMPLES)
    parser.option(
        "download",
        type=Path,
        nargs="?",
        const=FOLDER,
        required=True,
        metavar="FOLDER",
        help=f"where to ({FOLDER}, if it is not said)",
    )
    parser.option("sampling_rate", type=int, choices=RATES, default=RATES[0], help="in Hz (default %(default)s)")
    parser.option("version", choices=VERSIONS, default=VERSIONS[-1], help="which release (default %(default)s)")
    parser.option("url", type=_address, help=f"its folder on another server (default {PHYSIONET}VERSION)")
    parser.option("connections", type=_connections, default=16, help="files fetched at once (default %(default)s)")
    arguments: argparse.Namespace = parser.parse_args(words)
    return arguments


def _connections(text: str) -> int:
    number = positive_int(text)
    if number > MOST_CONNECTIONS:
        raise argparse.ArgumentTypeError(
            f"{text} connections are too many for one server: take up to {MOST_CONNECTIONS}"
        )
    return number


def _address(text: str) -> str:
    if not re.match(r"https?://[^/\s]", text):
        raise argparse.ArgumentTypeError(f"{text} is no address: it begins with https:// or http://")
    return text


@told_to(Terminal)
def main(words: Sequence[str] | None = None) -> None:
    """Runs the command."""
    arguments = parse(words)
    if {"url", "version"} <= arguments.typed:
        raise EcgFusionError("--url names the folder of one release already: leave --version out")
    from pipeline.sources.download.mirror import download

    address, started = arguments.url or PHYSIONET + arguments.version, time.monotonic()
    folder, rate = arguments.download, arguments.sampling_rate
    print(f"{address} -> {folder}", flush=True)
    others = tuple(f"records{other}/" for other in RATES if other != rate)
    done = download(
        address,
        folder,
        is_wanted=lambda name: not name.startswith(others),
        needed=(*TABLES, f"records{rate}/*"),
        connections=arguments.connections,
    )
    print(
        f"{folder}: PTB-XL at {rate} Hz, {done.n_files:,} files, {done.n_bytes / 1e6:,.0f} MB, each with its published "
        f"sum; {done.n_fetched:,} fetched, {time.monotonic() - started:.0f} s"
    )
    at_rate = "" if rate == RATES[0] else f" --sampling_rate {rate}"
    print(f"next: python create_images.py --data {shlex.quote(str(folder))}{at_rate}")
