"""Augmentations: random by the generator alone, nothing at a strength of 0, and what each does to a signal."""

import math

import pytest
import torch
from torch import Generator, Tensor

from pipeline.signals.augmentations import (
    AUGMENTATIONS,
    WANDER_HZ,
    augment,
    check_augmentations,
    lead_dropout,
    scaling,
    time_mask,
    time_shift,
    time_warp,
    wander,
)

RATE = 100.0
NAMES = list(AUGMENTATIONS)


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def leads(n: int = 4, n_leads: int = 3, time: int = 400) -> Tensor:
    return torch.randn(n, n_leads, time, generator=seeded(9), dtype=torch.float64)


def ends_of(x: Tensor) -> Tensor:
    return torch.full((len(x), 1, 1), x.shape[-1])


@pytest.mark.parametrize("name", NAMES)
class TestEach:
    def test_the_same_generator_gives_the_same_signals(self, name):
        x, change = leads(), AUGMENTATIONS[name]
        before = x.clone()
        changed = change(x, RATE, seeded(1), 0.5)
        assert torch.equal(changed, change(x, RATE, seeded(1), 0.5))
        assert not torch.equal(changed, change(x, RATE, seeded(2), 0.5))
        assert not torch.equal(changed, x)
        assert torch.equal(x, before)

    def test_global_randomness_is_left_alone(self, name):
        state = torch.get_rng_state()
        AUGMENTATIONS[name](leads(), RATE, seeded(), 0.5)
        assert torch.equal(torch.get_rng_state(), state)

    def test_no_strength_is_no_change(self, name):
        x = leads()
        assert torch.equal(AUGMENTATIONS[name](x, RATE, seeded(), 0.0), x)

    def test_the_function_goes_to_no_change_with_the_strength(self, name):
        """Nothing jumps at 0, where the function is not even called."""
        x = leads()
        torch.testing.assert_close(AUGMENTATIONS[name].function(x, RATE, seeded(), 1e-12, ends_of(x)), x)

    def test_padding_is_untouched_and_never_read(self, name):
        x = leads()
        length = torch.tensor([400, 250, 1, 0])
        inside = torch.arange(400) < length[:, None, None]
        x = torch.where(inside, x, 77.0)
        changed = AUGMENTATIONS[name](x, RATE, seeded(), 0.5, length)
        assert (changed[~inside.expand_as(x)] == 77).all()
        other = AUGMENTATIONS[name](torch.where(inside, x, -5.0), RATE, seeded(), 0.5, length)
        assert torch.equal(torch.where(inside, changed, 0), torch.where(inside, other, 0))

    @pytest.mark.parametrize("shape", [(0, 3, 50), (2, 3, 0), (2, 0, 50), (2, 1, 1), (1, 12, 2)])
    def test_any_shape_is_kept(self, name, shape):
        assert AUGMENTATIONS[name](torch.ones(shape), RATE, seeded(), 0.5).shape == shape

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_types_are_kept_and_values_are_numbers(self, name, dtype):
        changed = AUGMENTATIONS[name](leads().to(dtype), RATE, seeded())
        assert changed.dtype == dtype
        assert torch.isfinite(changed).all()

    @pytest.mark.parametrize("strength", [-0.1, math.nan, math.inf])
    def test_a_strength_that_is_none_is_refused(self, name, strength):
        with pytest.raises(ValueError, match=r"The .* is 0( or more| to )"):
            AUGMENTATIONS[name](leads(), RATE, seeded(), strength)

    def test_its_strength_is_within_its_range_and_it_says_where_it_comes_from(self, name):
        assert 0 < AUGMENTATIONS[name].strength <= AUGMENTATIONS[name].largest
        assert AUGMENTATIONS[name].reference
        assert AUGMENTATIONS[name].means


def test_noise_has_its_deviation_at_most_and_is_another_in_every_lead():
    x = torch.zeros(50, 2, 2000)
    added = AUGMENTATIONS["noise"](x, RATE, seeded(), 0.3)
    deviation = added.std(-1)
    assert deviation.max() < 0.32
    assert deviation.mean() == pytest.approx(0.15, abs=0.03)
    assert abs(torch.corrcoef(added[0])[0, 1]) < 0.1


def test_a_wander_is_slow_and_the_same_in_all_leads_but_for_a_factor():
    x = torch.zeros(8, 2, 4000, dtype=torch.float64)
    added = wander(x, RATE, seeded(), 0.2, ends_of(x))
    assert added.abs().max() <= 0.2
    assert torch.linalg.matrix_rank(added[0], rtol=1e-9) == 1
    power = torch.fft.rfft(added * torch.hann_window(4000, dtype=torch.float64)).abs().square().sum((0, 1))
    hertz = torch.fft.rfftfreq(4000, 1 / RATE)
    assert power[hertz > WANDER_HZ[1] + 0.1].sum() < 1e-6 * power.sum()


def test_scaling_keeps_the_proportions_of_leads():
    x = leads(200)
    factor = scaling(x, RATE, seeded(), 0.25, ends_of(x)) / x
    assert (factor - factor[:, :1, :1]).abs().max() < 1e-12
    assert 0.8 <= factor.min() < 0.82
    assert 1.23 < factor.max() <= 1.25


@pytest.mark.parametrize("n_leads", [1, 2, 12])
@pytest.mark.parametrize("strength", [0.3, 1.0])
def test_lead_dropout_zeroes_whole_leads_and_leaves_one(n_leads: int, strength: float):
    x = leads(500, n_leads, 20)
    dropped = lead_dropout(x, RATE, seeded(), strength, ends_of(x))
    is_zero = (dropped == 0).all(-1)
    assert torch.equal(dropped, torch.where(is_zero[..., None], 0, x))
    assert not is_zero.all(1).any()
    if strength == 1:
        assert (is_zero.sum(1) == n_leads - 1).all()
    elif n_leads == 12:
        assert is_zero.double().mean() == pytest.approx(strength, abs=0.02)


def test_a_warp_keeps_the_ends_and_the_order_and_changes_the_rate_by_no_more_than_its_strength():
    """Of a ramp the value is the time: its slope is how fast time goes."""
    x = torch.arange(400, dtype=torch.float64).expand(100, 2, -1)
    length = torch.full((100,), 301)
    warped = time_warp(x, RATE, seeded(), 0.3, length[:, None, None])[..., :301]
    torch.testing.assert_close(warped[..., [0, 300]], x[..., [0, 300]])
    slope = warped.diff(dim=-1)
    assert slope[..., 2:-2].min() >= 0.7 - 1e-9
    assert slope[..., 2:-2].max() <= 1.3 + 1e-9
    assert slope.min() > 0
    assert (warped - x[..., :301]).abs().amax(-1).mean() > 3
    assert torch.equal(warped[:, 0], warped[:, 1])


def test_a_warped_wave_keeps_its_height():
    seconds = torch.arange(1000, dtype=torch.float64) / RATE
    x = (2 * math.pi * 10 * seconds).sin().expand(20, 1, -1)  # as steep as a QRS complex
    assert time_warp(x, RATE, seeded(), 0.1, ends_of(x)).amax((1, 2)).min() > 0.97


def test_a_shift_is_by_whole_samples_and_repeats_the_ends():
    x = torch.arange(400, dtype=torch.float64).expand(60, 2, -1)
    shifted = time_shift(x, RATE, seeded(), 0.25, ends_of(x))
    shift = (shifted - x)[:, 0, 200]
    assert torch.equal(shifted, (x + shift[:, None, None]).clamp(0, 399))
    assert torch.equal(shift, shift.round())
    assert 20 <= shift.abs().max() <= 25
    assert shift.min() < 0 < shift.max()


def test_a_mask_hides_one_span_of_all_leads_at_the_mean_of_each():
    x = leads(300)
    length = torch.tensor([400, 300, 21] * 100)
    inside = torch.arange(400) < length[:, None, None]
    masked = time_mask(torch.where(inside, x, 1e6), RATE, seeded(), 0.2, length[:, None, None])
    for item, changed, n in zip(x[..., :], masked, length.tolist(), strict=True):
        own, seen = item[:, :n], changed[:, :n]
        hidden = seen != own
        assert torch.equal(hidden, hidden[:1].expand_as(hidden))
        places = hidden[0].nonzero().flatten()
        assert len(places) <= 0.2 * n
        assert not len(places) or places[-1] - places[0] + 1 == len(places)
        torch.testing.assert_close(seen[hidden], own.mean(1, keepdim=True).expand_as(own)[hidden])


def test_masks_are_of_every_length_and_at_every_place():
    x = leads(4000, 1, 40)
    hidden = (time_mask(x, RATE, seeded(), 0.25, ends_of(x)) != x)[:, 0]
    assert hidden.sum(1).bincount().tolist() == pytest.approx([4000 / 11] * 11, rel=0.25)
    of_ten = hidden[hidden.sum(1) == 10].byte().argmax(1)
    assert sorted(of_ten.unique().tolist()) == [*range(31)]
    assert time_mask(x, RATE, seeded(), 1.0, ends_of(x)).std(-1).min() < 1e-9  # an item of which nothing is left


def test_they_are_applied_in_the_order_of_their_names():
    x = leads()
    generator = seeded(5)
    expected = AUGMENTATIONS["noise"](AUGMENTATIONS["scaling"](x, RATE, generator), RATE, generator)
    assert torch.equal(augment(x, RATE, seeded(5), ("scaling", "noise")), expected)
    assert torch.equal(augment(x, RATE, seeded(5), ()), x)


def test_names_are_checked():
    assert check_augmentations(["wander", "noise"]) == ("wander", "noise")
    assert check_augmentations(["noise", "scale"]) == ("noise", "scaling")
    with pytest.raises(ValueError, match="scaling scaling name one twice"):
        check_augmentations(["scale", "scaling"])
    with pytest.raises(ValueError, match="There is no augmentation 'noize': choose from noise"):
        check_augmentations(["noize"])
    with pytest.raises(ValueError, match=f"choose from {', '.join(NAMES)}"):
        check_augmentations(["zzz"])
    with pytest.raises(ValueError, match="noise wander noise name one twice"):
        check_augmentations(["noise", "wander", "noise"])
