"""Figures: what is drawn is what was given, from arrays and from what a run leaves, and no global state knows of it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pipeline.errors import EcgFusionError
from pipeline.evaluation.comparison import Comparison, compare
from pipeline.evaluation.curves import operating_point
from pipeline.evaluation.figures import Evaluation, evaluate
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.scores import Scores, save_scores
from pipeline.report import figures
from pipeline.report.attribution_drawing import AGAINST, FOR
from pipeline.report.comparison_drawing import MOST_PAIRS
from pipeline.report.counts_drawing import MOST_CLASSES
from pipeline.report.roc_drawing import MOST_CURVES
from pipeline.representations import ImageRecipe

CLASSES = ("MI", "$x$", "窦性心律")


def drawn(seed: int = 0, n: int = 90, classes: tuple[str, ...] = CLASSES, prefix: str = "t") -> Scores:
    draw = np.random.default_rng(7)
    labels = draw.random((n, len(classes))) < 0.4
    scores = np.clip(0.3 * labels + np.random.default_rng(seed).random(labels.shape) * 0.7, 0, 1)
    return Scores(scores, labels, np.array([f"{prefix}{i}" for i in range(n)]), classes, "multilabel")


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return evaluate(drawn(), drawn(1, prefix="d"), resampling=Resampling(60))


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compare({name: evaluate(drawn(seed), resampling=Resampling(60)) for seed, name in enumerate("abc")})


def widths_of(axes: Axes) -> list[float]:
    return [bar.get_width() for bar in axes.patches if isinstance(bar, Rectangle)]


def legend_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_the_curve_ends_and_the_ring_stands_where_the_table_says(evaluation: Evaluation):
    scores = drawn()
    page = figures.plot_roc(scores, evaluation=evaluation)
    _, *lines = page.axes[0].lines
    curves, rings = lines[::2], lines[1::2]
    assert evaluation.thresholds is not None
    for number, (curve, ring) in enumerate(zip(curves, rings, strict=True)):
        points = np.asarray(curve.get_xydata())
        assert points[0].tolist() == [0, 0]
        assert points[-1].tolist() == [1, 1]
        threshold = evaluation.thresholds.values[CLASSES[number]]
        at = operating_point(scores.labels[:, number], scores.scores[:, number], threshold)
        assert np.asarray(ring.get_xydata())[0].tolist() == pytest.approx(at)
    said = legend_of(page)
    low, high = evaluation.intervals.classes["MI"]["auroc"] if evaluation.intervals else (0, 0)
    assert said[1] == f"MI {evaluation.classes['MI'].figures['auroc']:.3f} ({low:.3f}–{high:.3f})"
    assert [said[2].split()[0], said[3].split(" 0.")[0]] == ["\\$x\\$", "class 3"]


def test_arrays_a_file_and_its_contents_are_drawn_alike(tmp_path: Path):
    scores = drawn()
    save_scores(tmp_path / "scores.npz", scores)
    pages = [
        figures.plot_roc(scores, thresholds={"MI": 0.5}),
        figures.plot_roc(tmp_path / "scores.npz", thresholds={"MI": 0.5}),
        figures.plot_roc(scores.scores, scores.labels, CLASSES, thresholds={"MI": 0.5}),
    ]
    for number, page in enumerate(pages):
        figures.save_figure(tmp_path / f"{number}.png", page)
    assert len({(tmp_path / f"{number}.png").read_bytes() for number in range(3)}) == 1


def test_one_class_without_a_name_and_one_without_positives():
    assert legend_of(figures.plot_roc(np.array([0.1, 0.9]), np.array([0, 1])))[1] == "class 1 1.000"
    assert legend_of(figures.plot_roc(np.array([0.1, 0.9]), np.array([0, 0])))[1] == "class 1: no positive"
    with pytest.raises(EcgFusionError, match="labels"):
        figures.plot_roc(np.array([0.1, 0.9]))


def test_counts_are_written_and_are_the_lengths_of_their_bars(evaluation: Evaluation):
    page = figures.plot_counts(evaluation, title="a")
    left, right = page.axes
    for axes, (first, second) in ((left, ("TP", "FN")), (right, ("TN", "FP"))):
        texts = [text.get_text() for text in axes.texts]
        counts = [row.counts or {} for row in evaluation.classes.values()]
        assert texts == [str(row[cell]) for row in counts for cell in (first, second)]
        widths = widths_of(axes)[: len(counts)]
        assert widths == pytest.approx([100 * row[first] / (row[first] + row[second]) for row in counts])
        assert len(axes.lines) == len(counts)  # an interval each
    assert [text.get_text() for text in left.get_yticklabels()] == ["MI", "\\$x\\$", "class 3"]


def test_counts_of_a_dict_and_of_nobody():
    page = figures.plot_counts({"MI": {"TP": 0, "FN": 0, "FP": 2, "TN": 6}})
    assert widths_of(page.axes[1]) == [75, 25]
    assert widths_of(page.axes[0]) == [0, 0]


def test_more_classes_than_there_is_room_for_are_said():
    many = drawn(classes=tuple(f"c{i}" for i in range(MOST_CLASSES + 4)))
    page = figures.plot_counts(evaluate(many))
    legend = page.axes[0].get_legend()
    assert legend is not None
    assert legend.get_title().get_text() == f"the {MOST_CLASSES} most frequent of {MOST_CLASSES + 4} classes"
    page = figures.plot_roc(many)
    assert len(page.axes[0].lines) == 1 + MOST_CURVES
    looks = [(line.get_color(), line.get_linestyle()) for line in page.axes[0].lines]
    assert len(set(looks)) == len(looks)


@pytest.mark.parametrize("from_file", [False, True])
def test_the_kept_epoch_is_the_first_best_one(tmp_path: Path, from_file: bool):
    log: dict[str, list[float]]
    log = {"epoch": [1, 2, 3, 4], "train_loss": [0.9, 0.7, 0.6, 0.5], "dev_macro_auroc": [float("nan"), 0.8, 0.7, 0.8]}
    path = tmp_path / "log.csv"
    rows = [",".join(map(str, row)) for row in zip(*log.values(), strict=True)]
    path.write_text("\n".join([",".join(log), *rows]))
    page = figures.plot_learning(path if from_file else log)
    above, below = page.axes
    assert np.asarray(above.lines[0].get_ydata()).tolist() == log["train_loss"]
    assert np.asarray(below.lines[1].get_xydata()).tolist() == [[2, 0.8]]


@pytest.mark.parametrize(
    ("text", "told"),
    [(None, "there is no"), ("a,b\n1,2\n", "is no log"), ("epoch,train_loss,dev_macro_auroc\n", "no epoch")],
)
def test_what_is_no_log_is_refused(tmp_path: Path, text: str | None, told: str):
    if text is not None:
        (tmp_path / "log.csv").write_text(text)
    with pytest.raises(EcgFusionError, match=told):
        figures.plot_learning(tmp_path / "log.csv")


def test_differences_stand_with_their_intervals_hollow_within_noise(comparison: Comparison):
    page = figures.plot_comparison(comparison)
    _, *lines = page.axes[0].lines
    for place, pair in enumerate(comparison.pairs):
        difference = pair.rows["macro"]["auroc"]
        assert np.asarray(lines[2 * place].get_xdata()).tolist() == list(difference.span_holm)
        point = lines[2 * place + 1]
        assert np.asarray(point.get_xdata()).tolist() == [difference.value]
        assert (point.get_markerfacecolor() == "white") == difference.is_within_noise
    names = [text.get_text() for text in page.axes[0].get_yticklabels()]
    assert names == [f"{pair.first} − {pair.second}" for pair in comparison.pairs]
    assert "macro AUROC" in page.axes[0].get_xlabel()


def test_models_whose_names_look_alike_are_numbered():
    long = "a network with a very long name"
    found = compare({f"{long} {each}": evaluate(drawn(each), resampling=Resampling(60)) for each in range(3)})
    names = [text.get_text() for text in figures.plot_comparison(found).axes[0].get_yticklabels()]
    assert names == [f"{i} {long[:23]}… − {j} {long[:23]}…" for i, j in ((1, 2), (1, 3), (2, 3))]


def test_plain_differences_are_drawn_too():
    page = figures.plot_comparison({"image": (0.02, 0.01, 0.03)})
    assert page.axes[0].texts[0].get_text() == "+0.020 (+0.010 to +0.030)"
    many = figures.plot_comparison({str(i): (0.0, -1.0, 1.0) for i in range(MOST_PAIRS + 1)})
    assert many.axes[0].get_title() == f"the first {MOST_PAIRS} of {MOST_PAIRS + 1} pairs"
    with pytest.raises(EcgFusionError, match="no difference"):
        figures.plot_comparison(Comparison({}, ()))


def test_images_stand_by_lead_and_representation():
    recipe = ImageRecipe(size=4, representations=("gaf", "rp"))
    grey = np.arange(2 * 2 * 16, dtype=np.uint8).reshape(2, 2, 4, 4)
    made = {name: recipe.parameters(name) for name in recipe.representations}
    page = figures.plot_images(grey, made, ["I", "II"], 100.0, seconds=1.0)
    panels = [axes for axes in page.axes if axes.images]
    titles = [f"{lead} {title}" for lead in ("I", "II") for title in ("Gramian angular field", "recurrence plot")]
    assert [axes.get_title() for axes in panels] == titles
    shown = np.asarray(panels[3].images[0].get_array())
    low, high = made["rp"]["value_range"]
    np.testing.assert_allclose(shown, low + grey[1, 1] / 255 * (high - low))
    assert panels[0].images[0].get_extent() == [0, 1, 1, 0]
    with pytest.raises(EcgFusionError, match="2 leads in 1 representations"):
        figures.plot_images(grey, [("rp", made["rp"])], ["I", "II"], 100.0)


def test_colour_stands_behind_the_samples_that_it_is_of():
    signal, values = np.zeros((2, 300)), np.zeros((2, 300))
    values[0, 40], values[1, 200] = 2.0, -1.0
    page = figures.plot_explanation(signal, values, 100.0, ["V1", "V2"], moments=values.sum(0), unit="log-odds")
    paper = page.axes[0]
    for image, place, colour, opacity in zip(paper.images, (40, 200), (FOR, AGAINST), (0.75, 0.375), strict=True):
        (row,) = np.asarray(image.get_array())
        assert row[:, 3].argmax() == place
        assert row[place] == pytest.approx([*colour, opacity])
        assert image.get_extent()[1] - image.get_extent()[0] == pytest.approx(300 / 100 * 25)  # 25 mm to the second
    assert any(text.get_text() == "for it: log-odds" for text in page.texts)
    alone = figures.plot_explanation(signal, values, 100.0, ["V1", "V2"])
    assert len(alone.axes) == len(page.axes) - 1


@pytest.mark.parametrize(
    ("values", "moments", "told"),
    [(np.zeros((1, 300)), None, "not those"), (np.zeros((2, 300)), np.zeros(3), "moments"),
     (np.full((2, 300), np.nan), None, "no numbers")],
)  # fmt: skip
def test_values_of_another_signal_are_refused(values, moments, told):
    with pytest.raises(EcgFusionError, match=told):
        figures.plot_explanation(np.zeros((2, 300)), values, 100.0, ["V1", "V2"], moments=moments)


def test_no_figure_needs_pyplot():
    rooms = "pipeline.report.figures, pipeline.report.confusion_drawing, pipeline.report.gallery_pictures"
    code = f"import {rooms}, sys; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
