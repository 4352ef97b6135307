"""A published data set to a folder, over many connections at once: every file whole, or not there.

For servers that publish a list of SHA-256 sums, as PhysioNet does for each of its sets.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import filter as matching
from functools import partial
from multiprocessing.pool import ThreadPool
from pathlib import Path

from pipeline.errors import EcgFusionError
from pipeline.listening import progress_bar
from pipeline.machine.locks import locked
from pipeline.sources.download.checksums import SUMS, has_sum, parse_sums
from pipeline.sources.download.fetch import FetchError, Patience, Server, arriving

_FAILURES_IN_A_ROW = 8


@dataclass(frozen=True)
class Downloaded:
    """What a download found and did: how many files lie there, and how many of them it fetched."""

    n_files: int
    n_bytes: int
    n_fetched: int


@dataclass(frozen=True)
class _Outcome:
    """What became of one file."""

    name: str
    n_bytes: int = 0
    fetched: bool = False
    problem: FetchError | None = None


def download(
    address: str,
    folder: Path,
    is_wanted: Callable[[str], bool],
    needed: Sequence[str] = (),
    connections: int = 16,
    patience: Patience | None = None,
) -> Downloaded:
    """Fetches what a set lists, wants and has not, or not rightly, in the folder; run again it goes on.

    The list of sums itself comes last, so that a folder with ``SHA256SUMS.txt`` in it has been complete.

    Args:
        address: http:// or https://, the folder that holds ``SHA256SUMS.txt``.
        folder: where to; made if it is missing. What lies there and is in no list stays.
        is_wanted: whether to fetch a file of this name, relative to the address.
        needed: patterns (``records100/*``); a list in which one of them matches nothing is refused.
        connections: how many files are fetched at once.
        patience: how much is borne of the server.

    Raises:
        EcgFusionError: no list, a list that is wrong, a server that stopped answering, or single files that it did
            not give; what came rightly stays.
        OSError: the disk is full, or does not let us write.
    """
    if folder.exists() and not folder.is_dir():
        raise EcgFusionError(f"{folder} is a file: name a folder")
    with Server(address, connections, patience or Patience()) as server:
        listing = _read_list(server)
        sums = parse_sums(listing, server.address_of(SUMS))
        absent = [pattern for pattern in needed if not matching(sums, pattern)]
        if absent:
            raise EcgFusionError(f"{server.address_of(SUMS)} lists no {absent[0]}: it is cut short or of another set")
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / SUMS, f"{folder} is being filled by another process: wait for it"):
            _forget_another_list(folder, listing)
            _remove_leftovers(folder, sums)
            wanted = {name: digest for name, digest in sums.items() if is_wanted(name)}
            downloaded = _bring_all(server, folder, wanted, connections)
            part = folder / f"{SUMS}.part"
            part.write_bytes(listing)
            part.replace(folder / SUMS)
    return downloaded


def _read_list(server: Server) -> bytes:
    try:
        return server.read_first(SUMS)
    except FetchError as problem:
        remedy = "the address" if problem.server_is_well else "the network"
        raise EcgFusionError(
            f"{server.address_of(SUMS)} cannot be had ({problem}): check {remedy}, then give the same command again"
        ) from None


def _forget_another_list(folder: Path, listing: bytes) -> None:
    """Removes the list of another release: from now on the folder is a mixture."""
    path = folder / SUMS
    if path.exists() and path.read_bytes() != listing:
        path.unlink()


def _remove_leftovers(folder: Path, sums: dict[str, str]) -> None:
    """Removes what a killed download left behind, and nothing else."""
    for part in list(folder.rglob("*.part")):
        path = arriving(part)
        if path and path.relative_to(folder).as_posix() in sums:
            part.unlink()


@contextmanager
def _threads(server: Server, connections: int) -> Iterator[ThreadPool]:
    """Threads that have ended, and tidied up, before an error is told.

    Ctrl-C waits for none of them, however silent the server: they end with the program.
    """
    with ThreadPool(connections) as pool:
        try:
            yield pool
        except Exception:
            server.stop()
            pool.terminate()
            pool.join()
            raise


def _bring_all(server: Server, folder: Path, sums: dict[str, str], connections: int) -> Downloaded:
    n_bytes = n_fetched = n_in_a_row = 0
    failed: list[_Outcome] = []
    bar = progress_bar(name=str(folder), total=len(sums), unit="files")
    with bar, _threads(server, connections) as pool:
        for outcome in pool.imap_unordered(partial(_bring, server, folder), sums.items()):
            n_bytes, n_fetched = n_bytes + outcome.n_bytes, n_fetched + outcome.fetched
            if outcome.problem:
                failed.append(outcome)
                n_in_a_row = 0 if outcome.problem.server_is_well else n_in_a_row + 1
            elif outcome.fetched:
                n_in_a_row = 0
            if n_in_a_row >= max(_FAILURES_IN_A_ROW, connections):
                raise EcgFusionError(
                    f"{server.address} gives no more files ({outcome.problem}): what has come stays; "
                    f"give the same command again later and it goes on"
                )
            bar.set_postfix_str(f"{n_bytes / 1e6:,.0f} MB", refresh=False)
            bar.update()
    if failed:
        raise EcgFusionError(
            f"{len(failed):,} of {len(sums):,} files could not be had, the first of them {failed[0].name} "
            f"({failed[0].problem}); the others are there: give the same command again, or try another address"
        )
    return Downloaded(len(sums), n_bytes, n_fetched)


def _bring(server: Server, folder: Path, listed: tuple[str, str]) -> _Outcome:
    """Fetches one file, unless it is there."""
    name, digest = listed
    path = folder / name
    if has_sum(path, digest):
        return _Outcome(name, path.stat().st_size)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _Outcome(name, server.fetch(name, path, digest), fetched=True)
    except FetchError as problem:
        return _Outcome(name, problem=problem)
