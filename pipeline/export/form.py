"""What an exported file takes: which leads, at which rate, how long, and whether filtered already."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.errors import EcgFusionError
from pipeline.inputs.measured import MEASURED
from pipeline.inputs.spec import InputSpec, describe_beat
from pipeline.runs.build import Run
from pipeline.signals.filters import Band, check_band
from pipeline.signals.leads import LEADS


@dataclass(frozen=True, kw_only=True)
class Form:
    """What goes into a file, and what it does with it first.

    Attributes:
        leads: in the order in which they go in.
        native_rate: of what goes in, Hz.
        n_samples: of what goes in, at that rate.
        sampling_rate: of the run, Hz.
        n_seen: samples at that rate.
        gain: counts to the millivolt.
        band: of the filter, Hz; None where the file does not filter.
        prepared: whether what goes in is filtered and at the run's rate already, as a store holds it.
        features: how many numbers of each feature go in beside the signal, by its name in the store.
        what: what goes in, in words.
    """

    leads: tuple[str, ...]
    native_rate: float
    n_samples: int
    sampling_rate: float
    n_seen: int
    gain: float
    band: Band | None
    prepared: bool
    features: Mapping[str, int]
    what: str

    @property
    def matrix_bytes(self) -> int:
        """Of the matrix that filters and resamples; 0 where there is none."""
        if self.prepared or (self.band is None and self.native_rate == self.sampling_rate):
            return 0
        return 8 * self.n_samples * self.n_seen


def form_of(
    run: Run, *, sampling_rate: float | None = None, seconds: float | None = None, prepared: bool = False
) -> Form:
    """What a file of a run takes.

    Args:
        run: loaded.
        sampling_rate: of what goes in, Hz; None for the run's own.
        seconds: how long that is; None for as long as the longest item of its training, or a window of it.
        prepared: whether it is filtered and at the run's rate already.

    Raises:
        EcgFusionError: no graph can hold what the run does with a recording, or the choices do not fit the run.
    """
    parts = list(_networks(run))
    specs = [part.spec for part in parts]
    card = parts[0].card
    of_item = _item(run, parts, card.data.cut or {})
    prepared = prepared or of_item is not None
    rate = specs[0].sampling_rate
    native = rate if sampling_rate is None else float(sampling_rate)
    band = None if prepared else card.data.band
    _check_rate(run, native, rate, band, prepared, of_item)
    n_seen = max(spec.n_samples for spec in specs) if seconds is None else round(seconds * rate)
    n_samples = n_seen if native == rate else round(n_seen / rate * native)
    for part in parts:
        _check_length(part, n_seen)
    _check_windows(run, card.data.cut or {}, n_seen / rate)
    features: dict[str, int] = {}
    for spec in specs:
        of_windows = [name for name in spec.features or () if name in MEASURED and run.card.join is not None]
        if of_windows:
            raise EcgFusionError(
                f"{run.folder} sees {', '.join(of_windows)} of each window, and a file takes one of a recording: "
                f"export a run on whole recordings"
            )
        features |= {name: len(scale.mean) for name, scale in (spec.features or {}).items()}
    return Form(
        leads=_leads(specs),
        native_rate=native,
        n_samples=n_samples,
        sampling_rate=rate,
        n_seen=n_seen,
        gain=specs[0].gain,
        band=band,
        prepared=prepared,
        features=features,
        what=of_item or ("a filtered signal" if prepared else "a recording, unfiltered"),
    )


def _networks(run: Run) -> Iterator[Run]:
    """The runs of one network each that a run consists of; of members, which are alike, the first."""
    if run.spec is not None and run.network is not None:
        yield run
    elif run.spec is not None:
        yield next(iter(run.parts.values()))
    else:
        for part in run.parts.values():
            yield from _networks(part)


def _leads(specs: list[InputSpec]) -> tuple[str, ...]:
    """All that any network sees, the usual twelve in their order."""
    there = dict.fromkeys(lead for spec in specs for lead in spec.leads)
    return (*(lead for lead in LEADS if lead in there), *(lead for lead in there if lead not in LEADS))


def _item(run: Run, parts: list[Run], cut: Mapping[str, Any]) -> str | None:
    """What goes in where no graph can make it of a recording, in words; None of a recording or a part of it."""
    several = next((part for part in parts if part.spec.beat_channels or part.spec.strip), None)
    if several is not None:
        raise EcgFusionError(
            f"{several.folder} sees the {describe_beat(several.spec)}, and a file takes the median beat alone: export "
            f"a run that was trained without -beat_channels and -strip"
        )
    beats = {(part.spec.beat, part.spec.beat_version) for part in parts}
    if len(beats) > 1:
        raise EcgFusionError(
            f"{run.folder} sees median beats beside other parts of a recording, and no graph finds R peaks, "
            f"whose number is another in each: export its branches one by one"
        )
    ((beat, _),) = beats
    if beat is not None:
        return f"the median beat, filtered, {beat[0]:g} s before its R peak to {beat[1]:g} s after it"
    kind = cut.get("kind")
    if kind is None or kind == "windows":
        return None
    return f"{kind}, cut from the filtered recording"


def _check_rate(run: Run, native: float, rate: float, band: Band | None, prepared: bool, of_item: str | None) -> None:
    if prepared and native != rate:
        why = f"takes {of_item}" if of_item else "with -prepared takes signals that are prepared"
        raise EcgFusionError(f"{run.folder} {why}, at {rate:g} Hz: leave -sampling_rate {native:g} out")
    if native < rate:
        raise EcgFusionError(
            f"{run.folder} sees {rate:g} Hz, which no recording of {native:g} Hz has: "
            f"give -sampling_rate {rate:g} or more"
        )
    if band is not None:
        try:
            check_band(band, native)
        except ValueError as problem:
            raise EcgFusionError(f"{problem} (-sampling_rate, that of the recordings, or -prepared)") from None


def _check_length(part: Run, n_seen: int) -> None:
    spec, network, rate = part.spec, part.network, part.spec.sampling_rate
    needed = spec.crop_samples if spec.crop is not None or spec.modality == "image" else 2
    if spec.modality == "signal":
        needed = max(needed, network.smallest_size)
    only = getattr(network, "only_samples", None)
    if only is not None and spec.crop is None and n_seen != only:
        raise EcgFusionError(
            f"{part.card.model} of {part.folder} takes {only / rate:g} s alone, not {n_seen / rate:g}: "
            f"leave -seconds out"
        )
    if n_seen < needed:
        raise EcgFusionError(
            f"{part.card.model} of {part.folder} sees {needed / rate:g} s at once, and {n_seen / rate:g} s are "
            f"too short: take a larger -seconds, or leave it out"
        )


def _check_windows(run: Run, cut: Mapping[str, Any], seconds: float) -> None:
    if cut.get("kind") != "windows":
        return
    window = cut["window_s"]
    too_long = run.card.join is None and seconds > window
    if round(seconds - window, 6) < 0 or too_long:
        joins = "does not join windows" if too_long else "sees windows"
        raise EcgFusionError(f"{run.folder} {joins} of {window:g} s, not {seconds:g}: leave -seconds out")
