"""Runs → figures: scored on a partition, with the thresholds that dev chose, side by side where they are several."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import EcgFusionError
from pipeline.evaluation import comparison
from pipeline.evaluation.alignment import align
from pipeline.evaluation.asked import NOTHING, OF_DEV_ITSELF, Asked, answer
from pipeline.evaluation.calibration import Temperatures
from pipeline.evaluation.equivalence import check_margin
from pipeline.evaluation.figures import NOTES, Evaluation
from pipeline.evaluation.grouping import N_LABELS, check_columns, groupings_of
from pipeline.evaluation.intervals import DEFAULT_RESAMPLES, Resampling
from pipeline.evaluation.item_table import ItemTable
from pipeline.evaluation.resampled_intervals import CI
from pipeline.evaluation.scores import Scores
from pipeline.evaluation.thresholds import Thresholds, get_thresholds
from pipeline.listening import remark
from pipeline.machine.places import is_remote, place
from pipeline.runs.card import DEV_SCORES, Card
from pipeline.runs.card_file import read_card
from pipeline.runs.card_parts import ThresholdsCard
from pipeline.runs.folder import check_comparable, scores_of_run
from pipeline.scoring.calibrating import with_temperatures

if TYPE_CHECKING:
    from pipeline.runs.build import Run

Folder = Path | str


def evaluate(
    run: "Run | Folder",
    *,
    partition: str = "test",
    data: Folder | None = None,
    threshold: str | float | None = None,
    resamples: int = DEFAULT_RESAMPLES,
    seed: int = 0,
    calibrate: bool = False,
    refer: float | None = None,
    conformal: float | None = None,
    decision: bool = False,
    ci: str = CI[0],
    subgroups: Sequence[str] = (),
    table: ItemTable | None = None,
) -> Evaluation:
    """Every figure of a run on a partition, with thresholds that were chosen on dev.

    Args:
        run: a finished run, or its folder.
        partition: ``train``, ``dev`` or ``test``.
        data: folder of the stores; None for those that it was trained on.
        threshold: a criterion, a number from 0 to 1, or None for the thresholds that its training chose, or of a
            multiclass task for the highest score.
        resamples: of patients, for intervals; 0 for none.
        seed: of the resamples.
        calibrate: whether temperatures are fitted on its dev scores and kept in its card; a run that has some there
            has them always.
        refer: the part of the records that it is least sure of, to be told with the figures of the rest.
        conformal: coverage of split-conformal sets, whose limits dev gives.
        decision: whether decision curves are made.
        ci: what intervals are made by: ``wilson`` (and logits), ``percentile`` or ``bca``.
        subgroups: columns whose groups have figures of their own: ``age``, ``sex``, ``n_labels``, those of ``table``.
        table: other columns, as of ``item_table.read_item_table``; None for those of the store alone.

    Raises:
        EcgFusionError: the run or the store is missing, they do not fit, or what is asked is out of its range.
    """
    asked, resampling = Asked(calibrate, refer, conformal, decision), _resampling(resamples, seed, ci)
    tables = [] if table is None else [table]
    (found,), _ = _judged([_folder(run)], partition, data, threshold, resampling, asked, subgroups, tables)
    return found


def compare(
    runs: Iterable["Run | Folder"],
    *,
    partition: str = "test",
    data: Folder | None = None,
    threshold: str | float | None = None,
    resamples: int = DEFAULT_RESAMPLES,
    seed: int = 0,
    ci: str = CI[0],
    equivalence: float | None = None,
) -> comparison.Comparison:
    """Several runs on the same items, the best first; arguments and errors as of ``evaluate``.

    Args:
        runs: finished runs, or their folders.
        partition: as of ``evaluate``, like the others.
        data: folder of the stores.
        threshold: a criterion or a number.
        resamples: of patients.
        seed: of the resamples.
        ci: what intervals are made by.
        equivalence: how far two may differ in AUC and be as good as each other; None where that is not asked.
    """
    if equivalence is not None:
        check_margin(equivalence)
    folders = [_folder(run) for run in runs]
    found, scores = _judged(folders, partition, data, threshold, _resampling(resamples, seed, ci))
    names = names_of(folders)
    named = dict(zip(names, found, strict=True)), dict(zip(names, scores, strict=True))
    return comparison.compare(*named, equivalence)


def _resampling(n: int, seed: int, ci: str) -> Resampling | None:
    if ci not in CI:
        raise EcgFusionError(f"there are no intervals by {ci}: choose one of {', '.join(CI)}")
    return Resampling(n, seed, ci) if n else None


def _folder(run: "Run | Folder") -> Path:
    return Path(run if isinstance(run, str | Path) else run.folder)


def _judged(
    folders: Sequence[Path],
    partition: str,
    data: Folder | None,
    threshold: str | float | None,
    resampling: Resampling | None,
    asked: Asked = NOTHING,
    columns: Sequence[str] = (),
    tables: Sequence[ItemTable] = (),
) -> tuple[list[Evaluation], list[Scores]]:
    if partition not in NOTES:
        raise EcgFusionError(f"there is no partition {partition}: choose one of {', '.join(NOTES)}")
    check_asked(folders, partition, asked)
    stores = place(data) if data else None
    tables = tables_of(folders[0], partition, stores, columns, tables)
    scores = score_runs(folders, partition, stores)
    asked = replace(asked, groupings=groupings_of(columns, scores[0], tables))
    found = [
        judge(run, each, partition, threshold, resampling, asked) for run, each in zip(folders, scores, strict=True)
    ]
    return found, scores


def tables_of(
    run: Path, partition: str, data: Path | None, columns: Sequence[str], tables: Sequence[ItemTable]
) -> list[ItemTable]:
    """The tables that columns come from, the store's the last of them; opened only if a column is asked for.

    Raises:
        EcgFusionError: a column is in none of them.
    """
    if not {*columns} - {N_LABELS}:
        return [*tables]
    from pipeline.scoring.item_columns import columns_of_run  # a scores file is judged without HDF5

    all_of_them = [*tables, columns_of_run(run, partition, data)]
    check_columns(columns, all_of_them)  # scoring may take minutes
    return all_of_them


def score_runs(
    runs: Sequence[Path],
    partition: str,
    data: Path | None = None,
    batch_size: int | None = None,
    threads: int | None = None,
    gpu_id: int | None = None,
) -> list[Scores]:
    """What several runs say of the same items, in one order; arguments as of ``score_partition``.

    Raises:
        EcgFusionError: they cannot be judged side by side, or one does not fit its store.
    """
    check_comparable(runs)  # scoring may take minutes
    for run in runs:
        _check_stores_are_there(run, data, partition)
    from pipeline.scoring.partition import score_partition  # torch takes seconds, what is refused above does not wait

    scores: list[Scores] = []
    for run in runs:
        remark(f"run {run}, partition {partition}\n")
        scored = score_partition(run, data, partition, batch_size, threads, gpu_id)
        scored.name = f"{run} on {partition}"
        align([*scores[:1], scored])  # a run that does not fit is refused before the next one is scored
        scores.append(scored)
    return align(scores)


def _check_stores_are_there(run: Path, data: Path | None, partition: str) -> None:
    from pipeline.store.reading import require_store, store_path  # a scores file is judged without HDF5

    folder = data or place(read_card(run).data.folder)
    if not data and not is_remote(folder) and not folder.is_dir():
        raise EcgFusionError(
            f"{run} was trained on stores in {folder}, which is not there: say with -data where they are"
        )
    require_store(store_path(folder, partition))


def check_asked(runs: Sequence[Path], partition: str, asked: Asked) -> None:
    """Refuses what no scores of these runs could answer, before they are scored.

    Raises:
        EcgFusionError: sets are asked of what they would be calibrated on, or the dev scores that are needed are gone.
    """
    if asked.conformal is not None and partition == "dev":
        raise EcgFusionError(OF_DEV_ITSELF)
    for run in runs if partition != "dev" else ():
        needed = [name for name in asked.of_dev if name != "calibrate" or _temperatures(read_card(run)) is None]
        if needed and not (run / DEV_SCORES).exists():
            raise EcgFusionError(
                f"{run / DEV_SCORES} is missing, on which -{needed[0]} is fitted: copy the whole run folder, or leave "
                f"-{needed[0]} out"
            )


def _temperatures(card: Card) -> Temperatures | None:
    """Those that a run has in its card."""
    said = card.calibration
    if said is None or said.temperatures is None:
        return None
    return Temperatures(dict(said.temperatures), _n_dev(card), said.without or (), said.unbounded or ())


def _n_dev(card: Card) -> int:
    return card.data.n_dev_items if card.data.n_dev_records is None else card.data.n_dev_records


def judge(
    run: Path,
    scores: Scores,
    partition: str,
    threshold: str | float | None,
    resampling: Resampling | None,
    asked: Asked = NOTHING,
) -> Evaluation:
    """The figures of a run's scores of a partition, with the thresholds that its training chose on dev.

    Args:
        run: the folder of a finished run.
        scores: of the partition, as the run gives them before any temperature.
        partition: ``train``, ``dev`` or ``test``.
        threshold: a criterion by which others are chosen, on the same dev scores; a number; or None for those of the
            card, and of a multiclass task for the highest score.
        resampling: how to draw intervals, or None for none.
        asked: what is asked beside the table.

    Raises:
        EcgFusionError: the run's dev scores are damaged or of another run; or gone, and a criterion needs them.
    """
    card = with_temperatures(read_card(run), run) if asked.calibrate else read_card(run)
    dev = scores if partition == "dev" else scores_of_run(card, run, DEV_SCORES)
    _refuse_without(dev, run, threshold)
    if dev is None:
        remark(f"{run / DEV_SCORES} is missing: whether a patient is in dev, too, is not known")
    chosen = thresholds_of(card, dev) if threshold is None else None
    return answer(asked, scores, dev, threshold, NOTES[partition], resampling, chosen, _temperatures(card))


def thresholds_of(card: Card, dev: Scores | None) -> Thresholds | None:
    """The thresholds that a run's training chose on dev; None where the highest score wins.

    Args:
        card: of a finished run.
        dev: its dev scores, which tell what dev has none of where the card of an earlier program does not.
    """
    said = card.thresholds
    if said is None:
        return None
    not_chosen = said.not_chosen
    if not_chosen is None:
        not_chosen = () if dev is None else get_thresholds(card.classes, dev, said.criterion).not_chosen
    return Thresholds(dict(said.values), said.criterion, _n_dev(card), tuple(not_chosen))


def with_thresholds(run: "Run", threshold: str | float) -> "Run":
    """The same run, whose findings are judged by other thresholds than its training chose.

    Args:
        run: loaded.
        threshold: a criterion by which they are chosen on its dev scores, or a number from 0 to 1.

    Raises:
        EcgFusionError: its classes exclude each other; or its dev scores are gone, damaged or of another run.
    """
    card, folder = run.card, run.folder
    if card.thresholds is None:
        raise EcgFusionError(
            f"of {folder} the class with the highest score is found, without thresholds: leave -threshold out"
        )
    dev = None if isinstance(threshold, float) else scores_of_run(card, folder, DEV_SCORES)
    _refuse_without(dev, folder, threshold)
    chosen = get_thresholds(card.classes, dev, threshold)
    if chosen.not_chosen:
        few = ", ".join(chosen.not_chosen)
        remark(f"no threshold could be chosen for {few} of {folder}, of which dev has none or nothing else: it is 0.5")
    said = ThresholdsCard(criterion=chosen.choice, values=dict(chosen.values), not_chosen=chosen.not_chosen)
    return replace(run, card=replace(card, thresholds=said))


def _refuse_without(dev: Scores | None, folder: Path, threshold: str | float | None) -> None:
    if dev is None and isinstance(threshold, str):
        raise EcgFusionError(
            f"{folder / DEV_SCORES} is missing, on which -threshold {threshold} is chosen: copy the whole run folder, "
            f"or leave -threshold out for the thresholds that its training chose"
        )


def names_of(paths: Sequence[Path]) -> list[str]:
    """What each is called in a comparison: its last name, its path, or both a number and its path, as is needed."""
    numbered = [f"{i} {path}" for i, path in enumerate(paths, 1)]
    choices = ([path.name for path in paths], [str(path) for path in paths], numbered)
    return next(names for names in choices if len(set(names)) == len(names))
