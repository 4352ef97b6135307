"""Prints the oldest versions that setup.cfg allows, as pip constraints: ``make lowest`` tests with them."""

import configparser
from pathlib import Path

SETUP = Path(__file__).parents[1] / "setup.cfg"


def lowest_versions(setup: Path = SETUP) -> list[str]:
    """``name==bound`` for each ``name>=bound`` that the program itself requires."""
    parser = configparser.ConfigParser()
    parser.read(setup)
    required = parser["options"]["install_requires"].split("\n")
    return [line.replace(">=", "==") for line in required if line]


if __name__ == "__main__":
    print("\n".join(lowest_versions()))
