"""What `python -m benchmarks.results` trains: stores, and rows of a table, in the order in which they are trained."""

from collections.abc import Sequence

from benchmarks.results_rows.networks import networks
from benchmarks.results_rows.pretraining import pretraining
from benchmarks.results_rows.row import Row, Stores
from benchmarks.results_rows.signal_systems import cinc2017, infarction, mitdb
from benchmarks.results_rows.superclasses import other_tasks, steps, weights

STUDIES = {
    "ptbxl": "PTB-XL, superclasses, folds 1–7 to train, 8 for dev, 9 to report",
    "networks": "PTB-XL, every network at one budget: three epochs of batches of 32, crops of 2.5 s, folds as above",
    "pretraining": "PTB-XL, superclasses, with and without pretraining on folds 1–7, 8 for dev, 9 to report",
    "weights": "PTB-XL, folds 1–8 to train, 9 for dev: what weights/ holds",
    "mitdb": "MIT-BIH, patients of DS1",
    "infarction": "Infarction from single beats of PTB-XL, lead II",
    "cinc2017": "CinC 2017, rhythms N, O and A",
}
"""Each with the heading of its table."""

STORES = {
    "ptbxl": Stores("ptbxl", "--source ptbxl --representations none --folds train=1-7 dev=8 test=9"),
    "ptbxl-1-8": Stores("ptbxl", "--source ptbxl --representations none --folds train=1-8 dev=9"),
    "ds1": Stores("mitdb", "--source mitdb --representations none --sampling_rate 180"),
    "ds1-mixed": Stores("mitdb", "--source mitdb --representations none --sampling_rate 180 --folds intra_patient"),
    "heartbeats": Stores("mitdb", "--source mitdb --beat kachuee --representations none"),
    "infarction": Stores(
        "ptbxl",
        "--source ptbxl --tasks mi --beat kachuee --folds train=1-7 dev=8 test=9 --representations none",
    ),
    "cinc2017": Stores("cinc2017", "--source cinc2017 --representations none --sampling_rate 150"),
    "cinc2017-5s": Stores("cinc2017", "--source cinc2017 --representations none --window 5 --stride 2.5"),
}

ROWS: Sequence[Row] = (
    *(*steps(), *other_tasks(), *networks(), *pretraining(), *weights()),
    *(*mitdb(), *infarction(), *cinc2017()),
)
