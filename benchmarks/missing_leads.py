"""What does a run lose on recordings that lack leads, which it has learnt to do without?

Each record of a partition is asked without some leads, as `predict.py` asks a file that lacks them, and with all of
them; runs that were not trained with `-augment lead_dropout` refuse to. Intervals are of 95 %, over patients, and of
the difference to all leads, over the same patients; p is by Holm over all of a run's.

    python -m benchmarks.missing_leads -run runs/ptbxl_beat -data data/signals -without V1 V2 V5,V6 V1,V2,V3,V4
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.seed_differences import differences, resampled_macro_auroc
from pipeline.commands.parser import CommandParser, run_command
from pipeline.errors import EcgFusionError

if TYPE_CHECKING:
    from pipeline.evaluation.scores import Scores
    from pipeline.scoring.needs import Needs
    from pipeline.store.reading import Store

SETS = ("V1", "V2", "V3", "V4", "V5", "V6", "V5,V6", "V1,V2,V3", "V1,V2,V3,V4")
RESAMPLES = 1000
_AT_ONCE = 512  # recordings, whose signals are held as float64


def main(words: Sequence[str] | None = None) -> None:
    """Asks each run with and without leads and prints the table.

    Raises:
        EcgFusionError: a run does not fit the store, cannot do without the leads, or these are none that go missing.
    """
    parser = CommandParser(prog="python -m benchmarks.missing_leads", description=__doc__)
    parser.option("run", type=Path, nargs="+", required=True, metavar="FOLDER", help="finished runs of whole records")
    parser.option("data", type=Path, default=Path("data/signals"), help="folder of the stores (default %(default)s)")
    parser.option("partition", choices=("dev", "test"), default="test", help="(default %(default)s)")
    parser.option(
        "without", nargs="+", default=list(SETS), metavar="LEADS", help="leads that are missing, as V1 or V1,V2"
    )
    options = parser.parse_args(words)

    from pipeline.runs.load import load_run
    from pipeline.scoring.checks import check_fit, refuse_training_items
    from pipeline.scoring.needs import Needs
    from pipeline.store.reading import open_partition

    store = open_partition(options.data, options.partition)
    print("| run | without | macro-AUC | over all leads |\n| --- | --- | ---: | --- |")
    for folder in options.run:
        run = load_run(folder)
        check_fit(run.card, store, folder)
        refuse_training_items(run.card, folder, store)
        needs = Needs.of(run)
        sets = [(), *(tuple(text.split(",")) for text in options.without)]
        for absent in sets:
            _check_absent(absent, store)
            needs.refuse_missing(absent, "a recording")
        found = {" ".join(absent): resampled_macro_auroc(asked(needs, store, absent), RESAMPLES) for absent in sets}
        values = {name: [value] for name, (value, _) in found.items()}
        draws = {name: drawn for name, (_, drawn) in found.items()}
        over = differences(values, draws, {name: (name, "") for name in found if name})
        for name, (value, _) in found.items():
            print(f"| {folder.name} | {name or 'nothing'} | {value:.4f} | {over.get(name, '')} |", flush=True)


def asked(needs: "Needs", store: "Store", absent: Sequence[str]) -> "Scores":
    """What a run says of the records of a store that its task labels, as if they had come without some leads.

    Args:
        needs: of the run.
        store: of whole records, which fits it.
        absent: leads that are 0 mV.
    """
    from dataclasses import replace

    from pipeline.machine.devices import choose_device
    from pipeline.scoring.asking import ask
    from pipeline.scoring.fitting import fit_item, prepared_item
    from pipeline.scoring.partition import as_scores

    task = needs.run.card.task
    rows, said = np.flatnonzero(store.task(task).labelled), []
    for part in np.split(rows, range(_AT_ONCE, len(rows), _AT_ONCE)):
        fitted = []
        for row in part:
            whole = prepared_item(store, int(row))
            signal = np.where(np.isin(whole.leads, absent)[:, None], 0.0, whole.signal)
            fitted.append(fit_item(needs, replace(whole, signal=signal, absent=tuple(absent)), f"row {row}"))
        said += [reply.as_said for reply in ask(needs, fitted, choose_device(None))]
    return as_scores(np.stack(said), store, task, rows)


def _check_absent(absent: Sequence[str], store: "Store") -> None:
    """Refuses leads that the store has not, and those that predict.py would compute from the others."""
    from pipeline.signals.limb_leads import derivable

    unknown = [lead for lead in absent if lead not in store.leads]
    if unknown:
        raise EcgFusionError(f"{store.path} has no lead {unknown[0]}: choose from {' '.join(store.leads)}")
    computed = [lead for lead in absent if lead in derivable([lead for lead in store.leads if lead not in absent])]
    if computed:
        raise EcgFusionError(f"-without {computed[0]}: it is computed from other limb leads, and costs nothing")


if __name__ == "__main__":
    run_command(main)
