"""What became of one partition, in words."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.machine.memory import peak_memory
from pipeline.sources import BadRecord
from pipeline.store.job import Job
from pipeline.store.sharded import shards_folder

_SHOWN_BAD_RECORDS = 20


@dataclass(frozen=True)
class Summary:
    """What became of one partition; ``seconds`` of this run."""

    job: Job
    left_out: list[BadRecord]
    seconds: float

    @property
    def _shards(self) -> list[Path]:
        return sorted(shards_folder(self.job.path).glob("*.h5"))

    @property
    def _n_bytes(self) -> int:
        return sum(path.stat().st_size for path in (self.job.path, *self._shards))

    @property
    def _in_shards(self) -> str:
        return f" in {len(self._shards)} shards" if self._shards else ""

    def __str__(self) -> str:
        """One line, and one more for each record that was left out, up to a screenful."""
        job, n_items = self.job, len(self.job.rows)
        n_images = n_items * len(job.image_leads) * len(job.image_recipe.representations)
        lines = [
            f"{job.path}: {job.extent}, {len(self.left_out)} left out, {n_images} images, "
            f"{self._n_bytes:,} bytes{self._in_shards}, {self.seconds:.1f} s, peak memory {peak_memory():.0f} MB",
            *(f"  left out {bad.record_id}: {bad.problem}" for bad in self.left_out[:_SHOWN_BAD_RECORDS]),
        ]
        if len(self.left_out) > _SHOWN_BAD_RECORDS:
            lines.append(f"  and {len(self.left_out) - _SHOWN_BAD_RECORDS} more: see the store's bad_records")
        return "\n".join(lines)
