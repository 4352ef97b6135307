"""How few samples make so many tokens."""

import pytest
import torch

from models import SignalNetwork, create_model
from models.pretraining.method import fewest_samples_of, own_tokens


def network(name: str) -> SignalNetwork:
    made = create_model(name, in_channels=2, n_classes=1)
    assert isinstance(made, SignalNetwork)
    return made


@pytest.mark.parametrize("name", ["resnet1d_wang", "gru", "cnn_gru", "ecg_transformer", "rhythm_resnet"])
@pytest.mark.parametrize("n_tokens", [1, 2, 5, 13])
def test_so_many_samples_are_enough_and_one_less_is_not(name: str, n_tokens: int):
    encoder = network(name)
    fewest = fewest_samples_of(encoder, n_tokens)
    assert encoder.token_length(torch.tensor([fewest])).item() >= n_tokens
    if fewest > encoder.smallest_size:
        assert encoder.token_length(torch.tensor([fewest - 1])).item() < n_tokens


def test_tokens_of_whole_items_are_all_of_them():
    x, encoder = torch.zeros(3, 2, 40), network("resnet1d_wang")
    assert own_tokens(encoder, x, None, 10).tolist() == [10, 10, 10]
    assert own_tokens(encoder, x, torch.tensor([40, 5, 17]), 10).tolist() == [10, 2, 5]
