"""Writes MIT-BIH's heartbeats as the well-known CSV files have them, so that others' programs can be compared.

    python -m pipeline.sources.mitdb --to_csv FOLDER --data data/mitdb

``mitbih_train.csv`` (four fifths of the beats, drawn at random whoever they are of) and ``mitbih_test.csv``, a beat a
row: 187 amplitudes from 0 to 1, four digits behind the point, and the class as a number, 0 to 4 for N S V F Q. There is
no header; rows are in the order of the classes, and within one of records and time.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from pipeline.commands.parser import CommandParser, natural_number
from pipeline.errors import EcgFusionError
from pipeline.listening import Event, Listener, Remark, listening, progress_bar, remark
from pipeline.machine.files import all_or_none, check_writable, make_folder, replace_atomically
from pipeline.machine.streams import say

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from pipeline.sources.beat_cuts import Kachuee
    from pipeline.sources.items import ItemTable
    from pipeline.sources.mitdb import MitDb

FILES = ("mitbih_train.csv", "mitbih_test.csv")
_DIGITS = 4  # a step is a tenth of what the recordings' own counts are of such a window
_ROWS_AT_ONCE = 4096


def write_csv(folder: Path, data: Path, seed: int = 0) -> dict[str, list[int]]:
    """Writes both files, or neither.

    Args:
        folder: where; made if it is missing.
        data: the MIT-BIH folder.
        seed: of the draw.

    Returns:
        File name to the number of rows of each class.

    Raises:
        EcgFusionError: a file is there already, a record is bad, or see ``open_mitdb``.
    """
    import numpy as np

    from pipeline.sources.beat_cuts import Kachuee
    from pipeline.sources.mitdb import CLASSES, open_mitdb
    from pipeline.sources.random_beats import FIRST_TEST_FOLD, folds_of_beats

    there = next((folder / name for name in FILES if (folder / name).exists()), None)
    if there:
        raise EcgFusionError(f"{there} is there already, and nothing is overwritten: remove it or name another folder")
    source, cut = open_mitdb(data), Kachuee()
    items = cut.table(source)
    check_writable(folder)
    for sentence in (*source.remarks, *items.remarks):
        remark(sentence)
    label = items.labels["aami5"].values.argmax(axis=1)
    beats = _beats(source, items, cut)
    is_test = folds_of_beats(source, items, seed) >= FIRST_TEST_FOLD
    make_folder(folder)
    written = {}
    with all_or_none():
        for name, chosen in zip(FILES, (~is_test, is_test), strict=True):
            rows = np.flatnonzero(chosen)
            rows = rows[np.argsort(label[rows], kind="stable")]
            _write(folder / name, beats[rows], label[rows])
            written[name] = np.bincount(label[rows], minlength=len(CLASSES)).tolist()
    return written


def _beats(source: "MitDb", items: "ItemTable", cut: "Kachuee") -> "np.ndarray":
    """Each beat in the record's first lead, in steps of the last digit, (items, 187) int64.

    Raises:
        EcgFusionError: a record is bad.
    """
    import numpy as np

    from pipeline.signals.filters import resample
    from pipeline.sources.base import BadRecord
    from pipeline.sources.beat_cuts import KACHUEE_HZ, KACHUEE_SAMPLES

    beats = np.zeros((len(items.rows), KACHUEE_SAMPLES), np.int64)
    record = items.rows["record"].to_numpy()
    for row in progress_bar(np.unique(record), "records", unit="record"):
        (signal,) = source.read(source.records.iloc[[row]])
        if isinstance(signal, BadRecord):
            raise EcgFusionError(f"record {signal.record_id} is bad: {signal.problem}: fetch it again")
        resampled = resample(signal[:1], source.sampling_rate, KACHUEE_HZ)
        mine = np.flatnonzero(record == row)
        found = np.stack(cut.cut(resampled, KACHUEE_HZ, items.rows.iloc[mine]))
        beats[mine] = np.rint(found[:, 0] * 10**_DIGITS)
    return beats


def _write(path: Path, beats: "np.ndarray", label: "np.ndarray") -> None:
    import numpy as np

    # each number is written once and then looked up: a fifth of the time that formatting takes
    words = np.array([f"{step / 10**_DIGITS:.{_DIGITS}f}" for step in range(10**_DIGITS + 1)], object)

    def write(temporary: Path) -> None:
        with open(temporary, "w", encoding="ascii", newline="") as file:
            for first in range(0, len(beats), _ROWS_AT_ONCE):
                part = words[beats[first : first + _ROWS_AT_ONCE]].tolist()
                named = zip(part, label[first : first + _ROWS_AT_ONCE].tolist(), strict=True)
                file.write("".join(f"{','.join(row)},{of}\n" for row, of in named))

    replace_atomically(path, write)


class _Printing(Listener):
    """Prints remarks, and shows bars where somebody watches."""

    def hear(self, event: Event) -> None:
        if isinstance(event, Remark):
            say(event.sentence)

    def bar(self, iterable: "Iterable[Any] | None", name: str | None, **keywords: Any) -> tqdm:
        return tqdm(iterable, name, **{**keywords, "disable": None})


def main(words: Sequence[str] | None = None) -> None:
    """The command."""
    parser = CommandParser(prog="python -m pipeline.sources.mitdb", description=__doc__)
    parser.option("to_csv", type=Path, metavar="FOLDER", required=True, help="where to write the two files")
    parser.option("data", type=Path, default=Path("data/mitdb"), help="the MIT-BIH folder (default %(default)s)")
    parser.option("seed", type=natural_number, default=0, help="of the draw (default %(default)s)")
    options = parser.parse_args(words)
    with listening(_Printing()):
        written = write_csv(options.to_csv, options.data, options.seed)
    for name, counts in written.items():
        of_classes = ", ".join(f"{count:,} {each}" for count, each in zip(counts, "NSVFQ", strict=True))
        say(f"{options.to_csv / name}: {sum(counts):,} heartbeats ({of_classes})")
    say("heartbeats of one patient are in both files, as in the well-known ones: what is found on them is no diagnosis")
