"""The options with which somebody says what a recording file does not say itself."""

from argparse import Namespace
from typing import Any

from pipeline.commands.parser import CommandParser, one_word, positive_float


def add_file_options(parser: CommandParser, title: str) -> None:
    """Adds ``-unit``, ``-sampling_rate``, ``-leads_of_file``, ``-array``, ``-age`` and ``-sex``, for ``said_of_files``.

    Args:
        parser: of the command.
        title: of their group.
    """
    group = parser.add_argument_group(title)
    parser.option("unit", group, metavar="UNIT", help="of the samples: mV or uV")
    parser.option("sampling_rate", group, type=positive_float, metavar="HZ", help="where a file does not say it")
    named = "the leads in order, as I II V2; of files that name theirs, those to read"
    parser.option("leads_of_file", group, type=one_word, nargs="+", action="extend", metavar="LEAD", help=named)
    meant = "which array of .npz and .mat files, or recording of .dcm and .xml, is meant"
    parser.option("array", group, metavar="NAME", help=meant)
    parser.option("age", group, type=float, metavar="YEARS", help="of the patient, for runs with -features tabular")
    parser.option("sex", group, choices=("male", "female"), help="of the patient, for runs with -features tabular")


def facts_of_files(options: Namespace) -> dict[str, Any]:
    """What these options say, as ``said_of_files`` takes it."""
    names = ("unit", "sampling_rate", "array", "age", "sex")
    return {name: getattr(options, name) for name in names} | {"leads": options.leads_of_file or ()}
