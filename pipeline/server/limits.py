"""What one request may take, and what it is told where it takes more."""

from dataclasses import dataclass

MEGABYTE = 2**20
MOST_FILES = 200
"""Of one request: a recording of WFDB may have a header and a signal file for each of its segments."""
MOST_FIELDS, MOST_FIELD_BYTES, MOST_HEADER_BYTES = 50, 2000, 4000


@dataclass(frozen=True)
class Limits:
    """What is answered, and what is refused before it costs anything.

    Attributes:
        most_mb: of a request, with all its files, 2²⁰ bytes.
        most_seconds: from a request's first byte to its answer.
        most_at_once: requests that are received, wait or are answered at one time.
    """

    most_mb: float = 20.0
    most_seconds: float = 60.0
    most_at_once: int = 32

    @property
    def most_bytes(self) -> int:
        """Of a request."""
        return int(self.most_mb * MEGABYTE)


class Problem(Exception):
    """Why a request is not answered.

    Args:
        status: of HTTP.
        sentence: for who asked.
        retry_after: s to wait before it is worth asking again; None where that would not help.
    """

    def __init__(self, status: int, sentence: str, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.retry_after = status, sentence, retry_after

    @property
    def headers(self) -> dict[str, str]:
        """Of the response."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


def too_large(most_mb: float) -> Problem:
    """More bytes than a request may have."""
    return Problem(
        413,
        f"more than {most_mb:g} MB are not taken: send a shorter recording, or start with -most_mb above {most_mb:g}",
    )


def took_too_long(most_seconds: float, status: int = 504) -> Problem:
    """More time than a request may take."""
    return Problem(
        status,
        f"it took longer than {most_seconds:g} s: send a shorter recording, or start with -most_seconds above "
        f"{most_seconds:g}",
    )
