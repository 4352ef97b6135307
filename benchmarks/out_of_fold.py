"""What does it change whether an intermediate fusion is fitted on features of items that its branches were trained on?

Takes k-fold branches that leave out the same folds, and fits the same heads, one a member, in three ways: on each
item's features by the member that never saw it (out of fold, as `-fit_on out_of_fold` does), by a member that was
trained on it (in sample, as many items), and by every member that was trained on it (in sample, all of its items, as a
fusion of single networks has them). Networks, heads, steps and the choice of the epoch on dev are the same. All are
scored on the test partition, with several seeds of the heads.

    python -m benchmarks.out_of_fold -branches runs/signal-kfold runs/beat-kfold -data data/signals
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from pipeline.commands.parser import CommandParser, positive_int, run_command

RESAMPLES = 1000
OUT_OF_FOLD, IN_SAMPLE, ALL_IN_SAMPLE = "out of fold", "in sample, as many items", "in sample, all of its items"


def main(words: Sequence[str] | None = None) -> None:
    """Fits what is to be compared and prints its table."""
    parser = CommandParser(prog="python -m benchmarks.out_of_fold", description=__doc__)
    parser.option("branches", type=Path, nargs="+", required=True, help="k-fold runs that leave out the same folds")
    parser.option("data", type=Path, default=Path("data/signals"), help="folder of the stores (default %(default)s)")
    parser.option("combine", nargs="+", default=["concat", "gated"], help="fusions (default concat gated)")
    parser.option("seeds", type=int, nargs="+", default=[0, 1, 2], help="of the heads (default 0 1 2)")
    parser.option("epochs", type=positive_int, help="of the heads, at most")
    options = parser.parse_args(words)

    from pipeline.fusion.branches import named_branches
    from pipeline.runs.load import load_run
    from pipeline.store.reading import open_store, store_path

    named = named_branches([str(folder) for folder in options.branches])
    branches = {name: load_run(folder) for name, folder in named.items()}
    stores = {name: open_store(store_path(options.data, name)) for name in ("train", "dev", "test")}
    _print_gap(branches, named, stores["train"])
    print("\n| fusion, fitted | seeds | mean test macro-AUC | over in sample, as many items |")
    print("| --- | --- | ---: | --- |")
    for combine in options.combine:
        _print_rows(combine, _fitted(options, combine, named, branches, stores))


def _print_gap(branches: Mapping[str, Any], named: Mapping[str, Path], train: Any) -> None:
    """How much better members rank the items that they were trained on than those that they never saw."""
    from pipeline.evaluation.metrics import macro_auroc
    from pipeline.fusion.fit_on import out_of_fold_items
    from pipeline.inputs.batches import CPU
    from pipeline.scoring.predict import probabilities

    rows, held_out_by = out_of_fold_items(named, train)
    print("| branch | macro-AUC of items that a member was trained on | of those that it never saw |")
    print("| --- | ---: | ---: |")
    for name, run in branches.items():
        labels, found = train.task(run.card.task).values[rows], []
        for number, member in run.parts.items():
            scores, new = probabilities(member, train, rows, CPU), held_out_by == int(number)
            found.append([macro_auroc(labels[part], scores[part]) for part in (~new, new)])
        seen, unseen = np.mean(found, 0)
        print(f"| {name} | {seen:.4f} | {unseen:.4f} |", flush=True)


def _fitted(
    options: Any, combine: str, named: Mapping[str, Path], branches: Mapping[str, Any], stores: Mapping[str, Any]
) -> dict[str, list[np.ndarray]]:
    """The test scores of each way to fit, one a seed, and the labels and patients of these items."""
    import torch

    from pipeline.fusion.fit_on import out_of_fold_items
    from pipeline.fusion.learners import fusion_items, fusion_learner
    from pipeline.fusion.plan import plan_fusion
    from pipeline.inputs.batches import CPU
    from pipeline.runs.build import build_fusion
    from pipeline.scoring.predict import predict_probabilities
    from pipeline.training.loop import Examples, fit
    from pipeline.training.network import settings_of
    from pipeline.training.options import TrainOptions

    chosen: dict[str, Any] = {
        "model": "intermediate",
        "combine": combine,
        "branches": [str(folder) for folder in named.values()],
    }
    chosen |= {"fit_on": "out_of_fold", "threads": 1, "epochs": options.epochs}
    card = plan_fusion(TrainOptions.of(**chosen), stores["train"], stores["dev"])
    rows, held_out_by = out_of_fold_items(named, stores["train"])
    n_members = next(iter(branches.values())).card.kfold
    others = [(held_out_by - 1 + step) % n_members + 1 for step in range(1, n_members)]  # members that saw each item
    ways = {OUT_OF_FOLD: [held_out_by], IN_SAMPLE: others[:1], ALL_IN_SAMPLE: others}
    network = build_fusion(card, branches)
    labels = {name: store.task(card.task) for name, store in stores.items()}
    scored = {}
    for name in ("dev", "test"):
        own = np.flatnonzero(labels[name].labelled)
        scored[name] = Examples(fusion_items(card, network, branches, stores[name], own, CPU), labels[name].values[own])
    found: dict[str, list[np.ndarray]] = {}
    for way, members in ways.items():
        repeated = np.tile(rows, len(members))
        items = fusion_items(card, network, branches, stores["train"], repeated, CPU, 0, np.concatenate(members))
        examples = Examples(items, labels["train"].values[repeated])
        for seed in options.seeds:
            torch.manual_seed(seed)
            learner = fusion_learner(card, build_fusion(card, branches), branches)
            settings = settings_of(card.with_training(seed=seed))
            with TemporaryDirectory() as folder:
                fit(learner, examples, scored["dev"], settings, CPU, Path(folder))
            scores = predict_probabilities(learner, scored["test"].items, card.kind, settings.batch_size, CPU)
            found.setdefault(way, []).append(scores)
    own = np.flatnonzero(labels["test"].labelled)
    return found | {"labels": [scored["test"].labels], "patients": [stores["test"].columns["patient_id"][own]]}


def _print_rows(combine: str, found: dict[str, list[np.ndarray]]) -> None:
    from pipeline.evaluation.metrics import macro_auroc
    from pipeline.evaluation.paired import paired_interval, paired_p_value

    (labels,), (patients,) = found.pop("labels"), found.pop("patients")
    values = {way: [macro_auroc(labels, scores) for scores in each] for way, each in found.items()}
    draws = {way: np.mean([_draws(labels, scores, patients) for scores in each], 0) for way, each in found.items()}
    for way in found:
        each = " ".join(f"{value:.4f}" for value in values[way])
        more = ""
        if way != IN_SAMPLE:
            change = draws[way] - draws[IN_SAMPLE]
            low, high = paired_interval(change)
            difference = np.mean(values[way]) - np.mean(values[IN_SAMPLE])
            more = f"{difference:+.4f} ({low:+.4f} to {high:+.4f}), p {paired_p_value(change):.3f}"
        print(f"| {combine}, {way} | {each} | {np.mean(values[way]):.4f} | {more} |", flush=True)


def _draws(labels: np.ndarray, scores: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """The macro-AUC on resamples of patients, the same ones every time."""
    from pipeline.evaluation.metrics import macro_auroc

    random = np.random.default_rng(0)
    _, of_item = np.unique(patients, return_inverse=True)
    by_patient = np.split(np.argsort(of_item, kind="stable"), np.cumsum(np.bincount(of_item))[:-1])
    found = []
    for _ in range(RESAMPLES):
        drawn = random.integers(0, len(by_patient), len(by_patient))
        items = np.concatenate([by_patient[i] for i in drawn])
        found.append(macro_auroc(labels[items], scores[items]))
    return np.array(found)


if __name__ == "__main__":
    run_command(main)
