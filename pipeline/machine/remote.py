"""What a place across a network says: of a file or folder, what lies in one, and whole files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from pipeline.machine.places import Entry, RemotePath
from pipeline.machine.remote_asking import asked, at_once, chain_of, key_of, no_bucket, statuses_of


@dataclass(frozen=True)
class Facts:
    """What a place says of a file or folder.

    Attributes:
        is_folder: which of both.
        size: of a file, bytes; None where the place does not say it.
        version: what is another one when the file changes; None where the place says none.
    """

    is_folder: bool
    size: int | None = None
    version: str | None = None


def facts_of(path: RemotePath) -> Facts:
    """What a place says of a file or folder.

    Raises:
        FileNotFoundError: it is not there; a web server that lists no folders has none.
        RemoteError: see ``asked``.
    """
    try:
        info = asked(path, lambda engine, key: engine.info(key))
    except FileNotFoundError:
        if path.scheme.startswith("http") and listing(path):
            return Facts(is_folder=True)
        if not path.scheme.startswith("http") and len(path.parts) == 2:
            raise no_bucket(path) from None
        raise
    # a web server leads from a folder's name to its page
    is_folder = info.get("type") == "directory" or str(info.get("url", "")).endswith("/")
    if is_folder and path.scheme == "s3" and len(path.parts) == 2:
        listing(path)  # s3fs says that any bucket is there
    size = info.get("size")
    return Facts(is_folder, None if is_folder or size is None else int(size), None if is_folder else version_of(info))


def version_of(info: dict[str, Any]) -> str | None:
    """What is another one when a file changes, of what an engine says of it."""
    said = next((info[name] for name in ("ETag", "generation", "etag", "Last-Modified") if info.get(name)), None)
    return None if said is None else str(said)


def listing(folder: RemotePath) -> list[Entry]:
    """What lies in a folder; of the web, what its page names.

    Raises:
        FileNotFoundError: there is no such folder.
        RemoteError: see ``asked``.
    """
    is_web = folder.scheme.startswith("http")
    found = asked(folder, lambda engine, key: engine.ls(f"{key}/" if is_web else key, detail=True))
    entries = {}
    for each in found:
        inside = str(each["name"]).removeprefix(key_of(folder)).strip("/")
        name = unquote(inside) if is_web else inside
        outside = is_web and not str(each["name"]).startswith(f"{key_of(folder)}/")
        if outside or not inside or "/" in name or name in (".", "..") or (is_web and set("?#") & set(inside)):
            continue  # the folder's own name, or a link of its page to elsewhere
        is_folder = each.get("type") == "directory"
        entries[name] = Entry(name, is_folder, None if is_folder else each.get("size"))
    return list(entries.values())


def are_remote_files(paths: Sequence[RemotePath]) -> list[bool]:
    """Whether each is a file: buckets are listed folder by folder, of the web each file is asked for."""
    if not paths or paths[0].scheme.startswith("http"):
        return at_once(RemotePath.is_file, paths)
    folders = list(dict.fromkeys(path.parent for path in paths))
    found = dict(zip(folders, at_once(_files_in, folders), strict=True))
    return [path.name in found[path.parent] for path in paths]


def _files_in(folder: RemotePath) -> set[str]:
    try:
        return {entry.name for entry in listing(folder) if not entry.is_folder}
    except FileNotFoundError:
        return set()


def read_remote(path: RemotePath, most: int) -> bytes:
    """The first bytes of a file, ``most`` of them or all that there are, in one answer.

    Raises:
        FileNotFoundError: it is not there.
        RemoteError: see ``asked``.
    """
    if path.scheme.startswith("http"):
        return asked(path, lambda engine, key: _streamed(engine, key, most))
    return asked(path, lambda engine, key: _first(engine, key, most))


def _first(engine: Any, key: str, most: int) -> bytes:
    try:
        data: bytes = engine.cat_file(key, start=0, end=most)
    except Exception as problem:
        chain = chain_of(problem)
        if 416 in (status for each in chain for status in statuses_of(each)):  # of an empty file there is no range
            return b""
        raise
    return data[:most]


def _streamed(engine: Any, key: str, most: int) -> bytes:
    """What the web sends, no more of it than is wanted, whatever it announces."""
    parts, n_bytes = [], 0
    # size is not asked for, and any keeps fsspec from asking
    with engine.open(key, "rb", block_size=0, size=1, headers={"Accept-Encoding": "identity"}) as file:
        while n_bytes < most and (part := file.read(min(2**20, most - n_bytes))):
            parts.append(part)
            n_bytes += len(part)
    return b"".join(parts)
