"""What every representation keeps: shapes, types, ranges, single leads in a batch, finite gradients, refusals."""

import pytest
import torch

from pipeline.representations import REPRESENTATIONS, ImageRecipe

SCALES = ["record", "fixed"]
NAMES = list(REPRESENTATIONS)
OPTIONS = [{}, {"gaf_method": "difference", "mtf_strategy": "uniform", "rp_dimension": 3, "rp_delay": 2}]


def draw(name, x, size=32, scale="record", **options):
    parameters = ImageRecipe((name,), size, scale, **options).parameters(name)
    del parameters["value_range"]
    return REPRESENTATIONS[name].draw(x, sampling_rate=100.0, **parameters)


def extremes():
    """Leads at which naive roots and logarithms have no slope."""
    n = 300
    ramp = torch.linspace(-1, 1, n, dtype=torch.float64)
    rows = [
        torch.zeros(n),
        torch.full((n,), 2.0),  # the end of the fixed range
        ramp.sign(),
        ramp,
        ramp * 10,
        ramp.abs() < 0.01,  # one spike
        ramp.sign() * 1e-9,
        torch.randn(n, dtype=torch.float64),
    ]
    return torch.stack([row.double() for row in rows])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", NAMES)
class TestShape:
    @pytest.mark.parametrize("leading", [(), (2,), (2, 3), (0,)])
    def test_leading_dimensions_and_type_are_kept(self, name, dtype, leading):
        image = draw(name, torch.randn(*leading, 300, dtype=dtype))
        assert image.shape == (*leading, 32, 32)
        assert image.dtype == dtype

    def test_nothing_has_a_gradient_of_nothing(self, name, dtype):
        x = torch.empty(0, 300, dtype=dtype, requires_grad=True)
        image = draw(name, x)
        if image.requires_grad:
            image.sum().backward()
            assert x.grad.shape == (0, 300)

    def test_a_lead_in_a_batch_is_that_lead_alone(self, name, dtype):
        x = torch.randn(5, 3, 300, dtype=dtype)
        torch.testing.assert_close(draw(name, x)[4, 1], draw(name, x[4, 1]), rtol=1e-6, atol=1e-6)

    def test_memory_layout_does_not_matter(self, name, dtype):
        x = torch.randn(300, 4, dtype=dtype).mT
        torch.testing.assert_close(draw(name, x), draw(name, x.contiguous()))


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", NAMES)
def test_values_stay_in_the_stated_range(name, scale, options):
    low, high = ImageRecipe((name,), 32, scale, **options).parameters(name)["value_range"]
    image = draw(name, extremes(), scale=scale, **options)
    assert low - 1e-12 <= image.min()
    assert image.max() <= high + 1e-12


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", [name for name in NAMES if name != "mtf"])
class TestGradient:
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_is_finite_everywhere(self, name, scale, options, dtype):
        x = extremes().to(dtype).requires_grad_()
        draw(name, x, scale=scale, **options).square().sum().backward()
        assert bool(torch.isfinite(x.grad).all())

    def test_is_the_slope(self, name, scale, options):
        generator = torch.Generator().manual_seed(3)
        x = (torch.randn(40, dtype=torch.float64, generator=generator) / 2).requires_grad_()

        def total(x):
            # below the diagonal, since distances have a kink on it
            image = draw(name, x, size=8, scale=scale, **options, stft_db_range=(-100.0, 40.0))
            return image.tril(-1).sum((-2, -1))

        (slope,) = torch.autograd.grad(total(x), x)
        step = 3e-4 * torch.eye(40, dtype=torch.float64)
        expected = (total(x + step) - total(x - step)).detach() / 6e-4
        torch.testing.assert_close(slope, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
class TestRefusals:
    @pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
    def test_a_missing_sample(self, name, bad):
        x = torch.randn(2, 300)
        x[1, 7] = bad
        with pytest.raises(ValueError, match="NaN or infinite"):
            draw(name, x)

    def test_a_lead_shorter_than_the_size(self, name):
        assert draw(name, torch.randn(64), size=64).shape == (64, 64)
        with pytest.raises(ValueError, match="64 samples and the lead has 63"):
            draw(name, torch.randn(63), size=64)

    def test_whole_numbers_are_no_millivolts(self, name):
        with pytest.raises(ValueError, match="floating-point"):
            draw(name, torch.zeros(300, dtype=torch.int16))

    @pytest.mark.parametrize("size", [0, -3, 2.5, True])
    def test_a_size_that_is_none(self, name, size):
        with pytest.raises(ValueError, match="size"):
            REPRESENTATIONS[name].draw(torch.randn(300), size, 100.0)

    def test_an_unknown_scale(self, name):
        with pytest.raises(ValueError, match="'global'"):
            REPRESENTATIONS[name].draw(torch.randn(300), 32, 100.0, scale="global")


def test_drawing_in_inference_mode_leaves_training_possible():
    x = torch.randn(300)
    with torch.inference_mode():
        for name in NAMES:
            draw(name, x)
    trained = x.clone().requires_grad_()
    sum(draw(name, trained).sum() for name in NAMES).backward()
    assert bool(torch.isfinite(trained.grad).all())


def test_every_one_says_where_it_comes_from():
    assert len({representation.title for representation in REPRESENTATIONS.values()}) == len(REPRESENTATIONS)
    for representation in REPRESENTATIONS.values():
        assert representation.axes in ("time-time", "frequency-time")
        assert representation.reference.paper
        assert representation.reference.draw
