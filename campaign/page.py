"""What a campaign found, as a page."""

import os
import platform
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from typing import Any

from campaign.judging import VERDICTS, WRONG

_HEAD = """# What happens when something goes wrong

Made by `make campaign`: {n} cases, seed {seed}, {minutes:.0f} minutes on {day},
{cores} cores, Python {python}, torch {torch}.

A case is one file that is damaged, forged or exchanged, one command that is killed or meets a machine that fails. Its
answer is *refused* (one sentence, exit code not 0, nothing lost), *equal* (to the last bit what comes of it undamaged),
*as written* (the damaged file is still a valid one, and the result is what an independent reader finds in it: Python's
csv, wfdb, numpy, tomllib), or **WRONG**: a traceback, another result without a word, more than 10 s of the processor or
1 GiB, no end, a file lost, or one written where nobody asked for it.

| kind | what | cases | {verdicts} |
| --- | --- | ---: | {rule} |
"""
_TAIL = """
Mutations flip bits, overwrite, cut, drop, double, append, remove and exchange, whatever the file; and change cells,
columns, fields, rows, attributes, types, links, tensors and states where the format is known (`campaign/formats.py`).
Kills come at a step (a write, a sync, a rename, an opening) or at a time, once or twice; the work then goes on, and
must leave byte for byte what it leaves undisturbed. Faults of the machine: a full disk, files that may not be opened or
written, few descriptors, closed streams; the fault goes, and the work must come to the same end. No case needs a GPU.
"""


def page(results: Sequence[tuple[Any, ...]], options: Namespace, seconds: float) -> str:
    """The page as Markdown."""
    text = _HEAD.format(
        n=len(results),
        seed=options.seed,
        minutes=seconds / 60,
        day=date.today(),
        cores=os.cpu_count(),
        python=platform.python_version(),
        torch=version("torch"),
        verdicts=" | ".join(VERDICTS),
        rule=" | ".join("---:" for _ in VERDICTS),
    )
    rows: dict[tuple[str, str], Counter[str]] = {}
    for case, _, verdict, _ in results:
        of = "files made to do harm" if case.kind == "hostile" else case.of
        rows.setdefault((case.kind, of), Counter())[verdict.word] += 1
    for (kind, of), counted in sorted(rows.items()):
        text += f"| {kind} | {of} | {counted.total()} | {' | '.join(str(counted[word]) for word in VERDICTS)} |\n"
    whole = sum(rows.values(), Counter())
    text += f"| | together | {whole.total()} | {' | '.join(str(whole[word]) for word in VERDICTS)} |\n" + _TAIL
    if whole[WRONG]:
        text += "\n## Wrong\n\n"
        for case, said, verdict, _ in sorted(results, key=lambda result: result[0].number):
            if verdict.word == WRONG:
                text += f"- {case.number}, {case.kind}, {case.of}: {ascii(said)[1:-1]} → {ascii(verdict.why)[1:-1]}\n"
    return text
