"""8-bit images: the same in a store and in training, in blocks, with enough levels of grey."""

import importlib

import numpy as np
import pytest
import scipy.signal
import torch

from pipeline.representations import (
    REPRESENTATIONS,
    ImageRecipe,
    Representation,
    draw_images,
    to_uint8,
)

MODULE = importlib.import_module("pipeline.representations.drawing")
SMALL = ImageRecipe(size=32)


def test_rounds_half_to_even_and_clips():
    levels = torch.tensor([-1.0, 0.0, 0.5, 1.5, 2.5, 254.5, 255.0, 300.0])
    assert to_uint8(levels, (0.0, 255.0)).tolist() == [0, 0, 0, 2, 2, 254, 255, 255]


@pytest.mark.parametrize("value_range", [(-1.0, 1.0), (0.0, 1.0), (0.0, 3**0.5), (-80.0, 0.0)])
def test_grey_levels_are_the_stated_formula(value_range):
    low, high = value_range
    v = torch.rand(10000, dtype=torch.float64) * (high - low) + low
    expected = np.rint((v.numpy() - low) / (high - low) * 255).astype(np.uint8)
    assert np.array_equal(to_uint8(v, value_range).numpy(), expected)


@pytest.mark.parametrize("leading", [(), (5,), (2, 3), (0, 3)])
def test_shape_is_leads_representations_rows_columns(leading):
    grey = draw_images(torch.randn(*leading, 300), 100.0, SMALL)
    assert grey.shape == (*leading, 4, 32, 32)
    assert grey.dtype == torch.uint8


def test_each_representation_is_its_function_in_float64():
    x = torch.randn(3, 300)
    grey = draw_images(x, 100.0, SMALL)
    for k, (name, representation) in enumerate(REPRESENTATIONS.items()):
        parameters = SMALL.parameters(name)
        value_range = parameters.pop("value_range")
        drawn = representation.draw(x.double(), sampling_rate=100.0, **parameters)
        assert torch.equal(grey[:, k], to_uint8(drawn, value_range))


def test_images_do_not_depend_on_the_batch():
    x = (torch.randn(40, 3, 1000) * 300).round() / 1000
    recipe = ImageRecipe(size=64)
    together = draw_images(x, 100.0, recipe)
    assert all(torch.equal(together[i], draw_images(x[i], 100.0, recipe)) for i in range(0, 40, 7))


@pytest.mark.parametrize("name", [*REPRESENTATIONS, None])
def test_images_may_go_where_others_were(name):
    x, recipe = torch.randn(2, 3, 300), ImageRecipe((name,) if name else tuple(REPRESENTATIONS), 32)
    used = torch.full((4, 3, len(recipe.representations), 32, 32), 77, dtype=torch.uint8)
    assert draw_images(x, 100.0, recipe, out=used[:2]).data_ptr() == used.data_ptr()
    assert torch.equal(used[:2], draw_images(x, 100.0, recipe))
    assert (used[2:] == 77).all()


@pytest.mark.parametrize(
    "out",
    [torch.ones(2, 4, 32, 31).byte(), torch.ones(4, 2, 32, 32).byte().transpose(0, 1), torch.ones(2, 4, 32, 32)],
    ids=["shape", "strides", "type"],
)
def test_images_do_not_go_where_they_do_not_fit(out):
    with pytest.raises(ValueError, match=r"Images of shape \(2, 4, 32, 32\) go into contiguous uint8 on cpu, not"):
        draw_images(torch.randn(2, 300), 100.0, SMALL, out=out)


def test_any_floating_point_type_is_drawn_in_float64():
    x = (torch.randn(2, 300) * 8).round() / 8
    assert torch.equal(draw_images(x.half(), 100.0, SMALL), draw_images(x.double(), 100.0, SMALL))


def test_autocast_changes_nothing():
    x = torch.randn(2, 300)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = draw_images(x, 100.0, SMALL)
    assert torch.equal(cast, draw_images(x, 100.0, SMALL))


@pytest.mark.parametrize("n_leads", [1, 9, 200])
def test_no_block_grows_with_the_number_of_leads(monkeypatch, n_leads):
    monkeypatch.setattr(MODULE, "CPU_BLOCK_PIXELS", 4 * 10 * 300)
    monkeypatch.setattr(MODULE, "KERNEL_BLOCK_PIXELS", 4 * 10 * 300)
    sizes = []

    def counted(draw):
        def drawn(representation, leads, *rest, **options):
            sizes.append(len(leads))
            return draw(representation, leads, *rest, **options)

        return drawn

    for draw in (Representation.draw, Representation.draw_grey):
        monkeypatch.setattr(Representation, draw.__name__, counted(draw))
    draw_images(torch.randn(n_leads, 300), 100.0, SMALL)
    assert max(sizes) <= 4
    assert sum(sizes) >= 4 * n_leads  # in four representations


def test_bad_leads_are_refused_before_any_is_drawn(monkeypatch):
    monkeypatch.setattr(MODULE, "_draw", None)
    x = torch.randn(50, 300)
    x[49, 0] = float("nan")
    with pytest.raises(ValueError, match="NaN"):
        draw_images(x, 100.0, SMALL)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device, or not asked for with -m gpu")
def test_devices_agree_but_for_a_pixel_in_a_million():
    x = (torch.randn(64, 3, 1000) * 300).round() / 1000
    here = draw_images(x, 100.0, ImageRecipe()).int()
    there = draw_images(x.cuda(), 100.0, ImageRecipe()).cpu().int()
    assert (here - there).abs().max() <= 1
    assert (here != there).double().mean() <= 1e-6


@pytest.mark.realdata
def test_real_records_use_the_levels_of_grey(ptbxl_folder):
    files = sorted(ptbxl_folder.glob("records100/*/*_lr.dat"))
    chosen = files[:: max(1, len(files) // 100)][:100]
    counts = np.stack([np.fromfile(file, "<i2").reshape(1000, 12).T[[0, 1, 7]] for file in chosen])
    band = scipy.signal.butter(4, [0.5, 40], "bandpass", fs=100, output="sos")
    x = torch.from_numpy(scipy.signal.sosfiltfilt(band, counts / 1000).round(3))
    grey = draw_images(x, 100.0, ImageRecipe())
    for k, name in enumerate(REPRESENTATIONS):
        assert len(grey[:, :, k].unique()) >= 100, name
        each = [len(image.unique()) for image in grey[:, :, k].flatten(0, 1)]
        # a fixed range leaves levels to greater hearts than this one
        assert np.median(each) >= (50 if ImageRecipe().parameters(name)["scale"] == "fixed" else 100), name
        assert (grey[:, :, k] == 255).double().mean() < 0.01, name
        assert (grey[:, :, k] == 0).double().mean() < 0.2, name
