"""A recording → the items that a run sees: its leads, filtered and resampled, whole, in windows, crops or beats."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.inputs.measured import PERSON, measures, not_told, numbers_of_feature
from pipeline.runs.build import Run
from pipeline.scoring.needs import Needs
from pipeline.signals.counts import to_counts, to_millivolts
from pipeline.signals.filters import check_band
from pipeline.signals.limb_leads import LIMB_LEADS, derivable, with_limb_leads
from pipeline.signals.windows import crop_starts, samples_of, window_starts, windows_at
from pipeline.sources.formats.opened import Said
from pipeline.sources.formats.recording import Recording
from pipeline.store.reading import Store

_FEWEST_SAMPLES = 2
_A_LITTLE_LONGER = 1.25  # than the longest item of the training: a signal network sees it whole, as in a store


@dataclass(frozen=True)
class Prepared:
    """A recording as a store would hold it.

    Attributes:
        signal: mV at the run's rate.
        leads: canonical names.
        remarks: what was done to it.
        absent: leads that are missing in the recording, and are 0 mV.
        age: of the patient, years; NaN where it is not known.
        sex: 0 male, 1 female; the same.
    """

    signal: np.ndarray
    leads: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    age: float = math.nan
    sex: float = math.nan


@dataclass(frozen=True)
class Fitted:
    """The items that a run sees of one recording, all of one length.

    Attributes:
        items: int16 counts.
        starts: of each, s.
        what: they are: ``recording`` (one item), ``windows``, ``crops`` or ``heartbeats``.
        leads: canonical names.
        sampling_rate: of the items, Hz.
        features: name to numbers of each item, (items, numbers).
        notes: what is to be said of how they were made.

    Shape:
        items (items, leads, time), starts (items,).
    """

    items: np.ndarray
    starts: np.ndarray
    what: str
    leads: tuple[str, ...]
    sampling_rate: float
    features: Mapping[str, np.ndarray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """That the answer is a mean, if it is, and ``notes``."""
        if len(self.items) == 1:
            return self.notes
        each = "" if self.what == "heartbeats" else f" of {self.items.shape[2] / self.sampling_rate:g} s"
        return (f"the mean over {len(self.items)} {self.what}{each}", *self.notes)


def prepare(needs: Needs, recording: Recording, file: str) -> Prepared:
    """A recording's leads that the run asks for, filtered and resampled as its store was.

    Raises:
        EcgFusionError: a lead is missing, or a sample, or the rate is too low.
    """
    rate, recipe = recording.sampling_rate, needs.recipe
    chosen, leads, remarks = _leads_of(needs, recording, file)
    remarks = [*remarks, *_checked_rate(needs, rate, file)]
    if round(chosen.shape[1] * recipe.sampling_rate / rate) < _FEWEST_SAMPLES:
        raise EcgFusionError(f"{file} has {chosen.shape[1]} samples, too few at {recipe.sampling_rate:g} Hz")
    try:
        signal = recipe.prepared(chosen, rate)
    except ValueError as problem:
        raise EcgFusionError(f"{file} {problem}: mend it, or leave it out") from None
    absent = [lead for lead in needs.leads if lead not in leads]
    if absent:  # as lead_dropout has it
        signal = np.concatenate([signal, np.zeros((len(absent), signal.shape[1]))])
    return Prepared(signal, (*leads, *absent), tuple(remarks), tuple(absent))


def prepared_item(store: Store, row: int) -> Prepared:
    """A row of a store, as it was prepared for it; errors as of ``Store.signals``."""
    signals = store.signals.open()
    store.signals.check(np.array([row]), signals)
    counts = np.asarray(signals[row])[:, : int(store.lengths[row])]
    age, sex = (float(store.columns[name][row]) for name in ("age", "sex"))
    return Prepared(counts / store.gain, tuple(store.leads), age=age, sex=math.nan if sex < 0 else sex)


def of_person(prepared: Prepared, said: Said) -> Prepared:
    """The same recording of the patient whose age and sex are said, if they are."""
    age, sex = (math.nan if known is None else float(known) for known in (said.age, said.sex))
    return replace(prepared, age=age, sex=sex)


def _leads_of(needs: Needs, recording: Recording, file: str) -> tuple[np.ndarray, tuple[str, ...], list[str]]:
    """(leads, time) mV, names and remarks."""
    there = recording.leads
    missing = tuple(lead for lead in needs.leads if lead not in there)
    signal, remarks = recording.signal, []
    computed = tuple(lead for lead in missing if lead in derivable(there))
    if computed:
        signal, there = with_limb_leads(signal, there, computed)
        missing = tuple(lead for lead in missing if lead not in computed)
        of = " and ".join(lead for lead in LIMB_LEADS if lead in recording.leads)
        remarks.append(f"lead {', '.join(computed)} is computed from the limb leads that are there ({of})")
    if missing:
        needs.refuse_missing(missing, file)
        remarks.append(f"lead {', '.join(missing)} is missing, and is 0 mV as in a part of the training")
    wanted = [
        lead for lead in (needs.known_leads if needs.sees_beats or needs.measured else needs.leads) if lead in there
    ]
    if not wanted:
        raise EcgFusionError(f"{file} has no lead that {needs.run.folder} sees ({' '.join(needs.leads)})")
    if tuple(wanted) != there:
        signal = signal[[there.index(lead) for lead in wanted]]
    return signal, tuple(wanted), remarks


def _checked_rate(needs: Needs, rate: float, file: str) -> list[str]:
    """What is done to a recording of this rate, in a sentence.

    Raises:
        EcgFusionError: it has not what the run's filter lets through.
    """
    recipe, wanted = needs.recipe, needs.recipe.sampling_rate
    if not 0 < rate < np.inf:
        raise EcgFusionError(f"{file}: {rate} is not a number above 0: give the sampling rate in Hz")
    if recipe.band is not None:
        try:
            check_band(recipe.band, rate)
        except ValueError as problem:
            lower = f" is at {rate:g} Hz and {wanted:g} are wanted" if rate < wanted else ""
            raise EcgFusionError(f"{file}{lower}: {problem}") from None
    elif rate < wanted:
        raise EcgFusionError(
            f"{file} is at {rate:g} Hz and {wanted:g} are wanted, of which {needs.run.folder} has learnt "
            f"unfiltered: give a recording of that rate"
        )
    filtered = "" if recipe.band is None else f"filtered to {recipe.band[0]:g}–{recipe.band[1]:g} Hz"
    resampled = "" if rate == wanted else f"resampled from {rate:g} to {wanted:g} Hz"
    done = " and ".join(filter(None, (filtered, resampled)))
    return [f"{done}, as what {needs.run.folder} has learnt from"] if done else []


def fit(needs: Needs, prepared: Prepared, file: str) -> Fitted:
    """The items that a run sees of a recording.

    Raises:
        EcgFusionError: it is too short, or can be no item of this run.
    """
    rate, counts = needs.recipe.sampling_rate, _counts(needs, prepared, file)
    starts, items, what = _cut(needs, counts, file)
    for part in needs.networks:
        check_length(needs, part, items[0].shape[1], counts.shape[1], file)
    features = _measured(needs, prepared, [counts] if what == "crops" else items)
    if what == "crops":  # parts of an item, whose numbers are those of all of it
        features = {name: numbers.repeat(len(items), axis=0) for name, numbers in features.items()}
    notes = (*_shortness(needs, counts.shape[1]), *_crops_of_branches(needs, counts.shape[1]), *_unknown(features))
    return Fitted(np.stack(items), starts, what, prepared.leads, rate, features, notes)


def _measured(needs: Needs, prepared: Prepared, items: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """What a run sees beside each of some items that is measured in it, or known of the patient, by name."""
    if not needs.measured:
        return {}
    there = [number for number, lead in enumerate(prepared.leads) if lead not in prepared.absent]
    leads, rate = [prepared.leads[number] for number in there], needs.recipe.sampling_rate
    of_signal = np.stack([measures(to_millivolts(item[there], needs.recipe.gain), leads, rate) for item in items])
    person = np.tile([prepared.age, prepared.sex], (len(items), 1))
    return {name: numbers_of_feature(name, of_signal, person) for name in needs.measured}


def _unknown(features: Mapping[str, np.ndarray]) -> Iterator[str]:
    """Which numbers beside a recording nobody knows."""
    for name, numbers in features.items():
        missing = not_told(name, numbers)
        if missing:
            how = " (say age and sex with -age and -sex)" if {*missing} & {*PERSON} else ""
            yield f"{name}: {', '.join(missing)} not known, for which the training's mean stands{how}"


def _shortness(needs: Needs, n_samples: int) -> tuple[str, ...]:
    """That a recording is shorter than all that a network has learnt from, which it takes all the same."""
    timed = [part.spec for part in needs.networks if part.spec.beat is None]
    timed = [spec for spec in timed if spec.crop is not None or needs.learnt_one_length]  # else some were as short
    longest = max((spec.crop_samples for spec in timed), default=0)
    if n_samples >= longest - 1:
        return ()
    rate = needs.recipe.sampling_rate
    return (f"it has {n_samples / rate:g} s, and {needs.run.folder} has learnt from {longest / rate:g} s at once",)


def _crops_of_branches(needs: Needs, n_samples: int) -> Iterator[str]:
    """Which branches of a fusion answer by the mean over crops of their own, which differ from branch to branch."""
    if needs.crops or needs.kind_of_items != "whole":
        return
    for part in needs.networks:
        spec = part.spec
        if spec.crop is not None and spec.beat is None and n_samples > spec.crop_samples:
            n_crops, each = len(spec.crop_starts(n_samples)), spec.crop_samples / spec.sampling_rate
            yield f"{part.folder.name} says the mean over its {n_crops} crops of {each:g} s"


def fit_item(needs: Needs, prepared: Prepared, file: str) -> Fitted:
    """A recording that is one item as a whole, as somebody has cut it.

    Raises:
        EcgFusionError: it is too short, or not of the length of the training's items where these had one.
    """
    rate, counts = needs.recipe.sampling_rate, _counts(needs, prepared, file)
    for part in needs.networks:
        spec, cut = part.spec, part.card.data.cut
        if cut and spec.beat is None and abs(counts.shape[1] - spec.n_samples) > 1:
            raise EcgFusionError(
                f"{file} has {counts.shape[1] / rate:g} s and {part.folder} was trained on {cut['kind']} of "
                f"{spec.n_samples / rate:g} s: give one of them"
            )
        check_length(needs, part, counts.shape[1], counts.shape[1], file)
    features = _measured(needs, prepared, [counts])
    return Fitted(counts[None], np.zeros(1), "recording", prepared.leads, rate, features, tuple(_unknown(features)))


def _counts(needs: Needs, prepared: Prepared, file: str) -> np.ndarray:
    try:
        return to_counts(prepared.signal, needs.recipe.gain)
    except ValueError as problem:
        raise EcgFusionError(f"{file} {problem}: is its unit right (-unit)?") from None


Items = tuple[np.ndarray, list[np.ndarray], str]


def _cut(needs: Needs, counts: np.ndarray, file: str) -> Items:
    """When the items begin (s), the items, and what they are."""
    if needs.kind_of_items == "windows":
        return _in_windows(needs, counts, file)
    n_samples, whole = counts.shape[1], (np.zeros(1), [counts], "recording")
    uncropped = [part for part in needs.networks if part.spec.beat is None and part.spec.crop is None]
    if uncropped:
        longest = uncropped[0].spec.n_samples
        strict = any(part.spec.modality == "image" or _only(part) for part in uncropped)
        if n_samples <= (longest + 1 if strict else _A_LITTLE_LONGER * longest):
            return whole
        _refuse_no_heartbeat(needs, n_samples, file)
        return _crops(needs, counts, crop_starts(n_samples, longest, max(1, longest // 2)), longest, "windows")
    if needs.crops:
        spec = needs.networks[0].spec
        return _crops(needs, counts, spec.crop_starts(n_samples), min(n_samples, spec.crop_samples), "crops")
    return whole


def _crops(needs: Needs, counts: np.ndarray, firsts: Sequence[int], width: int, what: str) -> Items:
    starts = np.array(firsts) / needs.recipe.sampling_rate
    return starts, [counts[:, first : first + width] for first in firsts], what


def _in_windows(needs: Needs, counts: np.ndarray, file: str) -> Items:
    """As ``create_images.py --window`` cuts them; what is as long as one is one."""
    cut, rate = needs.card.data.cut or {}, needs.recipe.sampling_rate
    seconds, window_s = counts.shape[1] / rate, float(cut["window_s"])
    if abs(counts.shape[1] - int(samples_of(window_s, rate))) <= 1:
        return np.zeros(1), [counts], "recording"
    starts = window_starts(seconds, window_s, float(cut["stride_s"]))
    if not len(starts):
        raise EcgFusionError(
            f"{file} has {seconds:g} s, and {needs.run.folder} has learnt from windows of {window_s:g} s: give a "
            f"recording of as many at least"
        )
    return starts, windows_at(counts, rate, starts, window_s), "windows"


def _refuse_no_heartbeat(needs: Needs, n_samples: int, file: str) -> None:
    """Refuses a recording of several beats for a run whose heartbeats somebody else has cut and scaled."""
    if needs.holds_heartbeats:
        rate, longest = needs.recipe.sampling_rate, needs.card.spec.n_samples
        raise EcgFusionError(
            f"{file} has {n_samples / rate:g} s, and {needs.run.folder} has learnt from single heartbeats of "
            f"{longest / rate:g} s, cut and scaled by their publisher: give files of one such beat each"
        )


def _only(part: Run) -> int | None:
    """The one number of samples that a network takes; None where it takes others."""
    only: int | None = getattr(part.network, "only_samples", None)
    return None if part.spec.crop is not None else only


def check_length(needs: Needs, part: Run, width: int, n_samples: int, file: str) -> None:
    """Refuses an item that a network of a run cannot see.

    Args:
        needs: of the run.
        part: one network of it.
        width: samples of an item.
        n_samples: of the whole recording.
        file: what sentences name.

    Raises:
        EcgFusionError: it is too short.
    """
    spec, rate = part.spec, needs.recipe.sampling_rate
    if spec.beat is not None:
        needed = _FEWEST_SAMPLES
    elif spec.modality == "image":
        needed = spec.crop_samples
    else:
        needed = _only(part) or part.network.smallest_size
    if width < needed or (spec.modality == "signal" and spec.beat is None and _only(part) not in (None, width)):
        raise EcgFusionError(
            f"{file} has {n_samples / rate:g} s and {part.card.model} of {needs.run.folder} sees {needed / rate:g} s "
            f"at once: give a longer one"
        )
