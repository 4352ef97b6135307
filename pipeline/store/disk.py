"""Whether the stores to come fit on the disk."""

import shutil
from collections.abc import Sequence

from pipeline.errors import EcgFusionError
from pipeline.listening import remark
from pipeline.machine.files import make_folder
from pipeline.store.job import Job
from pipeline.store.sharded import shards_folder
from pipeline.store.writing import part_path


def check_disk(jobs: Sequence[Job]) -> None:
    """Tells what each partition still takes on disk.

    Raises:
        EcgFusionError: all of them together take more than there is.
    """
    unfinished = [job for job in jobs if not job.path.exists()]
    if not unfinished:
        return
    out = unfinished[0].out
    make_folder(out)
    free, needed = shutil.disk_usage(out).free, 0
    for job in unfinished:
        part = part_path(job.path)
        files = [*([part] if part.exists() else []), *shards_folder(job.path).glob("*.h5*")]
        present = sum(file.stat().st_blocks * 512 for file in files)
        to_come = max(0, job.bytes_to_come - present)
        needed += to_come
        remark(f"{job.path}: {job.extent}, {to_come:,} bytes to come, {free:,} free on disk")
    if needed > free:
        raise EcgFusionError(
            f"{out} has {free:,} bytes free and {needed:,} are to come: free some space, "
            f"or choose another --out, a smaller --size or fewer --representations"
        )
