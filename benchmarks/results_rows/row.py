"""A row of a table that `python -m benchmarks.results` makes, and the stores that it is trained on."""

from dataclasses import dataclass, field, replace

DERIVE = "pipeline.training.derive"
PRETRAIN = "pipeline.training.pretraining"
LEARN = "-task superdiagnostic -learn all superdiagnostic"


@dataclass(frozen=True)
class Stores:
    """Stores that rows are trained on.

    Attributes:
        recordings: folder of the data set, within the folder of all.
        words: of create_images.py, but for ``--data`` and ``--out``.
    """

    recordings: str
    words: str


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes:
        study: whose table.
        name: of its run's folder, before the seed.
        title: what the table calls it.
        store: one of ``STORES``.
        words: of its command, but for seed, store and folder; ``@NAME`` is the run of the row NAME, of the same seed,
            and ``@NAME:+1`` that of the next one.
        judged: ``out_of_fold`` or ``test``; nothing where others alone need it.
        figure: of ``agreement.AGREEMENT``, or a mean over classes, as ``macro f1`` or ``macro auroc``.
        published: by whoever published one, for a like question.
        digits: behind the point, of the figure.
        is_for_gpu: whether a CPU would take more than an hour of a seed.
        over: rows that it is compared with, over the same patients, where its figure is a mean AUROC.
        command: ``train.py``, ``PRETRAIN``, or ``DERIVE`` of one that answers another task with the weights of a row
            before it.
    """

    study: str
    name: str
    title: str
    store: str
    words: str
    judged: str
    figure: str
    published: str = ""
    digits: int = field(default=3, kw_only=True)
    is_for_gpu: bool = field(default=False, kw_only=True)
    over: tuple[str, ...] = field(default=(), kw_only=True)
    command: str = field(default="train.py", kw_only=True)


def judged(study: str, name: str, title: str, words: str) -> Row:
    """A training on PTB-XL whose mean AUROC is told."""
    return Row(study, name, title, "ptbxl", words, "test", "macro auroc", digits=4)


def derived(study: str, name: str, title: str, task: str) -> Row:
    """A row of another task, which the run of the row ``name`` answers, too."""
    words = f"-run @{name} -task {task}"
    return replace(judged(study, f"{name}-{task}", f"{title}: {task}", words), command=DERIVE)
