"""Scores of classes that exclude each other, drawn so that they are somewhat right."""

import numpy as np

from pipeline.evaluation.scores import Scores


def drawn_multiclass(
    prefix: str = "t",
    classes: tuple[str, ...] = ("N", "A", "O"),
    n: int = 240,
    skill: float = 1.5,
    seed: int = 0,
    shares: np.ndarray | None = None,
    **names,
) -> Scores:
    """The same truth for every skill and seed; two items a patient."""
    truth = np.random.default_rng(n + len(prefix)).choice(len(classes), size=n, p=shares)
    logits = np.random.default_rng(seed).normal(size=(n, len(classes))) + skill * np.eye(len(classes))[truth]
    scores = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    items = np.array([f"{prefix}{i}" for i in range(n)])
    patients = np.array([f"{prefix}p{i // 2}" for i in range(n)])
    return Scores(scores, np.eye(len(classes))[truth], items, classes, "multiclass", patient_id=patients, **names)
