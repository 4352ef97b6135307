"""The linear machine: what it reads, its answers and logits, and what it refuses."""

import pytest
import torch
from torch import Tensor

from models import BranchShape, create_fusion
from models.fusion.svm import LinearMachine

SHAPES = {"a": BranchShape(9, 2), "b": BranchShape(9, 3)}


def machine(**options: object) -> LinearMachine:
    made = create_fusion("svm", branches=SHAPES, n_classes=2, **options)
    assert isinstance(made, LinearMachine)
    return made


def features(n: int = 4) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(n, shape.feature_dim, generator=generator) for name, shape in SHAPES.items()}


def test_answers_and_logits_by_hand():
    made, x = machine(), {"a": torch.tensor([[1.0, 2.0]]), "b": torch.tensor([[3.0, 4.0, 5.0]])}
    made.means.copy_(torch.tensor([0.0, 1.0, 1.0, 4.0, 1.0]))
    made.deviations.copy_(torch.tensor([1.0, 1.0, 2.0, 1.0, 4.0]))  # standardised: 1 1 1 0 1
    made.coefficients.copy_(torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0], [-1.0, 0.0, 0.0, 9.0, 0.0]]))
    made.intercepts.copy_(torch.tensor([0.5, -0.5]))
    assert made.standardised(x).tolist() == [[1, 1, 1, 0, 1]]
    assert made.decide(x).tolist() == [[11.5, -1.5]]
    made.slopes.copy_(torch.tensor([2.0, 4.0]))
    made.offsets.copy_(torch.tensor([1.0, 0.0]))
    assert made(x).tolist() == [[24.0, -6.0]]
    assert made.outputs(x)[1] == {}


def test_nothing_is_learnt_step_by_step_and_all_of_it_is_kept():
    made = machine()
    assert not list(made.parameters())
    kept = {"means", "deviations", "coefficients", "intercepts", "slopes", "offsets"}
    assert made.state_dict().keys() == kept
    assert {x.dtype for x in made.state_dict().values()} == {torch.float64}


def test_an_item_does_not_depend_on_its_batch_nor_on_the_order_of_branches():
    made, x = machine(), features()
    made.coefficients.normal_(generator=torch.Generator().manual_seed(1))
    alone = torch.cat([made({name: of[[row]] for name, of in x.items()}) for row in range(4)])
    torch.testing.assert_close(made(x), alone)
    assert torch.equal(made(dict(reversed(x.items()))), made(x))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"C": 0.0}, "C is 0.0; it must be a number above 0, at most 1e"),
        ({"C": float("nan")}, "C of fusion 'svm' is nan; it is a number"),
        ({"C": float("inf")}, "C of fusion 'svm' is inf; it is a number"),
        ({"C": 10**400}, "C is 1000"),
        ({"C": "1"}, "C of fusion 'svm' is '1'; it is a number"),
        ({"C": True}, "C of fusion 'svm' is True; it is a number"),
        ({"kind": "both"}, "kind 'both' is neither 'multilabel' nor 'multiclass'"),
    ],
)
def test_an_option_out_of_range_is_refused(options: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        machine(**options)


def test_other_branches_and_masks_are_refused():
    x = features()
    with pytest.raises(ValueError, match="the branches given are a; the fusion was built for a, b"):
        machine()({"a": x["a"]})
    with pytest.raises(ValueError, match=r"branch 'b' has shape \(4, 2\); the fusion was built for \(n, 3\)"):
        machine()({"a": x["a"], "b": x["b"][:, :2]})
    with pytest.raises(ValueError, match="masks say which tokens are padding"):
        machine()(x, {"a": torch.ones(4, 2, dtype=torch.bool)})
