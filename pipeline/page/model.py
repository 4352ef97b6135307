"""What the page shows, and nothing of how: whoever has these can draw it, and whoever draws it computes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.evaluation.calibration_figures import Probabilities
from pipeline.evaluation.confusion import Confusion
from pipeline.evaluation.intervals import Span
from pipeline.evaluation.threshold_steps import Steps

Points = np.ndarray
"""(points, 2), x and y from 0 to 1."""


@dataclass(frozen=True)
class Table:
    """A table as it is shown: this is how subgroups, decision curves or tests of other rooms come onto the page.

    Attributes:
        title: what stands above it.
        head: of the columns.
        rows: cells, names first; plain text, which the page makes harmless.
        notes: what to know of it.
        section: the heading under which it stands; tables of one section follow each other.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    section: str = "Further tables"


@dataclass(frozen=True)
class Valued:
    """A number and its 95 % interval, None where it has none."""

    value: float
    span: Span | None = None


@dataclass(frozen=True)
class Line:
    """A row of the table of counts.

    Attributes:
        name: of the class, or what the row is.
        kind: ``class``, ``mean`` or ``none``.
        n: items that bear it; None of a mean.
        share: of all items; None of a mean.
        counts: TP, FN, FP and TN; empty of a mean.
        figures: name to figure.
        threshold: from which on it is found.
        is_rare: whether few patients stand behind it.
    """

    name: str
    kind: str
    n: int | None
    share: float | None
    counts: Mapping[str, Valued]
    figures: Mapping[str, Valued]
    threshold: float | None = None
    is_rare: bool = False


@dataclass(frozen=True, eq=False)
class ClassView:
    """A class by itself.

    Attributes:
        name: of it.
        line: its row.
        steps: its counts at every threshold.
        start: the threshold at which it is shown first.
        is_decisive: whether that is the one by which the table counts; else the highest score decides there.
        bins: edges of its scores' bins, in log-odds.
        bearing: how many items with it are in each.
        others: how many without.
        roc: false positive rate and sensitivity.
        pr: sensitivity and precision.
    """

    name: str
    line: Line
    steps: Steps
    start: float
    is_decisive: bool
    bins: np.ndarray
    bearing: np.ndarray
    others: np.ndarray
    roc: Points
    pr: Points


@dataclass(frozen=True)
class Mistake:
    """An item that a model was very sure of, and wrong.

    Attributes:
        row: of the item among the scores.
        item_id: its name.
        class_name: that was missed, or found where it is not.
        is_missed: which of both.
        score: of that class.
        threshold: of that class; None where the highest score decides.
        truth: classes that it bears.
        found: classes that were found.
    """

    row: int
    item_id: str
    class_name: str
    is_missed: bool
    score: float
    threshold: float | None
    truth: tuple[str, ...]
    found: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Picture:
    """A recording to look at.

    Attributes:
        title: what it is called.
        sentences: what is said of it.
        signal: of all leads, mV.
        leads: their names.
        sampling_rate: Hz.
        images: what networks on images saw of it: branch, representation, and lead → address.
        explained: the address of its explanation; None for none.
        explained_size: its width and height in pixels.
    """

    title: str
    sentences: tuple[str, ...]
    signal: np.ndarray
    leads: tuple[str, ...]
    sampling_rate: float
    images: tuple[tuple[str, str, Mapping[str, str]], ...] = ()
    explained: str | None = None
    explained_size: tuple[int, int] = (0, 0)


@dataclass(frozen=True, eq=False)
class Learning:
    """How a training went: a number an epoch.

    Attributes:
        name: of the member or branch; empty of the run itself.
        epochs: counted from 1.
        loss: of the training items.
        auroc: macro-AUC of dev.
        best: the epoch that was kept; None where nothing says it.
    """

    name: str
    epochs: np.ndarray
    loss: np.ndarray
    auroc: np.ndarray
    best: int | None


@dataclass(frozen=True, eq=False)
class Calibrating:
    """Probabilities as the model gave them, and at temperatures.

    Attributes:
        before: as they were.
        after: at the temperatures of dev; None without dev scores.
        is_kept: whether the run has these temperatures, so that all else on the page has them, too.
        table: the figures.
    """

    before: Probabilities
    after: Probabilities | None
    is_kept: bool
    table: Table


@dataclass(frozen=True, eq=False)
class ModelView:
    """One run, or scores file.

    Attributes:
        name: what the page calls it.
        sentence: what it is, on what.
        notices: what the reader has to know first, such as that figures are optimistic.
        rule: where the thresholds come from.
        facts: heading to what is known: name and text.
        n_items: that were judged.
        lines: the table of counts.
        classes: one by one; the most frequent ones of very many.
        calibrating: how far probabilities are what they say.
        confusion: which class was taken for which; None of multilabel.
        agreement: what follows from it.
        learning: how it was trained.
        mistakes: class name to those of it.
        pictures: of the worst mistakes.
        tables: further ones, ready-made.
        remarks: what to know.
    """

    name: str
    sentence: str
    notices: tuple[str, ...]
    rule: str
    facts: Mapping[str, tuple[tuple[str, str], ...]]
    n_items: int
    lines: tuple[Line, ...]
    classes: tuple[ClassView, ...]
    calibrating: Calibrating
    confusion: Confusion | None
    agreement: Table | None
    learning: tuple[Learning, ...]
    mistakes: Mapping[str, tuple[Mistake, ...]]
    pictures: tuple[Picture, ...]
    tables: tuple[Table, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Forest:
    """Values with their intervals, one below the other, about a line.

    Attributes:
        title: what they are.
        rows: name, value and interval of each.
        zero: where the line stands.
        note: how to read it.
    """

    title: str
    rows: tuple[tuple[str, Valued], ...]
    zero: float
    note: str


@dataclass(frozen=True, eq=False)
class Pairing:
    """Two models, side by side.

    Attributes:
        first: the name of one, which is the better one.
        second: of the other.
        forests: their differences.
        right: who is right of how many items, class by class.
        apart: the items of which they say the most different things.
        pictures: of some of these.
        tests: of each class, by the bootstrap, DeLong and McNemar; None where no test was made.
    """

    first: str
    second: str
    forests: tuple[Forest, ...]
    right: Table
    apart: Table
    pictures: tuple[Picture, ...] = ()
    tests: Table | None = None


@dataclass(frozen=True, eq=False)
class PageModel:
    """The whole page.

    Attributes:
        title: of it.
        models: at least one; of several, the best one first.
        ranking: of several, their figures.
        verdicts: of several, which differences are within noise.
        pairings: of several, the best one with each other one.
        date: when it was made.
        program: what made it.
        notice: what no page is without.
    """

    title: str
    models: tuple[ModelView, ...]
    ranking: Table | None
    verdicts: tuple[str, ...]
    pairings: tuple[Pairing, ...]
    date: str
    program: str
    notice: str
