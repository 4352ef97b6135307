"""How much faster an epoch with its evaluation is than the older study's way of doing them.

That way: one TIFF file a record, opened by a Dataset; training batches by a DataLoader without workers; evaluation one
record at a time; the GPU's cache emptied after every step of either. Ours reads the same pictures from a store, or
draws them in the step. Network, pictures, loss, optimizer, precision (float32) and batch size of training are the same
on both sides, and eight records are trained on for each one that is evaluated, as in PTB-XL's folds. Pillow knows no
picture of nine channels, so theirs is one tall grey page of as many bytes, uncompressed. On a CPU theirs, too, has the
threads, the flushed denormals and the kept memory of ours.

    python -m benchmarks.older_way -device cpu
"""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.ratio import Row, Waiting, medians
from benchmarks.training_setup import (
    DEVICES,
    DRAWN,
    GPU_BATCH,
    STORED,
    Case,
    Setup,
    on_device,
    print_rows,
    set_up,
    store_for_training,
)
from pipeline.commands.parser import run_command

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from pipeline.store.reading import Store

TRAINED_PER_SCORED = 8
PLAIN = {"precision": "fp32", "scheduler": "none", "clip_norm": 0.0}


def measure(turns: int = 5, devices: Sequence[str] = DEVICES) -> list[Row | Waiting]:
    """The claim on each device; times are those of an epoch with its evaluation, for each item trained on."""
    from pipeline.machine.devices import set_up_cpu

    set_up_cpu(1)
    with tempfile.TemporaryDirectory() as folder:
        store = store_for_training(Path(folder))
        return [_measure(case, name, store, turns) for name in devices for case in (STORED, DRAWN)]


def _measure(case: Case, name: str, store: "Store", turns: int) -> Row | Waiting:
    place = f"GPU, batches of {GPU_BATCH}" if name == "cuda" else "CPU"
    what = f"an epoch and an evaluation of {case.what}, {place}, against a TIFF a record, scored singly"

    def measured(device: "torch.device") -> Row:
        ours, theirs = (set_up(each, store, device, turns + 1, **PLAIN) for each in (case, STORED))
        with tempfile.TemporaryDirectory(dir=store.path.parent) as tiffs:
            found = medians({"ours": our_way(ours, store), "older": older_way(theirs, Path(tiffs))}, turns)
        return Row(what, found["ours"] / len(ours.items), found["older"] / len(ours.items))

    return on_device(name, what, None, measured)


def our_way(setup: Setup, store: "Store") -> Callable[[], object]:
    """An epoch of ours, and the scores of an eighth as many items."""
    from pipeline.inputs.placement import store_items
    from pipeline.scoring.predict import predict_probabilities
    from pipeline.training.resume import Progress

    steps, settings, device = setup.steps(), setup.settings, setup.device
    to_score = store_items(store, setup.rows[: len(setup.rows) // TRAINED_PER_SCORED], setup.spec, device)

    def run() -> None:
        steps.epoch(Progress())
        predict_probabilities(steps.learner, to_score, settings.kind, settings.batch_size, device)

    return run


def older_way(setup: Setup, folder: Path) -> Callable[[], object]:
    """The same in the older study's way; its files are written here once."""
    from torch.utils.data import DataLoader

    from pipeline.training.losses import make_loss
    from pipeline.training.optimisation import make_optimizer

    tiffs: Any = Tiffs(setup, folder)
    network, settings, device = setup.network(), setup.settings, setup.device
    loss_function = make_loss(settings.kind, None)
    optimizer = make_optimizer([{"params": network.parameters(), "lr": settings.learning_rate}], settings)
    to_train: Any = DataLoader(tiffs, settings.batch_size, shuffle=True)
    to_score: Any = DataLoader(tiffs, 1, sampler=range(len(tiffs) // TRAINED_PER_SCORED))

    def run() -> None:
        network.train()
        for x, y in to_train:
            loss_function(network(x.to(device)), y.to(device)).backward()
            optimizer.step()
            optimizer.zero_grad()
            _empty_cache(device)
        _score_singly(network, to_score, device)

    return run


def _score_singly(network: Any, batches: Any, device: "torch.device") -> list[np.ndarray]:
    import torch

    network.eval()
    scores = []
    with torch.no_grad():
        for x, _ in batches:
            scores.append(network(x.to(device)).sigmoid().cpu().numpy())
            _empty_cache(device)
    return scores


def _empty_cache(device: "torch.device") -> None:
    import torch

    if device.type == "cuda":
        torch.cuda.empty_cache()


class Tiffs:
    """One TIFF a record, and labels; opened when asked for."""

    def __init__(self, setup: Setup, folder: Path) -> None:
        from PIL import Image

        from pipeline.inputs.batches import Pick

        self._labels = setup.labels.astype(np.float32)
        self._files: list[Path] = []
        for item in range(len(setup.items)):
            file = folder / f"{setup.rows[item]}.tiff"
            if not file.exists():
                pictures = setup.items[Pick(np.array([item]), np.zeros(1, np.int64))].raw[0].numpy()
                self._channels = len(pictures)
                Image.fromarray(np.concatenate(list(pictures))).save(file)
            self._files.append(file)

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, item: int) -> tuple["Tensor", "Tensor"]:
        import torch
        from PIL import Image

        with Image.open(self._files[item]) as tall:
            pictures = np.array(tall).reshape(self._channels, -1, tall.width)
        return torch.from_numpy(pictures).float() / 255, torch.from_numpy(self._labels[item])


if __name__ == "__main__":
    run_command(lambda words: print_rows(words, "older_way", __doc__, measure, 5))
