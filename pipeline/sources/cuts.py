"""How a data set's records are cut into items: by what was chosen, else by what is usual for it."""

from pkgutil import resolve_name
from typing import TYPE_CHECKING

from pipeline.errors import EcgFusionError

if TYPE_CHECKING:
    from pipeline.sources.base import Source
    from pipeline.sources.items import Cut

CUTS = {
    "window": "pipeline.sources.beat_cuts:BeatWindows",
    "kachuee": "pipeline.sources.beat_cuts:Kachuee",
}
"""Ways to cut heartbeats, and what makes them."""

RATES = {"kachuee": 125.0}
"""Hz of the stored signals, of those ways that are defined at one rate."""


def choose_cut(
    source: "Source",
    window: float | None = None,
    stride: float | None = None,
    beat: str | None = None,
    beat_extent: tuple[float, float] | None = None,
    beats: int | None = None,
) -> "Cut":
    """The way to cut the records of a data set.

    Args:
        source: the data set.
        window: length of windows, s.
        stride: from one window to the next, s; None for windows side by side.
        beat: a key of ``CUTS``.
        beat_extent: of a heartbeat, s before its R peak and s after it.
        beats: how many heartbeats an item shows.

    Raises:
        EcgFusionError: an option does not go with the others.
    """
    from pipeline.sources.items import Whole, Windows  # here, for pandas is slow to import, and --help reads this file

    if window is not None:
        return Windows(float(window), float(window if stride is None else stride))
    way = beat or (source.entry.default_cut if source.entry.default_cut in CUTS else None)
    if way is not None and source.holds_beats:
        raise EcgFusionError(
            f"--beat cuts heartbeats out of records, and those of {source.name} are heartbeats already: leave it out"
        )
    of_beats = {"beat_extent": beat_extent, "beats": beats}
    given = {name: value for name, value in of_beats.items() if value is not None}
    if way is None:
        if given:
            raise EcgFusionError(f"--{next(iter(given))} is for heartbeats: give --beat too, or leave it out")
        return Whole()
    cut: Cut = resolve_name(CUTS[way])(**given)
    return cut
