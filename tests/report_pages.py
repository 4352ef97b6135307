"""Scores files whose names somebody chose in bad faith, and what a page says where no browser is needed."""

import re
from html import unescape
from pathlib import Path

import numpy as np

from pipeline.evaluation.scores import Scores
from pipeline.page.command import main

HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "\"><svg onload='alert(2)'>",
    "&lt;b&gt; ]]> --> ${alert(3)}",
)


def drawn_multilabel(
    prefix: str = "t", classes: tuple[str, ...] = ("MI", "CD"), n: int = 300, seed: int = 0, skill: float = 2.0
) -> Scores:
    """The same truth for every seed; classes of falling frequency."""
    truth = np.random.default_rng(n + len(prefix))
    labels = (truth.random((n, len(classes))) < np.linspace(0.4, 0.1, len(classes))).astype(np.uint8)
    logits = np.random.default_rng(seed).normal(size=labels.shape) + skill * labels - 1.5
    items = np.array([f"{prefix}<i>{i}</i>\u202e" for i in range(n)])
    scores = (1 / (1 + np.exp(-logits))).astype(np.float32)
    return Scores(scores, labels, items, classes, "multilabel", patient_id=items)


def written(words: list[str], out: Path) -> str:
    """The page that a command writes."""
    main([*words, "-out", str(out), "-resamples", "100"])
    return out.read_text(encoding="utf-8")


def shown(page: str) -> str:
    """What of a page is text."""
    body = re.sub(r"<(script|style).*?</\1>", "", page.partition("<body>")[2], flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", " ", body))
