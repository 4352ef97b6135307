"""Recording files → answers, by any kind of run: opened by their format, made as the run's store was, and scored."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from pipeline.errors import EcgFusionError
from pipeline.evaluation.thresholds import threshold_choice
from pipeline.listening import progress_bar
from pipeline.machine.devices import choose_device
from pipeline.machine.files import FileError
from pipeline.runs.build import Run
from pipeline.runs.card import Card
from pipeline.runs.kinds import kind_named
from pipeline.runs.load import load_run
from pipeline.scoring.answers import Answer, Beat, Refused, Seen
from pipeline.scoring.asking import Reply, ask, calibrated, store_of
from pipeline.scoring.fitting import Fitted, Prepared, fit, of_person, prepare
from pipeline.scoring.needs import Needs, refuse_features, refuse_person
from pipeline.scoring.seen import images_of
from pipeline.signals.quality import doubts
from pipeline.sources.formats.opened import OpenedFile, Said
from pipeline.sources.formats.recording import RecordError, Recording
from pipeline.sources.formats.registry import open_file
from pipeline.sources.formats.said import said_of_files

FILES_AT_ONCE = 64  # are in memory together


@dataclass(frozen=True)
class _Read:
    """A file that can be answered."""

    file: str
    recording: Recording
    prepared: Prepared
    fitted: Fitted
    doubts: tuple[str, ...]


class Reader:
    """One run, which answers recording files, one after the other or in batches.

    Args:
        run: loaded.
        said: what files do not say themselves.
        batch_size: items scored at once; None for the run's own.
        device: where to compute; None for the first GPU, or the CPU where there is none.
    """

    def __init__(
        self,
        run: Run,
        said: Said | None = None,
        *,
        batch_size: int | None = None,
        device: torch.device | None = None,
    ) -> None:
        self.run = run
        self.said = replace(said or Said(), zero_is_no_checksum=True, rate_option="--sampling_rate")
        self._needs = Needs.of(run)
        refuse_person(self._needs, self.said)
        self._asked: frozenset[str] | None = None  # what any file did not say itself; None until one is read
        self._batch_size, self._device = batch_size, device or choose_device(None)

    @property
    def is_ensemble(self) -> bool:
        """Whether the answer is made of those of several members or branches."""
        return kind_named(self.run.card.run_kind).combine is not None

    @property
    def sees_patient(self) -> bool:
        """Whether the run sees the age and the sex of a patient beside a recording."""
        return self._needs.sees_patient

    def unneeded(self) -> Iterator[str]:
        """What was said of files that no file which was read needed, a sentence each."""
        asked = self._asked
        for name in ("unit", "sampling_rate") if asked is not None else ():
            said = getattr(self.said, name)
            if said is not None and asked is not None and name not in asked:
                yield f"-{name} {said} is said, and every file says its own, which counts"
        if self.said.array is not None and asked is not None and "array" not in asked:
            yield f"-array {self.said.array} is said, and no file holds several arrays or recordings: it counts nowhere"

    def answer(self, path: str) -> Answer:
        """What the run says of one file.

        Raises:
            RecordError: it is damaged, or does not say what it must.
            EcgFusionError: the run cannot answer it.
        """
        (found,) = self._answers([self._read(str(path))])
        return found

    def answers(self, paths: Iterable[str], progress: str | None = None) -> Iterator[Answer | Refused]:
        """What the run says of each file, in their order; some are read together and scored in batches.

        Args:
            paths: the files.
            progress: the name of a bar, None for no bar.
        """
        left = iter(paths)
        total = len(paths) if isinstance(paths, Sequence) else None
        with progress_bar(total=total, name=progress, unit="files", disable=progress is None) as bar:
            while some := [str(path) for path in islice(left, FILES_AT_ONCE)]:
                read = [self._read_or_refused(path) for path in some]
                answered = iter(self._answers([each for each in read if isinstance(each, _Read)]))
                for each in read:
                    yield each if isinstance(each, Refused) else next(answered)
                    bar.update()

    def seen(self, path: str) -> Seen:
        """What the run saw of one file; errors as of ``answer``."""
        read = self._read(str(path))
        prepared, store = read.prepared, store_of(self._needs, [read.fitted])
        return Seen(
            signal=prepared.signal.astype(np.float32),
            leads=prepared.leads,
            sampling_rate=self._needs.recipe.sampling_rate,
            recording=read.recording,
            images=images_of(self._needs.run, store),
        )

    def _read_or_refused(self, path: str) -> _Read | Refused:
        try:
            return self._read(path)
        except FileError:  # the machine's, of which no file is guilty
            raise
        except (RecordError, EcgFusionError) as problem:
            return Refused(file=path, problem=str(problem))

    def _read(self, path: str) -> _Read:
        opened = open_file(path, self.said)
        recording = opened.read()
        self._asked = opened.asked | (self._asked or frozenset())
        prepared = of_person(prepare(self._needs, recording, path), self.said)
        refuse_features(self._needs, path)
        fitted = items_of(self._needs, recording, prepared, path)
        found = doubts(recording.signal, recording.sampling_rate, recording.leads)
        return _Read(path, recording, prepared, fitted, (*self._of_file(opened), *found))

    def _of_file(self, opened: OpenedFile) -> Iterator[str]:
        """What a file does not keep, or say, of the leads that the run sees."""
        computed = [lead for lead in opened.computed if lead in self._needs.leads]
        if computed:
            yield f"lead {', '.join(computed)} is not kept in the file, and is computed from the limb leads that are"
        if "checksum" in opened.asked:
            yield "its header says 0 as every checksum, so that none is verified"

    def _answers(self, read: Sequence[_Read]) -> list[Answer]:
        replies = ask(self._needs, [each.fitted for each in read], self._device, self._batch_size)
        return [self._answer(each, reply) for each, reply in zip(read, replies, strict=True)]

    def _answer(self, read: _Read, reply: Reply) -> Answer:
        card, recording = self.run.card, read.recording
        probabilities = _named(card.classes, reply.record)
        return Answer(
            file=read.file,
            record_id=Path(read.file).stem,
            probabilities=probabilities,
            thresholds=_thresholds(card),
            findings=findings_of(card, reply.as_said),
            intervals=_ranges(card.classes, reply.parts),
            spreads=_ranges(card.classes, reply.items if len(reply.items) > 1 else reply.crops),
            remarks=(*read.prepared.remarks, *read.fitted.remarks, *read.doubts, *reply.remarks),
            seconds=recording.signal.shape[1] / recording.sampling_rate,
            sampling_rate=recording.sampling_rate,
            leads=recording.leads,
            run=str(self.run.folder),
            beats=self._beats(read.fitted, reply) if read.fitted.what == "heartbeats" else None,
        )

    def _beats(self, fitted: Fitted, reply: Reply) -> tuple[Beat, ...]:
        card = self.run.card
        found = (", ".join(findings_of(card, values)) or None for values in reply.items_as_said)
        each = zip(fitted.starts.tolist(), found, reply.items, strict=True)
        return tuple(
            Beat(start_s=start, finding=finding, probabilities=_named(card.classes, values))
            for start, finding, values in each
        )


def items_of(needs: Needs, recording: Recording, prepared: Prepared, file: str) -> Fitted:
    """The items that a run sees of a recording, whatever they are; arguments and errors as of ``fit``."""
    if needs.kind_of_items == "beats":
        from pipeline.scoring.heartbeats import heartbeats  # here, for pandas is slow to import

        return heartbeats(needs, recording, prepared, file)
    return fit(needs, prepared, file)


def predict_files(
    run: Run | Path | str,
    files: Iterable[Path | str],
    *,
    unit: str | None = None,
    sampling_rate: float | None = None,
    leads_of_file: Sequence[str] = (),
    array: str | None = None,
    age: float | None = None,
    sex: str | None = None,
    threshold: str | float | None = None,
    batch_size: int | None = None,
) -> list[Answer | Refused]:
    """What a run says of each recording file, in their order; a file that cannot be answered is a ``Refused``.

    Args:
        run: a finished run, or its folder.
        files: in any format that is read.
        unit: of the samples in files that do not say it, ``mV`` or ``uV``.
        sampling_rate: of files that do not say it, Hz.
        leads_of_file: names of the leads of files that name none, in order; those to be read of files that do.
        array: which of several arrays in a file.
        age: of the patient, years, for a run that sees it; None where it is not known.
        sex: the same, ``male`` or ``female``.
        threshold: what findings are judged by: a criterion, chosen on the run's dev scores, or a number from 0 to 1;
            None for the thresholds that its training chose.
        batch_size: items scored at once; None for the run's own.

    Raises:
        EcgFusionError: the run is missing, unfinished or damaged, or what is said of files or of the patient is nothing
            of the kind, or the run sees no age or sex, or has no thresholds or dev scores to choose them on.
    """
    loaded = load_run(run) if isinstance(run, str | Path) else run
    if threshold is not None:
        from pipeline.scoring.judge import with_thresholds  # here, for it imports what judges

        loaded = with_thresholds(loaded, threshold_choice(threshold))
    said = said_of_files(unit, sampling_rate, leads_of_file, array, age=age, sex=sex)
    return list(Reader(loaded, said, batch_size=batch_size).answers([os.fspath(file) for file in files]))


def findings_of(card: Card, values: np.ndarray) -> tuple[str, ...]:
    """Classes at or above their threshold; where there are none, since classes exclude each other, the highest.

    Args:
        card: of the run.
        values: as its networks say them, which thresholds were chosen for; temperatures change no decision.

    Shape:
        values (classes,).
    """
    if card.thresholds is None:
        return (card.classes[int(values.argmax())],)
    limits = np.array([card.thresholds.values[name] for name in card.classes]).astype(values.dtype)
    return tuple(name for name, found in zip(card.classes, values >= limits, strict=True) if found)


def _thresholds(card: Card) -> dict[str, float] | None:
    """Those of the card, for probabilities at its temperatures."""
    if card.thresholds is None:
        return None
    values = np.array([[card.thresholds.values[name] for name in card.classes]])
    return _named(card.classes, calibrated(card, values)[0])


def _named(classes: Sequence[str], values: np.ndarray) -> dict[str, float]:
    return dict(zip(classes, values.tolist(), strict=True))


def _ranges(classes: Sequence[str], values: np.ndarray) -> dict[str, tuple[float, float]] | None:
    """The least and the greatest of (several, classes); None of one."""
    if len(values) < 2:
        return None
    pairs = zip(values.min(0).tolist(), values.max(0).tolist(), strict=True)
    return dict(zip(classes, pairs, strict=True))
