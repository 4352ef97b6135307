"""Long convolutions by products are those by a Fourier transform, and are made where a graph is made alone."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models import create_model
from models.signal.state_space import DiagonalStateSpace
from pipeline.export import convolution
from pipeline.export.convolution import ConvolvedByProducts, convolve_by_products
from pipeline.export.onnx_file import recording


@pytest.fixture
def space() -> DiagonalStateSpace:
    torch.manual_seed(0)
    return DiagonalStateSpace(5, 8)


@pytest.mark.parametrize("time", [1, 2, 3, 90, 250, 1000, 1001])
def test_they_are_those_of_the_network(space: DiagonalStateSpace, time: int, monkeypatch: pytest.MonkeyPatch):
    by_products, u = ConvolvedByProducts(space), torch.randn(3, 5, time)
    wanted = space(u)
    monkeypatch.setattr(space, "forward", lambda u: pytest.fail("the network was asked"))
    monkeypatch.setattr(convolution, "is_recorded", lambda u: True)
    torch.testing.assert_close(by_products(u), wanted, atol=1e-5, rtol=1e-5)


def test_a_graph_has_them_and_no_transform(space: DiagonalStateSpace):
    u = torch.randn(2, 5, 70)
    by_products = ConvolvedByProducts(space).eval()
    with recording(), torch.no_grad():
        traced = torch.jit.trace(by_products, (u,), check_trace=False)
        said = str(traced.inlined_graph)
        assert "matmul" in said
        assert "fft" not in said
        others = torch.randn(3, 5, 70)
        torch.testing.assert_close(traced(others), space(others), atol=1e-5, rtol=1e-5)
        held = torch.export.export(by_products, (u,), dynamic_shapes=({0: torch.export.Dim("n", min=1)},)).module()
        torch.testing.assert_close(held(others), space(others), atol=1e-5, rtol=1e-5)


def test_elsewhere_the_network_is_asked(space: DiagonalStateSpace):
    u = torch.randn(2, 5, 70)
    assert torch.equal(ConvolvedByProducts(space)(u), space(u))


def test_every_layer_of_a_network_is_changed():
    network = create_model("s4d", in_channels=2, n_classes=3, d_model=8, n_layers=3).eval()
    u = torch.randn(2, 2, 60)
    wanted: Tensor = network(u)
    convolve_by_products(network)
    kinds = [type(layer) for layer in network.modules() if isinstance(layer, DiagonalStateSpace | ConvolvedByProducts)]
    assert kinds == [ConvolvedByProducts, DiagonalStateSpace] * 3
    assert torch.equal(network(u), wanted)


def test_a_network_without_any_stays_as_it_is():
    network = nn.Sequential(nn.Conv1d(1, 2, 3), nn.ReLU())
    convolve_by_products(network)
    assert [type(layer) for layer in network] == [nn.Conv1d, nn.ReLU]


def test_matrices_stay_small():
    """A minute at 100 Hz would have a matrix of 10⁸ numbers in one product."""
    rows, columns = convolution._sides(6000)
    assert rows * columns >= 2 * 6000 - 1
    assert max(rows, columns) <= 1 + np.sqrt(2 * 6000)
