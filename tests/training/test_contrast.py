"""The contrast with a teacher's features: overlaps by hand, the loss beside a plain loop, whom a gradient reaches."""

import math

import numpy as np
import pytest
import torch

from pipeline.training.contrast import Contrast, contrast_loss, overlap


def drawn(n: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, width, generator=torch.Generator().manual_seed(seed))


def test_overlaps_by_hand():
    labels = torch.tensor([[1.0, 1, 0, 0], [0, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]])
    third = 1 / 3
    expected = torch.tensor(
        [
            [1, third, 1, 0, 0, 0],
            [third, 1, third, 0, 0, 0],
            [1, third, 1, 0, 0, 0],
            [0, 0, 0, 1, 0, 0],
            [0, 0, 0, 0, 1, 0],  # of two that bear nothing, nothing is known
            [0, 0, 0, 0, 0, 1],
        ]
    )
    torch.testing.assert_close(overlap(labels), expected)


def test_classes_that_exclude_each_other_overlap_wholly_or_not_at_all():
    classes = torch.tensor([2, 0, 2, 1])
    expected = (classes[:, None] == classes).float()
    assert torch.equal(overlap(torch.nn.functional.one_hot(classes).float()), expected)


def test_mixed_labels_overlap_by_what_of_each_is_shared():
    mixed = torch.tensor([[0.7, 0.3], [1.0, 0.0]])
    assert float(overlap(mixed)[0, 1]) == pytest.approx(0.7 / 1.3)


def test_with_labels_that_do_not_overlap_it_is_info_nce():
    student, teacher = drawn(5, 3), drawn(5, 3, 1)
    total = 0.0
    for i in range(5):
        near = [
            math.exp(float(student[i] @ teacher[j] / student[i].norm() / teacher[j].norm()) / 0.2) for j in range(5)
        ]
        total -= math.log(near[i] / sum(near))
    loss = contrast_loss(student, teacher, overlap(torch.eye(5)), 0.2)
    assert float(loss) == pytest.approx(total / 5, rel=1e-5)


def test_weighted_positives_beside_a_plain_loop():
    student, teacher = drawn(4, 3), drawn(4, 3, 1)
    alike = overlap(torch.tensor([[1.0, 1, 0], [0, 1, 1], [1, 0, 0], [0, 1, 1]]))
    total = 0.0
    for i in range(4):
        cosines = [float(torch.cosine_similarity(student[i], teacher[j], dim=0)) / 0.5 for j in range(4)]
        whole = math.log(sum(map(math.exp, cosines)))
        total -= sum(float(alike[i, j] / alike[i].sum()) * (cosines[j] - whole) for j in range(4))
    assert float(contrast_loss(student, teacher, alike, 0.5)) == pytest.approx(total / 4, rel=1e-5)


def test_where_all_are_alike_nothing_is_better_than_to_see_them_in_one_place():
    alike = overlap(torch.ones(6, 2))
    one_place = contrast_loss(drawn(6, 3), drawn(1, 3).expand(6, 3), alike, 0.1)
    assert float(one_place) == pytest.approx(math.log(6), rel=1e-5)
    for seed in range(4):
        assert contrast_loss(drawn(6, 3, seed), drawn(6, 3, seed + 9), alike, 0.1) > one_place


def test_lengths_of_features_do_not_count():
    student, teacher, alike = drawn(4, 3), drawn(4, 3, 1), overlap(torch.eye(4))
    longer = 7 * student, torch.tensor([[1.0], [2.0], [3.0], [4.0]]) * teacher
    torch.testing.assert_close(contrast_loss(student, teacher, alike, 0.1), contrast_loss(*longer, alike, 0.1))


def test_an_item_alone_has_nothing_to_be_told_from():
    assert float(contrast_loss(drawn(1, 3), drawn(1, 3, 1), torch.ones(1, 1), 0.1)) == 0


def contrast(seed: int = 0) -> Contrast:
    return Contrast(5, drawn(4, 7, 3).numpy(), np.eye(4, dtype=np.uint8), 0.5, 0.1, seed)


def test_a_gradient_reaches_the_student_and_both_layers_and_not_what_the_teacher_saw():
    compared, features = contrast(), drawn(4, 5).requires_grad_()
    compared(features, compared.taught, compared.labels).backward()
    assert features.grad is not None
    assert (features.grad.abs().amax(1) > 0).all()
    assert all(x.grad is not None and x.grad.any() for name, x in compared.named_parameters() if "weight" in name)
    assert not compared.taught.requires_grad
    assert set(compared.state_dict()) == {
        f"of_{who}.{what}" for who in ("student", "teacher") for what in ("weight", "bias")
    }


def test_its_layers_are_those_of_the_seed_and_draw_from_no_generator_of_the_training():
    before = torch.get_rng_state()
    one, same, other = contrast(), contrast(), contrast(1)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.of_student.weight, same.of_student.weight)
    assert not torch.equal(one.of_student.weight, other.of_student.weight)


def test_learning_brings_each_item_to_where_its_teacher_sees_it():
    compared = contrast()
    features = torch.nn.Parameter(drawn(4, 5))
    optimizer = torch.optim.Adam([features, *compared.parameters()], lr=0.05)
    losses = []
    for _ in range(60):
        loss = compared(features, compared.taught, compared.labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]
