"""Whether the data set is still the one that an unfinished store was begun with; else it would become a mixture."""

from pathlib import Path

import h5py
import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.listening import progress_bar
from pipeline.machine.files import FileError, require_file
from pipeline.machine.threads import ordered_map
from pipeline.store.checksums import DIGEST, SUMS, datasets_of, digest_of_contents
from pipeline.store.job import Job
from pipeline.store.reading import NUMBER_COLUMNS, TEXT_COLUMNS
from pipeline.store.stages import chunks_of, read_counts
from pipeline.store.structure import check_structure
from pipeline.store.writing import StoreWriter, part_path


def check_begun(part: Path) -> None:
    """Refuses an unfinished store whose structure, attributes or tables are not what was written.

    Raises:
        EcgFusionError: it is damaged, or no store.
    """
    require_file(part)
    try:
        with h5py.File(part, "r") as file:
            check_structure(part, file)
            whole = DIGEST not in file.attrs or _is_whole(file)
            problem = None if whole else "its tables are not what was written"
    except FileError:
        raise
    except (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError) as met:  # as h5py meets damage
        problem = " ".join(str(met).split())
    if problem:
        raise EcgFusionError(f"{part} is damaged ({problem}): remove it, and the same command begins anew")


def _is_whole(file: h5py.File) -> bool:
    large = [name for name in datasets_of(file) if name == "signals" or name.startswith("images/")]
    needed = ["finished", "signals", *(f"{SUMS}/{name}" for name in large)]
    return all(name in file for name in needed) and bool(digest_of_contents(file) == file.attrs[DIGEST])


def check_tables(job: Job, part: Path) -> None:
    """Refuses labels, patients or ages that are not those that the part holds.

    Args:
        job: what is to be stored, without the bad records that the part was begun without.
        part: the unfinished store.

    Raises:
        EcgFusionError: the tables are others; one column is named.
    """
    with h5py.File(part, "r") as file:
        other = _other_column(job, file)
    if other:
        raise EcgFusionError(
            f"{part} was begun with other {other} than {job.source.folder} has now: put its tables back, or remove "
            f"{part} to begin anew"
        )


def _other_column(job: Job, file: h5py.File) -> str | None:
    items = job.items
    for name in TEXT_COLUMNS:
        if name not in file or file[name].asstr()[()].tolist() != items[name].tolist():
            return f"values of {name}"
    for name, dtype in NUMBER_COLUMNS.items():
        if name not in file or not np.array_equal(file[name][()], items[name].to_numpy(dtype), equal_nan=True):
            return f"values of {name}"
    for name, numbers in job.features.items():
        if f"features/{name}" not in file or not np.array_equal(file[f"features/{name}"][()], numbers, equal_nan=True):
            return f"features {name}"
    for task, labels in job.labels.items():
        for name, values in ((f"labels/{task}", labels.values), (f"labelled/{task}", labels.labelled)):
            if name not in file or not np.array_equal(file[name][()], values):
                return f"labels of {task}"
        if file[f"labels/{task}"].attrs["classes"].tolist() != list(labels.classes):
            return f"classes of {task}"
    return None


def check_recordings(job: Job, writer: StoreWriter) -> None:
    """Reads the recordings again whose signals are finished, behind a bar, and refuses one that is another now.

    Raises:
        EcgFusionError: a recording gives other signals, or none; it is named.
    """
    n_finished, items, part = writer.finished("signals"), job.items, part_path(job.path)
    chunks = chunks_of(items.iloc[:n_finished])

    def differing(chunk: tuple[int, int]) -> str | None:
        first, last = chunk
        rows, bad = read_counts(job, items.iloc[first:last])
        if bad:
            return f"record {bad[0].record_id} is bad now ({bad[0].problem}), and so another"
        same = (rows == writer.read_signals(first, last)).all(axis=(1, 2))
        return None if same.all() else f"record {items['record_id'].iloc[first + int(np.argmin(same))]} is another"

    with progress_bar(name=f"{job.partition} recordings, as they were", total=n_finished, unit="records") as bar:
        for (first, last), other in zip(chunks, ordered_map(differing, chunks, job.workers), strict=True):
            if other:
                raise EcgFusionError(
                    f"{other} in {job.source.folder} than when {part} was begun: put its recording back, or remove "
                    f"{part} to begin anew"
                )
            bar.update(last - first)
