"""Numbers that no training can use are refused, one sentence each."""

import pytest

from pipeline.errors import EcgFusionError
from pipeline.training.options import TrainOptions
from pipeline.training.ranges import check_ranges


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dropout", 1.0),
        ("dropout", float("nan")),
        ("learning_rate", -1.0),
        ("learning_rate", float("inf")),
        ("weight_decay", -0.1),
        ("momentum", 1.0),
        ("seed", -1),
        ("workers", 1000),
        ("threads", 100_000),
    ],
)
def test_a_number_out_of_its_range_is_refused(name, value):
    with pytest.raises(EcgFusionError, match=f"-{name} .* does not work: take a number of at least"):
        check_ranges(TrainOptions.of(**{name: value}))


def test_what_is_in_range_or_not_given_passes():
    check_ranges(TrainOptions.of())
    check_ranges(TrainOptions.of(dropout=0.0, learning_rate=1e-3, seed=0, workers=256, threads=1024))
