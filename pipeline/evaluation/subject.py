"""What figures are of: so that a table says it, wherever it is copied to."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Subject:
    """Whose scores were judged, on what, and when.

    Attributes:
        name: the run's folder, or the scores file.
        network: what the run is, as ``gru`` or ``late mean of gru, alexnet``; None where nothing says it.
        partition: ``train``, ``dev`` or ``test``; None where nothing says it.
        source: the data set.
        version: of the data set.
        folds: of the partition, as ``1-8``.
        date: of the evaluation, as 2026-11-28.
    """

    name: str
    network: str | None = None
    partition: str | None = None
    source: str | None = None
    version: str | None = None
    folds: str | None = None
    date: str | None = None

    def as_json(self) -> dict[str, Any]:
        """All that is known of it."""
        return {name: value for name, value in asdict(self).items() if value is not None}
