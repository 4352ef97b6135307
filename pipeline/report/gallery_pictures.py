"""The pictures of the documentation, all of simulated hearts and drawn scores: the same every time."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from pipeline.machine.files import make_folder, replace_atomically
from pipeline.report.figures import (
    plot_comparison,
    plot_counts,
    plot_ecg,
    plot_explanation,
    plot_images,
    plot_learning,
    plot_roc,
    save_figure,
)
from pipeline.signals.leads import LEADS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pipeline.evaluation.figures import Evaluation
    from pipeline.evaluation.scores import Scores
    from pipeline.representations.recipe import ImageRecipe

_RATE, _DPI = 500, 110
_CLASSES = ("MI", "STTC", "CD", "HYP")
_LEAD = "II"


def draw_gallery(folder: Path) -> list[Path]:
    """Saves each picture as ``NAME.png`` and gives the paths, in order.

    Args:
        folder: where; made where it is not there.
    """
    make_folder(folder)
    paths = []
    for name, make in PICTURES.items():
        paths.append(folder / f"{name}.png")
        save_figure(paths[-1], make(), dpi=_DPI)
        _make_small(paths[-1])
    return paths


def _make_small(path: Path) -> None:
    """A picture of at most 256 colours, for a page that is read far from where it lies."""
    with Image.open(path) as image:
        small = image.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    replace_atomically(path, lambda temporary: small.save(temporary, format="png", optimize=True))


def simulated_mv(seed: int = 3) -> np.ndarray:
    """Ten seconds of a simulated heart in sinus rhythm, (12, 5000) in mV at 500 Hz."""
    from pipeline.sources.simulation.heart import draw_electrodes, draw_heart, simulate

    rng = np.random.default_rng(seed)
    heart, electrodes = draw_heart(rng), draw_electrodes(rng)
    return simulate(heart, electrodes, np.random.default_rng([seed, 1]), _RATE)


def beat_mv() -> np.ndarray:
    """The usual beat of that heart, (12, 400) in mV at 500 Hz: 0.32 s before its R peak to 0.48 s after it."""
    from pipeline.signals.beats import BEAT_S, median_beat
    from pipeline.signals.filters import band_pass

    return median_beat(band_pass(simulated_mv(), _RATE, (0.5, 40.0)), _RATE, *BEAT_S).mv


def _ecg() -> "Figure":
    return plot_ecg(simulated_mv(), _RATE, LEADS, title="a simulated heart", narrow=True)


def _beat() -> "Figure":
    lead = beat_mv()[[LEADS.index(_LEAD)]]
    return plot_ecg(lead, _RATE, [_LEAD], title="the beat that the images are of", narrow=True, speed=100.0, gain=20.0)


def _images() -> "Figure":
    """The beat in every representation; of the angular field both forms."""
    from pipeline.representations import ImageRecipe

    recipes = {
        "angular field, sum": ("gaf", ImageRecipe(size=128)),
        "angular field, difference": ("gaf", ImageRecipe(size=128, gaf_method="difference")),
        "Markov transition field": ("mtf", ImageRecipe(size=128)),
        "recurrence plot": ("rp", ImageRecipe(size=128)),
        "spectrogram": ("stft", ImageRecipe(size=128)),
    }
    beat = beat_mv()
    images, made = _drawn(beat[[LEADS.index(_LEAD)]], list(recipes.values()))
    map_image, map_made = _lead_map(beat)
    return plot_images(
        np.concatenate([images, map_image], axis=1),
        [*made, map_made],
        [_LEAD],
        _RATE,
        seconds=beat.shape[1] / _RATE,
        titles=[*recipes, "lead map, all twelve leads"],
    )


def _drawn(
    x: np.ndarray, recipes: Sequence[tuple[str, "ImageRecipe"]]
) -> tuple[np.ndarray, list[tuple[str, dict[str, Any]]]]:
    """Images (leads, recipes, height, width) of leads in mV, and what made them."""
    import torch

    from pipeline.representations import draw_images

    leads, images, made = torch.from_numpy(x.astype(np.float32)), [], []
    for name, recipe in recipes:
        place = recipe.representations.index(name)
        images.append(draw_images(leads, _RATE, recipe).numpy()[:, place])
        made.append((name, recipe.parameters(name)))
    return np.stack(images, axis=1), made


def _lead_map(x: np.ndarray) -> tuple[np.ndarray, tuple[str, dict[str, Any]]]:
    """The lead map (1, 1, height, width) of twelve leads in mV, and what made it."""
    import torch

    from pipeline.representations import LEAD_MAP_KEY, LeadMapRecipe, in_lead_map_order, lead_map

    recipe = LeadMapRecipe(size=128)
    image = lead_map(in_lead_map_order(torch.from_numpy(x.astype(np.float32)), LEADS), recipe).numpy()
    return image[None, None], (LEAD_MAP_KEY, recipe.parameters())


def _explanation() -> "Figure":
    """Values that were drawn for the example: QRS complexes of V1 and V2 speak for it, T waves of V5 against it."""
    from pipeline.signals.peaks import r_peaks

    x = simulated_mv()
    seconds, values = np.arange(x.shape[1]) / _RATE, np.zeros_like(x)
    for peak in r_peaks(x, _RATE) / _RATE:
        for lead, after, width, height in (("V1", 0.0, 0.03, 0.6), ("V2", 0.0, 0.03, 1.0), ("V5", 0.28, 0.06, -0.5)):
            values[LEADS.index(lead)] += height * np.exp(-0.5 * ((seconds - peak - after) / width) ** 2)
    notes = ["Values that were drawn for this example: what speaks for the class is orange, what against it blue."]
    how = {"moments": values.sum(0), "unit": "fall of the log-odds", "title": "what moved a class", "notes": notes}
    return plot_explanation(x, values, _RATE, LEADS, **how)


def _scores(skill: float, seed: int, partition: str = "test", n: int = 800) -> "Scores":
    """Drawn scores of four classes; labels are the same for every skill and seed, two items a patient."""
    from pipeline.evaluation.scores import Scores

    truth = np.random.default_rng([n, partition == "dev"]).random((n, 4)) < np.array([0.3, 0.25, 0.15, 0.08])
    logits = skill * (2.0 * truth - 1.0) - 1.0 + np.random.default_rng([seed, n]).normal(0, 1.4, truth.shape)
    names = np.array([f"{partition}{number}" for number in range(n)])
    patients = np.array([f"{partition}{number // 2}" for number in range(n)])
    return Scores(1 / (1 + np.exp(-logits)), truth, names, _CLASSES, "multilabel", patient_id=patients)


def _evaluation(skill: float = 1.0, seed: int = 0) -> "Evaluation":
    from pipeline.evaluation.figures import evaluate
    from pipeline.evaluation.intervals import Resampling

    return evaluate(_scores(skill, seed), _scores(skill, seed + 50, "dev"), resampling=Resampling(400))


def _roc() -> "Figure":
    return plot_roc(_scores(1.0, 0), evaluation=_evaluation(), title="drawn scores of 800 items")


def _counts() -> "Figure":
    return plot_counts(_evaluation(), title="drawn scores of 800 items, thresholds of other 800")


def _comparison() -> "Figure":
    from pipeline.evaluation.comparison import compare

    models = {"signal": (1.0, 0), "signal, another seed": (1.0, 1), "images": (0.7, 2), "beat": (0.97, 3)}
    found = compare({name: _evaluation(*how) for name, how in models.items()})
    return plot_comparison(found, title="four networks that were drawn")


def _learning() -> "Figure":
    """A log that was drawn: the loss falls on, dev turns."""
    epochs, draw = np.arange(1, 31), np.random.default_rng(0)
    losses = 0.25 + 0.45 * np.exp(-epochs / 7) + draw.normal(0, 0.006, 30)
    figures = 0.93 - 0.2 * np.exp(-epochs / 4) - 0.00006 * epochs**2 + draw.normal(0, 0.003, 30)
    log = {"epoch": epochs.tolist(), "train_loss": losses.tolist(), "dev_macro_auroc": figures.tolist()}
    return plot_learning(log, title="a log that was drawn")


PICTURES: Mapping[str, Callable[[], "Figure"]] = {
    "ecg": _ecg,
    "beat": _beat,
    "images": _images,
    "explanation": _explanation,
    "roc": _roc,
    "counts": _counts,
    "learning": _learning,
    "comparison": _comparison,
}
"""Name of each picture to what makes it."""
