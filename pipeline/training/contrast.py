"""Learning where a teacher sees items, beside what it says of them: a contrast of features, and the loss of it.

A student that sees one lead is to place an item near where its teacher, who sees twelve, places it and others that bear
the same labels, and far from where the teacher places all others of the batch.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH = 128  # in which both are compared


def overlap(labels: Tensor) -> Tensor:
    """How far the labels of each two items are the same: what both bear, of what either does.

    An item is the same as itself, whether it bears a label or not; of two others that bear none, nothing is known.

    Args:
        labels: from 0 to 1; those of mixed items are between.

    Shape:
        (n, classes) to (n, n), from 0 to 1, 1 on the diagonal.
    """
    both = torch.minimum(labels[:, None], labels[None]).sum(2)
    either = torch.maximum(labels[:, None], labels[None]).sum(2)
    shared = torch.where(either > 0, both / either.clamp(min=torch.finfo(labels.dtype).tiny), 0.0)
    return shared.fill_diagonal_(1.0)


def contrast_loss(student: Tensor, teacher: Tensor, alike: Tensor, temperature: float) -> Tensor:
    """Which of the teacher's items are those of each of the student's: a cross-entropy with soft targets.

    Of each row the target is ``alike``, divided by its sum, and the answer the softmax of the cosines over the
    temperature. Where no item is like another this is InfoNCE; where all are alike it is least with equal cosines.

    Args:
        student: where it sees each item.
        teacher: where that sees the same items.
        alike: how far an item of the teacher's (column) is a positive of one of the student's (row), 0 or more, with
            something in each row.
        temperature: of the softmax, above 0.

    Shape:
        - student, teacher: (n, width)
        - alike: (n, n)
        - returns: ``()``, the mean over the items

    Reference:
        Van den Oord, Li and Vinyals, Representation learning with contrastive predictive coding, 2018; Khosla et al.,
        Supervised contrastive learning, NeurIPS 2020, for positives of one label. After the contrastive loss of Qin et
        al., MVKT-ECG: efficient single-lead ECG classification on multi-label arrhythmia by multi-view knowledge
        transferring, 2023, a bound of mutual information whose positives share a disease. Here the negatives are those
        of the batch, and what is shared counts by how much it is.
    """
    cosines = functional.normalize(student, dim=1) @ functional.normalize(teacher, dim=1).T
    said = (cosines / temperature).log_softmax(1)
    return -(alike / alike.sum(1, keepdim=True) * said).sum(1).mean()


class Contrast(nn.Module):
    """What a training compares its features with, and the two linear layers that bring both to one width.

    The layers are trained with the network and are no part of it. ``state_dict`` has them alone.

    Args:
        width: of the student's features.
        taught: (items, width of its own) where the teacher sees the training items.
        labels: (items, classes) of these, 0 or 1.
        weight: of the loss, above 0.
        temperature: of the loss, above 0.
        seed: of the fresh layers, which draw from no generator that others do.
    """

    taught: Tensor
    labels: Tensor

    def __init__(
        self, width: int, taught: np.ndarray, labels: np.ndarray, weight: float, temperature: float, seed: int
    ) -> None:
        super().__init__()
        self.weight, self.temperature = weight, temperature
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.of_student, self.of_teacher = nn.Linear(width, WIDTH), nn.Linear(taught.shape[1], WIDTH)
        self.register_buffer("taught", torch.from_numpy(taught), persistent=False)
        self.register_buffer("labels", torch.from_numpy(labels.astype(np.float32)), persistent=False)

    def forward(self, features: Tensor, taught: Tensor, labels: Tensor) -> Tensor:
        """The weighted loss of a batch, ``()``.

        Args:
            features: (n, width) of the student.
            taught: (n, width of its own) of the teacher, of the same items.
            labels: (n, classes) of these.
        """
        loss = contrast_loss(self.of_student(features), self.of_teacher(taught), overlap(labels), self.temperature)
        return self.weight * loss
