"""A run and a recording → which samples of which lead moved the score of a class, by one of several methods."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.explain.agreement import agreement
from pipeline.explain.baselines import BASELINES
from pipeline.explain.explanation import Explanation
from pipeline.explain.gradcam import last_maps
from pipeline.explain.gradients import NEAR, integrate
from pipeline.explain.occlusion import occlude, probabilities_of
from pipeline.explain.path import Path
from pipeline.explain.subject import Subject, of_file, of_record
from pipeline.listening import without_remarks
from pipeline.runs.build import Run
from pipeline.runs.load import load_run
from pipeline.scoring.needs import Needs
from pipeline.sources.formats.opened import Said

_QUICK = ("gradients", "gradcam")
WINDOW_S = 0.12  # about a QRS complex; windows of occlusion overlap by a half


@dataclass(frozen=True)
class Asked:
    """What a method is to explain, and how.

    Attributes:
        needs: of the run.
        subject: the recording.
        number: of the class.
        baseline: of gradients, one of ``BASELINES``.
        width: samples of a window.
        progress: the name of a bar, None for no bar.
    """

    needs: Needs
    subject: Subject
    number: int
    baseline: str
    width: int
    progress: str | None = None

    @cached_property
    def path(self) -> Path:
        """The run as a function with a slope, which two methods share; errors as of ``Path``."""
        return Path(self.needs, self.subject, self.number)


@dataclass(frozen=True)
class Attribution:
    """What a method says.

    Attributes:
        values: (leads, time), above zero for the class, leads as the recording is prepared.
        moments: (time,), of all leads together.
        said: further fields of the explanation.
    """

    values: np.ndarray
    moments: np.ndarray
    said: Mapping[str, Any] = field(default_factory=dict)


def _occlusion(asked: Asked) -> Attribution:
    return Attribution(*occlude(asked.needs, asked.subject, asked.number, asked.width, asked.progress))


def _gradients(asked: Asked) -> Attribution:
    found = integrate(asked.path, BASELINES[asked.baseline](asked.needs, asked.path))
    remarks: tuple[str, ...] = ()
    if found.missing > NEAR:
        remarks = (
            f"the values' sum is {found.missing:.0%} away from what the answer differs by between the recording and "
            f"the baseline, after {found.n_steps} steps: trust the order of the parts, not their size",
        )
    said = {
        "baseline": asked.baseline,
        "score": found.score,
        "at_baseline": found.at_baseline,
        "shares": found.shares,
        "remarks": remarks,
    }
    return _of_all(asked, found.values, said)


def _gradcam(asked: Asked) -> Attribution:
    return _of_all(asked, last_maps(asked.path), {})


def _of_all(asked: Asked, values: np.ndarray, said: Mapping[str, Any]) -> Attribution:
    """In the recording's own order of leads, of which the run may see some alone."""
    prepared = asked.subject.prepared
    whole = np.zeros(prepared.signal.shape)
    whole[[prepared.leads.index(lead) for lead in asked.path.leads]] = values
    return Attribution(whole, whole.sum(0), said)


METHODS: Mapping[str, Callable[[Asked], Attribution]] = {
    "occlusion": _occlusion,
    "gradients": _gradients,
    "gradcam": _gradcam,
}
"""By the names of ``-method``."""


def explain(
    run: Run | FilePath | str,
    recording: FilePath | str,
    class_name: str | None = None,
    *,
    method: str = "occlusion",
    baseline: str = "flat",
    beside: Sequence[Run | FilePath | str] = (),
    partition: str | None = None,
    data: FilePath | None = None,
    window_s: float = WINDOW_S,
    said: Said | None = None,
    progress: str | None = None,
) -> Explanation:
    """Which samples of which lead moved the score of a class.

    Args:
        run: a finished run, or its folder.
        recording: a file of any format; with ``partition`` the id of a record or item of the run's stores.
        class_name: one of the run's; None for the most probable.
        method: one of ``METHODS``. ``occlusion`` explains every run; the others what has gradients.
        baseline: where integrated gradients begin: ``flat`` (0 mV), ``own`` (each lead's median) or ``mean`` (the mean
            recording of the training).
        beside: other runs, such as those of other seeds, with whose explanation this one is compared.
        partition: ``train``, ``dev`` or ``test``; None where ``recording`` is a file.
        data: folder of the stores; None for those of the training.
        window_s: what is replaced at once, and of what size parts are that are told and compared.
        said: what the file does not say itself.
        progress: the name of a bar, None for no bar.

    Raises:
        EcgFusionError: the run or recording is missing or damaged, the class, method or window is none of it, or what
            the run does with the recording has no gradient.
    """
    for what, name, there in (("method", method, METHODS), ("baseline", baseline, BASELINES)):
        if name not in there:
            raise EcgFusionError(f"there is no {what} {name}: choose one of {', '.join(there)}")
    needs, subject = _loaded(run, recording, partition, data, said)
    number, probability = _chosen(needs, subject, class_name)
    width = round(window_s * needs.recipe.sampling_rate)
    asked = Asked(needs, subject, number, baseline, width, progress)
    with without_remarks():
        found = METHODS[method](asked)
        agreements = _agreements(asked, method, found, beside, (recording, partition, data, said))
    told = dict(found.said)
    return Explanation(
        file=subject.name,
        record_id=subject.record_id,
        run=str(needs.run.folder),
        class_name=needs.run.card.classes[number],
        probability=probability,
        method=method,
        window_s=width / needs.recipe.sampling_rate,
        signal=subject.prepared.signal,
        leads=subject.prepared.leads,
        sampling_rate=needs.recipe.sampling_rate,
        values=found.values,
        moments=found.moments,
        remarks=(*subject.prepared.remarks, *told.pop("remarks", ())),
        agreements=agreements,
        **told,
    )


def _loaded(
    run: Run | FilePath | str,
    recording: FilePath | str,
    partition: str | None,
    data: FilePath | None,
    said: Said | None,
) -> tuple[Needs, Subject]:
    loaded = run if isinstance(run, Run) else load_run(run)
    needs = Needs.of(loaded)
    if partition is None:
        of = said or Said(zero_is_no_checksum=True, rate_option="-sampling_rate")
        return needs, of_file(needs, str(recording), of)
    return needs, of_record(needs, str(recording), partition, data)


def _chosen(needs: Needs, subject: Subject, class_name: str | None) -> tuple[int, float]:
    """Number of the class that is explained, and its probability."""
    classes = needs.run.card.classes
    if class_name is not None and class_name not in classes:
        raise EcgFusionError(f"{needs.run.folder} has no class {class_name}: choose one of {', '.join(classes)}")
    (found,) = probabilities_of(needs, subject, iter([subject.prepared.signal]))
    number = int(found.argmax()) if class_name is None else classes.index(class_name)
    return number, float(found[number])


_Of = tuple[FilePath | str, str | None, FilePath | None, Said | None]
"""The recording as it was asked for: file or id, partition, folder of the stores, what the file does not say."""


def _agreements(
    asked: Asked, method: str, found: Attribution, beside: Sequence[Run | FilePath | str], of: _Of
) -> Mapping[str, float | None]:
    """With the methods that take seconds, with each member of a k-fold run alone, and with other runs."""
    width = max(1, asked.width // 2)
    told: dict[str, float | None] = {}
    for name in _QUICK:
        with suppress(EcgFusionError):  # a run without gradients is no fault of the method that was asked for
            if name != method:
                told[name] = agreement(found.values, METHODS[name](asked).values, width)
    run = asked.needs.run
    members = run.parts if run.card.run_kind == "members" and method in _QUICK else {}
    for name, member in members.items():
        alone = METHODS[method](replace(asked, needs=Needs.of(member))).values
        told[f"member {name}"] = agreement(found.values, alone, width)
    for each in beside:
        name = str(each.folder if isinstance(each, Run) else each)
        told[name] = agreement(found.values, _by_other(each, asked, method, of), width)
    return told


def _by_other(run: Run | FilePath | str, asked: Asked, method: str, of: _Of) -> np.ndarray:
    """The same method's map of another run, leads in the first one's order."""
    other, seen = _loaded(run, *of)
    first, prepared = asked.needs.run, asked.subject.prepared
    name = first.card.classes[asked.number]
    if name not in other.run.card.classes:
        raise EcgFusionError(f"{other.run.folder} has no class {name}: leave it out of -beside")
    if set(prepared.leads) != set(seen.prepared.leads) or seen.prepared.signal.shape != prepared.signal.shape:
        raise EcgFusionError(
            f"{other.run.folder} sees other leads or another rate than {first.folder}: leave it out of -beside"
        )
    number = other.run.card.classes.index(name)
    values = METHODS[method](Asked(other, seen, number, asked.baseline, asked.width)).values
    found: np.ndarray = values[[seen.prepared.leads.index(lead) for lead in prepared.leads]]
    return found
