"""Figures as functions: plain arrays, or what a run leaves, to a figure of matplotlib that no global state knows of.

    from pipeline.report.figures import plot_roc, save_figure
    save_figure(Path("roc.svg"), plot_roc("runs/alexnet/evaluation/test/scores.npz"))

None needs pyplot, a backend or a screen; a file is the same bytes every time. Each is a figure of matplotlib, so that
whatever is to be otherwise can be set on its axes.
"""

from pipeline.report.attribution_drawing import plot_explanation as plot_explanation
from pipeline.report.comparison_drawing import plot_comparison as plot_comparison
from pipeline.report.counts_drawing import plot_counts as plot_counts
from pipeline.report.image_drawing import plot_images as plot_images
from pipeline.report.learning_drawing import plot_learning as plot_learning
from pipeline.report.paper import plot_ecg as plot_ecg
from pipeline.report.paper import save_ecg as save_figure
from pipeline.report.roc_drawing import plot_roc as plot_roc

__all__ = [
    "plot_comparison",
    "plot_counts",
    "plot_ecg",
    "plot_explanation",
    "plot_images",
    "plot_learning",
    "plot_roc",
    "save_figure",
]
