"""Pretraining on the training folds, with few and with all labels."""

from dataclasses import replace

from benchmarks.results_rows.row import PRETRAIN, Row, judged

_PRETRAINED = {
    "jepa": ("ecg_transformer", "-crop 2.5 -epochs 4"),
    "cpc": ("resnet1d_wang", "-crop 2.5 -epochs 4"),
    "clocs": ("resnet1d_wang", "-crop 5 -epochs 4"),  # each view is half of it
    "st_mem": ("lead_transformer", "-crop 2.5 -epochs 8"),
}
"""By method: its network, and how long it is pretrained, in about as many minutes each."""

_LABELLED = {
    "1": "-limit 150 -batch_size 16 -epochs 20 -patience 20",
    "10": "-limit 1495 -batch_size 32 -epochs 8 -patience 8",
    "100": "-epochs 3 -patience 3",
}
"""By percents of the training folds' labels: what a training takes, 200 to 380 steps."""


def pretraining() -> list[Row]:
    """What each method gives to a training with few and with all labels, beside the same training of fresh weights.

    A sample of 400 items of dev chooses the epoch, whatever the share.
    """
    study, precision = "pretraining", "-precision bf16"
    rows = [
        Row(study, f"pre-{method}", "", "ptbxl", f"-method {method} {words} {precision}", "", "", command=PRETRAIN)
        for method, (_, words) in _PRETRAINED.items()
    ]
    networks = dict.fromkeys(network for network, _ in _PRETRAINED.values())
    for percent, words in _LABELLED.items():
        training = f"-crop 2.5 {words} -dev_limit 400 {precision} -task superdiagnostic"
        share = f"{percent} % of the labels"
        rows += [
            judged(study, f"fresh-{network}-{percent}", f"`{network}`, {share}, fresh", f"-model {network} {training}")
            for network in networks
        ]
        rows += [
            replace(
                judged(
                    study,
                    f"{method}-{percent}",
                    f"`{network}`, {share}, `{method}`",
                    f"-init @pre-{method} -init_learning_rate 1e-3 {training}",
                ),
                over=(f"fresh-{network}-{percent}",),
            )
            for method, (network, _) in _PRETRAINED.items()
        ]
    return rows
