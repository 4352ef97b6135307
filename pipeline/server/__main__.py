"""A page on this machine that says what trained runs make of a recording; and the same as JSON."""

import socket
from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pipeline.commands.parser import CommandParser, natural_number, positive_float, positive_int, run_command
from pipeline.commands.terminal import Terminal, say_loading, told_to
from pipeline.errors import EcgFusionError
from pipeline.evaluation.thresholds import help_of_choice, threshold_choice
from pipeline.machine.extras import required
from pipeline.machine.streams import say

_EXAMPLES = """examples:
  python -m pipeline.server                                      the newest run
  python -m pipeline.server -run runs/resnet1d_wang runs/fused   several, side by side
  python -m pipeline.server -run weights/all -threshold f1
  python -m pipeline.server -run runs/fused -port 8080 -most_mb 50
"""
_MOST_CONNECTIONS = 512
_LARGEST_PORT = 65535


@told_to(Terminal)
def main(words: Sequence[str] | None = None) -> None:
    """Serves the runs that the words name until it is interrupted."""
    options = parse(words)
    _require_packages()
    with _listen(options.host, options.port) as listening:
        say_loading()
        _serve(options, listening)


def _serve(options: Namespace, listening: socket.socket) -> None:
    import uvicorn

    from pipeline.machine.devices import choose_device
    from pipeline.runs.folder import newest_run
    from pipeline.server.app import create_app
    from pipeline.server.guards import is_loopback
    from pipeline.server.limits import Limits
    from pipeline.server.served import load_served
    from pipeline.server.service import Service
    from pipeline.server.sheet import sheet_of

    folders = options.run or [newest_run(Path("runs"))]
    served = load_served(folders, choose_device(options.gpu_id), options.threshold)
    limits = Limits(options.most_mb, options.most_seconds, options.most_at_once)
    service = Service(served, limits, options.threads)
    service.warm_up(sheet_of)
    port = listening.getsockname()[1]
    shown = f"[{options.host}]" if ":" in options.host else options.host
    say(f"{', '.join(each.name for each in served)}: http://{shown}:{port} (Ctrl-C ends)")
    if not is_loopback(options.host):
        _warn_of_others(options.host)
    config = uvicorn.Config(
        create_app(service, options.host),
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        limit_concurrency=_MOST_CONNECTIONS,
    )
    with suppress(KeyboardInterrupt):  # which is how it ends
        uvicorn.Server(config).run(sockets=[listening])


def parse(words: Sequence[str] | None = None) -> Namespace:
    """The command's options; see ``--help``."""
    parser = CommandParser(prog="python -m pipeline.server", description=__doc__, epilog=_EXAMPLES)
    runs = "trained runs, each asked of every recording (default: the newest in runs/)"
    parser.option("run", type=Path, nargs="+", action="extend", metavar="FOLDER", help=runs)
    judged_by = f"what is found: {help_of_choice('as its training chose')}"
    parser.option("threshold", type=threshold_choice, metavar="CHOICE", help=judged_by)
    where = "address to listen at; another one than this machine's own lets others in (default %(default)s)"
    parser.option("host", default="127.0.0.1", metavar="ADDRESS", help=where)
    parser.option("port", type=natural_number, default=8000, metavar="N", help="0 for any (default %(default)s)")
    size = "largest request that is taken, in MB (default %(default)s)"
    parser.option("most_mb", type=positive_float, default=20.0, metavar="N", help=size)
    time = "longest that a request may take, in s (default %(default)s)"
    parser.option("most_seconds", type=positive_float, default=60.0, metavar="N", help=time)
    number = "requests at one time; more are asked to come again (default %(default)s)"
    parser.option("most_at_once", type=positive_int, default=32, metavar="N", help=number)
    parser.option("threads", type=positive_int, metavar="N", help="of the CPU (default: the cores that are free)")
    parser.option("gpu_id", type=int, metavar="N", help="which GPU (default: the first, if there is one)")
    parsed: Namespace = parser.parse_args(words)
    if parsed.port > _LARGEST_PORT:
        parser.error(f"-port {parsed.port} is none: take a number up to {_LARGEST_PORT}")
    return parsed


def _require_packages() -> None:
    """Refuses to begin without the packages of the extra.

    Raises:
        NotInstalledError: one is absent.
    """
    for module in ("fastapi", "jinja2", "python_multipart", "uvicorn"):
        required(module, "serve", "the page needs")


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens, before the runs are loaded, which takes seconds.

    Raises:
        EcgFusionError: the address is not this machine's, or the port is taken.
    """
    try:
        (family, *_, place), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        return socket.create_server(place[:2], family=family, backlog=256)
    except (OSError, UnicodeError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise EcgFusionError(
            f"http://{host}:{port} cannot be listened at ({reason}): choose another with -port or -host"
        ) from None


def _warn_of_others(host: str) -> None:
    from pipeline.listening import warn

    warn(
        f"-host {host} lets everyone in who reaches this machine, without a password and unencrypted: recordings are "
        "patients' data, so leave -host out unless the network is yours"
    )


if __name__ == "__main__":
    run_command(main)
