"""Answers recordings with a trained run: of each file the probability of every class, how sure it is, and remarks."""

import csv
import os
import sys
import warnings
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.commands.escaping import file_names, printable
from pipeline.commands.file_options import add_file_options, facts_of_files
from pipeline.commands.parser import CommandParser, positive_int, run_command
from pipeline.commands.terminal import Terminal, say_loading, told_to
from pipeline.errors import EcgFusionError
from pipeline.evaluation.thresholds import help_of_choice, threshold_choice
from pipeline.listening import Event, Warned, warn
from pipeline.machine.files import check_writable, file_errors_told, make_folder, write_text
from pipeline.machine.streams import say
from pipeline.sources.formats.paths import recording_paths
from pipeline.sources.formats.said import said_of_files

if TYPE_CHECKING:
    from pipeline.scoring.answers import Answer, Refused
    from pipeline.scoring.files import Reader

FORMATS = ("table", "json", "csv")
DRAWINGS = ("svg", "png")
METHODS = ("occlusion", "gradients", "gradcam")  # as explain.methods; the first one explains every run
_EXAMPLES = """examples:
  python predict.py -run runs/alexnet patient.hea               a table of one recording
  python predict.py -run runs/alexnet recordings -out answers   all below a folder -> answers/answers.csv, answers.json
  python predict.py -run runs/alexnet "new/*.xml" --json        a list in JSON, as the server gives it
  python predict.py -run runs/alexnet ecg.csv -unit uV -sampling_rate 500
  python predict.py -run weights/all patient.hea -threshold f1  fewer findings that are none, where classes are rare
  python predict.py -run runs/gru ecg.csv -out answers -draw -explain      with drawings: the answer, and what moved it
  find . -name "*.dcm" | python predict.py -run runs/alexnet - --csv
"""


class _Aside(Terminal):
    """Prints what happens beside the answers, to stderr, so that these can be piped."""

    def hear(self, event: Event) -> None:
        if isinstance(event, Warned):
            super().hear(event)
        else:
            print(printable(self.text(event)), file=sys.stderr, flush=True)


@told_to(_Aside)
def main(words: Sequence[str] | None = None) -> None:
    """Answers what the words name; files that have no answer are named at the end, and make it fail."""
    options = parse(words)
    formats = _formats(options)
    said = said_of_files(**facts_of_files(options))
    if options.out:
        check_writable(options.out)
    paths = _paths(options.file)
    from pipeline.runs.card_file import read_card
    from pipeline.runs.folder import newest_run, refuse_unfinished

    folder = options.run or newest_run(Path("runs"))
    refuse_unfinished(read_card(folder), folder)  # before torch, which takes seconds
    say_loading()
    from pipeline.machine.devices import choose_device, set_up_cpu
    from pipeline.runs.load import load_run
    from pipeline.scoring.files import Reader

    set_up_cpu(options.threads)
    run = load_run(folder)
    if options.threshold is not None:
        from pipeline.scoring.judge import with_thresholds

        run = with_thresholds(run, options.threshold)
    device = choose_device(options.gpu_id)
    reader = Reader(run, said, batch_size=options.batch_size, device=device)
    answers = _answered(reader, paths, options, formats)
    for sentence in reader.unneeded():
        warn(sentence)
    _end(answers)


def parse(words: Sequence[str] | None = None) -> Namespace:
    """The command's options; see ``--help``. Those that are not given are None."""
    parser = CommandParser(prog="predict.py", description=__doc__, epilog=_EXAMPLES)
    what = "recordings in any format that is read; a folder, a glob, or - for paths on standard input, one a line"
    parser.add_argument("file", nargs="+", metavar="FILE", help=what)
    parser.option("run", type=Path, metavar="FOLDER", help="the trained run (default: the newest in runs/)")
    saved = "where answers.csv and answers.json are saved, or those of -format (default: they are printed alone)"
    parser.option("out", type=Path, metavar="FOLDER", help=saved)
    kinds = f"what is printed, or with -out saved: {', '.join(FORMATS)} (default: table; with -out, all)"
    parser.option("format", nargs="+", action="extend", choices=FORMATS, metavar="NAME", help=kinds)
    parser.option("json", action="store_true", help="the same as -format json")
    parser.option("csv", action="store_true", help="the same as -format csv")
    drawn = f"draw each recording with its answer into -out: {' or '.join(DRAWINGS)} (default {DRAWINGS[0]})"
    parser.option("draw", nargs="?", const=DRAWINGS[0], choices=DRAWINGS, metavar="FORMAT", help=drawn)
    moved = f"draw what moved the answer, too, into -out, by {', '.join(METHODS)} (default {METHODS[0]})"
    parser.option("explain", nargs="?", const=METHODS[0], choices=METHODS, metavar="METHOD", help=moved)
    judged_by = f"what is found: {help_of_choice('as its training chose')}"
    parser.option("threshold", type=threshold_choice, metavar="CHOICE", help=judged_by)
    add_file_options(parser, "what files do not say themselves")
    machine = parser.add_argument_group("the machine")
    parser.option(
        "batch_size", machine, type=positive_int, metavar="N", help="items scored at once (default: as in training)"
    )
    parser.option("threads", machine, type=positive_int, metavar="N", help="of the CPU (default: the free cores)")
    parser.option("gpu_id", machine, type=int, metavar="N", help="which GPU (default: the first, if there is one)")
    parsed: Namespace = parser.parse_args(words)
    return parsed


def _formats(options: Namespace) -> tuple[str, ...]:
    """What is printed, or with -out saved.

    Raises:
        EcgFusionError: two are to be printed, or drawings have no folder.
    """
    switched = [name for name in ("json", "csv") if getattr(options, name)]
    chosen = tuple(dict.fromkeys([*(options.format or []), *switched]))
    for name in ("draw", "explain"):
        if getattr(options, name) and not options.out:
            raise EcgFusionError(f"-{name} makes a file a recording: name their folder with -out")
    if len(chosen) > 1 and not options.out:
        raise EcgFusionError(f"-format {' '.join(chosen)} would be printed in one: name a folder with -out")
    return chosen or (FORMATS if options.out else FORMATS[:1])


def _paths(words: Sequence[str]) -> Iterator[str] | list[str]:
    """The files; a list, whose length a bar can show, unless they are read from standard input."""
    if list(words).count("-") > 1:
        raise EcgFusionError("- stands there twice, and standard input is read once: leave one out")
    from pipeline.runs.card import CARD

    for word in words:
        if os.path.isfile(os.path.join(word, CARD)):
            raise EcgFusionError(f"{word} is a run and no recording: -run takes one run; fuse several with train.py")
    if "-" in words:
        return recording_paths(words, sys.stdin)
    return list(recording_paths(words))


def _answered(
    reader: "Reader", paths: Iterator[str] | list[str], options: Namespace, formats: Sequence[str]
) -> list["Answer | Refused"]:
    """All answers, printed or saved."""
    from pipeline.report.answers import answer_text, answers_text, csv_lines, json_text

    several = not isinstance(paths, list) or len(paths) > 1
    found = reader.answers(paths, "answers" if several else None)
    card = reader.run.card
    answers: list[Answer | Refused] = []

    def kept() -> Iterator["Answer | Refused"]:
        for answer in found:
            answers.append(answer)
            yield answer

    if formats == ("csv",) and not options.out:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows(csv_lines(kept(), card.classes, reader.is_ensemble))  # line by line, as they come
        return answers
    if options.out:
        make_folder(options.out)
    grown = options.out / "answers.csv" if "csv" in formats and options.out else None
    _write_lines(grown, csv_lines(kept(), card.classes, reader.is_ensemble))
    if "table" in formats and any(hasattr(answer, "probabilities") for answer in answers):
        alone = answers[0] if len(answers) == 1 else None
        good = alone is not None and hasattr(alone, "probabilities")
        say(answer_text(alone) if good else answers_text(answers))  # type: ignore[arg-type]
    if not options.out:
        if "json" in formats:
            say(json_text(answers))
        return answers
    _save(options, formats, answers, reader)
    return answers


def _write_lines(path: Path | None, lines: Iterable[list[str]]) -> None:
    """Writes lines as they come beside their file, whose place they take at the end; what breaks off is left there.

    Args:
        path: the file; None if the lines are only to be made.
        lines: of cells.
    """
    if path is None:
        for _ in lines:
            pass
        return
    growing = path.with_name(f"{path.name}.growing")
    with (
        file_errors_told(growing, "write"),
        open(growing, "w", encoding="utf-8", errors="backslashreplace", newline="", buffering=1) as file,
    ):
        csv.writer(file, lineterminator="\n").writerows(lines)
    with file_errors_told(path, "write"):
        growing.replace(path)


def _save(options: Namespace, formats: Sequence[str], answers: Sequence["Answer | Refused"], reader: "Reader") -> None:
    from pipeline.report.answers import json_text
    from pipeline.scoring.answers import Answer

    saved = ["answers.csv"] if "csv" in formats else []
    if "json" in formats:
        write_text(options.out / "answers.json", json_text(answers) + "\n")
        saved.append("answers.json")
    good = [each for each in answers if isinstance(each, Answer)]
    if options.draw:
        names = _draw(options.out, options.draw, good, reader)
        saved += names if len(names) < 4 else [f"{len(names)} drawings"]
    if options.explain:
        names = _explain(options.out, options.draw or DRAWINGS[0], options.explain, good, reader)
        saved += names if len(names) < 4 else [f"{len(names)} explanations"]
    print(f"saved in {options.out}: {', '.join(saved)}", file=sys.stderr)


def _draw(folder: Path, ending: str, answers: Sequence["Answer"], reader: "Reader") -> list[str]:
    """Saves a page an answer; gives their names, which say the folder where files are called the same."""
    from pipeline.report.answer_drawing import draw_answer

    names = [f"{name}.{ending}" for name in file_names(_called(answers))]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # of a file's name; a box stands for it
        for answer, name in zip(answers, names, strict=True):
            draw_answer(folder / name, answer, reader.seen(answer.file))
    return names


def _explain(folder: Path, ending: str, method: str, answers: Sequence["Answer"], reader: "Reader") -> list[str]:
    """Saves a page an answer, of what moved its first finding, or where nothing is found its most probable class."""
    from pipeline.explain.drawing import save_explanation
    from pipeline.explain.methods import explain

    classes = [answer.findings[0] if answer.findings else _likeliest(answer) for answer in answers]
    said = [f"{name} {of} {method}" for name, of in zip(_called(answers), classes, strict=True)]
    names = [f"{name}.{ending}" for name in file_names(said)]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # of a file's name; a box stands for it
        for answer, of, name in zip(answers, classes, names, strict=True):
            found = explain(reader.run, answer.file, of, method=method, said=reader.said, progress=answer.record_id)
            save_explanation(folder / name, found)
    return names


def _likeliest(answer: "Answer") -> str:
    return max(answer.probabilities, key=lambda name: answer.probabilities[name])


def _called(answers: Sequence["Answer"]) -> list[str]:
    """What files of answers are called: after the record, and after its folder, too, where several are called alike."""
    called = Counter(answer.record_id for answer in answers)
    return [
        answer.record_id if called[answer.record_id] == 1 else f"{Path(answer.file).parent.name} {answer.record_id}"
        for answer in answers
    ]


def _end(answers: Sequence["Answer | Refused"]) -> None:
    """Names the files that have no answer.

    Raises:
        EcgFusionError: there are some.
    """
    from pipeline.scoring.answers import Refused

    bad = [answer for answer in answers if isinstance(answer, Refused)]
    if not answers:
        raise EcgFusionError("no file was named on standard input: give a path a line")
    if len(answers) == len(bad) == 1:
        raise EcgFusionError(bad[0].problem)
    for refused in bad:
        named = refused.problem.startswith(refused.file)
        print(printable(refused.problem if named else f"{refused.file}: {refused.problem}"), file=sys.stderr)
    if bad:
        raise EcgFusionError(f"{len(bad):,} of {len(answers):,} files have no answer, for what is said above")


if __name__ == "__main__":
    run_command(main)
