"""Shows which samples of which lead moved the score of a class: a table, and with -out a page on ECG paper and JSON.

By occlusion, each part of each lead is replaced by a straight line, and the run is asked again, whatever it is. By
gradients, what each sample adds on the way from a baseline to the recording. By gradcam, the last map. Not a medical
device.

    python -m pipeline.explain -run runs/alexnet patient.hea -class MI -out explained
    python -m pipeline.explain -run runs/alexnet -record 9 -class MI
"""

import json
import warnings
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.commands.escaping import file_names, one_line
from pipeline.commands.file_options import add_file_options, facts_of_files
from pipeline.commands.parser import CommandParser, partition_name, positive_float, positive_int, run_command
from pipeline.commands.terminal import Terminal, say_loading, told_to
from pipeline.errors import EcgFusionError
from pipeline.machine.files import check_writable, make_folder, write_text
from pipeline.machine.places import place
from pipeline.machine.streams import say
from pipeline.report.cells import aligned
from pipeline.sources.formats.said import said_of_files

if TYPE_CHECKING:
    from pipeline.explain.explanation import Explanation

DRAWINGS = ("svg", "png")
METHODS, BASELINES = ("occlusion", "gradients", "gradcam"), ("flat", "own", "mean")  # as explain.methods and baselines


@told_to(Terminal)
def main(words: Sequence[str] | None = None) -> None:
    """Explains what the words name."""
    options = parse(words)
    if (options.file is None) == (options.record is None):
        raise EcgFusionError("what is to be explained? give a recording's file, or -record with the id of a record")
    said = said_of_files(**facts_of_files(options))
    of_stores = ("data", "partition")
    for name in of_stores if options.record is None else ():
        if getattr(options, name) is not None:
            raise EcgFusionError(f"-{name} is for a record of a store: add -record, or leave it out")
    if options.baseline and options.method != "gradients":
        raise EcgFusionError(f"-baseline goes with -method gradients, and not with {options.method}: leave one out")
    if options.out:
        check_writable(options.out)
    from pipeline.runs.card_file import read_card
    from pipeline.runs.folder import newest_run, refuse_unfinished

    folder = options.run or newest_run(Path("runs"))
    refuse_unfinished(read_card(folder), folder)  # before torch, which takes seconds
    say_loading()
    from pipeline.explain.methods import WINDOW_S, explain
    from pipeline.machine.devices import set_up_cpu

    set_up_cpu(options.threads)
    found = explain(
        folder,
        options.record or options.file,
        getattr(options, "class"),
        method=options.method,
        baseline=options.baseline or "flat",
        beside=options.beside or (),
        partition=None if options.record is None else options.partition or "test",
        data=options.data,
        window_s=options.window or WINDOW_S,
        said=said,
        progress="windows",
    )
    shown = found.of_leads(options.leads) if options.leads else found
    say(_text(shown))
    if options.out:
        _save(options, found, shown)


def parse(words: Sequence[str] | None = None) -> Namespace:
    """The command's options; see ``--help``. Those that are not given are None."""
    parser = CommandParser(prog="python -m pipeline.explain", description=__doc__)
    parser.add_argument("file", nargs="?", metavar="FILE", help="a recording in any format that is read")
    parser.option("run", type=Path, metavar="FOLDER", help="the trained run (default: the newest in runs/)")
    parser.option("class", metavar="NAME", help="whose score is explained (default: the most probable)")
    parser.option("method", choices=METHODS, default=METHODS[0], help="how (default %(default)s, of every run)")
    parser.option("baseline", choices=BASELINES, help=f"where gradients begin (default: {BASELINES[0]}, 0 mV)")
    others = "other runs, as of other seeds, whose maps are compared with this one's"
    parser.option("beside", type=Path, nargs="+", action="extend", metavar="FOLDER", help=others)
    parser.option(
        "window",
        type=positive_float,
        metavar="S",
        help="what occlusion replaces at once, and how long the parts of the table are (default 0.12)",
    )
    parser.option("out", type=Path, metavar="FOLDER", help="where the page and the JSON are saved (default: nowhere)")
    parser.option("draw", choices=DRAWINGS, default=DRAWINGS[0], help="the page's format (default %(default)s)")
    some = "of the table and the page (default: all that the run sees); the JSON has all"
    parser.option("leads", nargs="+", action="extend", metavar="LEAD", help=some)
    parser.option("layout", metavar="NAME", help="of the page: 3x4, 6x2 or rows (default: 3x4 of twelve leads)")
    stores = parser.add_argument_group("a record of the run's stores instead of a file")
    parser.option("record", stores, metavar="ID", help="of the record, or of one of its items")
    parser.option("partition", stores, type=partition_name, metavar="NAME", help="train, dev or test (default: test)")
    parser.option("data", stores, type=place, metavar="FOLDER", help="the stores (default: those of the training)")
    add_file_options(parser, "what a file does not say itself")
    parser.option("threads", type=positive_int, metavar="N", help="of the CPU (default: the free cores)")
    parsed: Namespace = parser.parse_args(words)
    return parsed


def _text(found: "Explanation") -> str:
    from pipeline.explain.drawing import UNITS

    rows = [["lead", "from, s", "to, s", UNITS[found.method]]]
    rows += [[one_line(at.lead), f"{at.start_s:.2f}", f"{at.end_s:.2f}", f"{at.change:+.3g}"] for at in found.strongest]
    by = found.method + (f" from the baseline {found.baseline}" if found.baseline else "")
    lines = [
        f"{one_line(found.file)}; run {one_line(found.run)}",
        f"{one_line(found.class_name)} {found.probability:.4f}: what moved it most by {by}, in parts of "
        f"{found.window_s:g} s",
        "",
        aligned(rows) if len(rows) > 1 else "nothing: the answer stays as it is, whichever part is changed",
        "",
        *_further(found),
        *(f"- {one_line(remark)}" for remark in found.remarks),
        "what is shown is what this run looks at, not a cause",
        found.notice,
    ]
    return "\n".join(lines)


def _further(found: "Explanation") -> Iterator[str]:
    """What all parts come to, what each branch adds, and which other maps this one is like."""
    from pipeline.explain.drawing import told

    if found.score is not None and found.at_baseline is not None:
        whole, total = found.score - found.at_baseline, float(found.values.sum())
        yield f"log-odds {found.score:+.3f}, of the baseline {found.at_baseline:+.3f}: {whole:+.3f} apart"
        yield f"all values together {total:+.3f}"
        yield ""
    if found.shares:
        yield aligned([["branch", "adds"], *([one_line(of), f"{value:+.3f}"] for of, value in found.shares.items())])
        yield ""
    if found.agreements:
        rows = [[one_line(of), told(value)] for of, value in found.agreements.items()]
        yield aligned([["map of", "rank correlation with this one"], *rows])
        yield ""


def _save(options: Namespace, found: "Explanation", shown: "Explanation") -> None:
    from pipeline.explain.drawing import save_explanation

    make_folder(options.out)
    by = "" if found.method == "occlusion" else f" {found.method}"
    (name,) = file_names([f"{found.record_id} {found.class_name}{by}"])
    write_text(options.out / f"{name}.json", json.dumps(found.to_json()) + "\n")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # of a file's name; a box stands for it
        save_explanation(options.out / f"{name}.{options.draw}", shown, options.layout)
    say(f"saved in {options.out}: {name}.{options.draw}, {name}.json")


if __name__ == "__main__":
    run_command(main)
