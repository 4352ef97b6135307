"""Recurrences over a beat or of one step, never over the batch; each direction is read where it has seen everything."""

import pytest
import torch
from torch import Tensor, nn

from models import SignalNetwork, create_model
from models.signal.beat_recurrent import BeatRecurrent, Seq

NAMES = ["beat_bilstm", "beat_bigru", "seq"]
SAMPLES = 187


def made(name: str, leads: int = 1, **options: object) -> SignalNetwork:
    torch.manual_seed(0)
    network = create_model(name, in_channels=leads, n_classes=5, **options).eval()
    assert isinstance(network, SignalNetwork)
    return network


def beats(n: int = 6, leads: int = 1) -> Tensor:
    return torch.randn(n, leads, SAMPLES, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("steps", ["time", "beat"])
@pytest.mark.parametrize("name", NAMES)
def test_a_beat_has_the_same_answer_in_any_batch(name: str, steps: str) -> None:
    """Fault of 5.4: the published recurrences ran over the batch, at evaluation one that was sorted by class."""
    network, batch = made(name, steps=steps), beats().requires_grad_()
    together = network(batch)
    torch.testing.assert_close(together, torch.cat([network(beat) for beat in batch.split(1)]))
    torch.testing.assert_close(together, network(batch.flip(0)).flip(0))
    together[2].sum().backward()
    assert batch.grad is not None
    assert batch.grad.abs().amax((1, 2)).gt(0).tolist() == [number == 2 for number in range(6)]


@pytest.mark.parametrize(("name", "layer"), [("beat_bilstm", nn.LSTM), ("beat_bigru", nn.GRU)])
def test_the_whole_beat_as_one_step_is_torchs_own_stack(name: str, layer: type[nn.LSTM] | type[nn.GRU]) -> None:
    network, batch = made(name, steps="beat"), beats()
    assert isinstance(network, BeatRecurrent)
    stack = layer(SAMPLES, 128, 2, batch_first=True, bidirectional=True)
    stack.load_state_dict(
        {k.replace("_l0", f"_l{i}"): v for i, each in enumerate(network.layers) for k, v in each.state_dict().items()}
    )
    outputs = stack(batch)[0]  # (n, 1, 256): of n sequences one step, each of 187 numbers
    torch.testing.assert_close(network.tokens(batch), outputs)
    summed = outputs[:, 0, :128] + outputs[:, 0, 128:]
    torch.testing.assert_close(network.features(batch), network.hidden(summed))


@pytest.mark.parametrize("name", ["beat_bilstm", "beat_bigru"])
def test_over_time_each_direction_is_read_at_its_own_end(name: str) -> None:
    network, batch = made(name), beats()
    assert isinstance(network, BeatRecurrent)
    tokens = network.tokens(batch)
    assert tokens.shape == (6, SAMPLES, 256)
    torch.testing.assert_close(network.pool(tokens), network.hidden(tokens[:, -1, :128] + tokens[:, 0, 128:]))


@pytest.mark.parametrize("name", NAMES)
def test_all_leads_are_seen_where_a_beat_is_one_step(name: str) -> None:
    network, batch = made(name, leads=2, steps="beat"), beats(leads=2)
    other = batch.clone()
    other[:, 1] += 1
    assert (network(batch) - network(other)).abs().max() > 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_a_beat_that_is_one_step_has_one_length(name: str) -> None:
    network = made(name, steps="beat")
    with pytest.raises(ValueError, match="252 samples; the network was built for n_samples=187"):
        network(torch.zeros(2, 1, 252))
    with pytest.raises(ValueError, match="100 samples; the smallest number that goes in is 187"):
        network(torch.zeros(2, 1, 100))
    assert made(name, steps="beat", n_samples=252)(torch.zeros(2, 1, 252)).shape == (2, 5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("garbage", [0.0, 1e3, float("nan")])
def test_padding_behind_a_beat_that_is_one_step_changes_nothing(name: str, garbage: float) -> None:
    network, batch = made(name, steps="beat"), beats()
    longer = torch.cat([batch, torch.full((6, 1, 20), garbage)], dim=2)
    length = torch.full((6,), SAMPLES)
    assert network.token_length(length).tolist() == [1] * 6
    torch.testing.assert_close(network(longer, length=length), network(batch))


@pytest.mark.parametrize("name", NAMES)
def test_other_steps_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="steps 'sample' is neither time nor beat"):
        made(name, steps="sample")


def test_seq_lays_a_beat_out_as_eleven_pieces_of_seventeen() -> None:
    """As published: the pieces are channels, and what three convolutions leave of them is one step."""
    network, batch = made("seq", steps="beat"), beats()
    assert isinstance(network, Seq)
    first, second, third = (layer for layer in network.body.modules() if isinstance(layer, nn.Conv1d))
    pieces = torch.stack([batch[:, 0, 17 * piece : 17 * (piece + 1)] for piece in range(11)], dim=1)
    y = nn.functional.max_pool1d(first(pieces).relu(), 2)
    y = third(nn.functional.max_pool1d(second(y).relu(), 2)).relu()
    assert y.shape == (6, 128, 2)
    torch.testing.assert_close(network.tokens(batch), y.flatten(1)[:, None])
    state = network.encoder(y.flatten(1)[:, None])[1]
    decoded = network.decoder(torch.zeros(6, 1, 256), state)[0][:, 0]
    torch.testing.assert_close(network.features(batch), network.hidden(decoded[:, :100] + decoded[:, 100:]))


def test_seq_hears_a_sequence_over_time() -> None:
    """Fault of 5.4: a sequence of length one is no sequence. The encoder's order matters, and it is one of time."""
    network, batch = made("seq"), beats()
    tokens = network.tokens(batch)
    assert tokens.shape == (6, 45, 128)
    assert (network.pool(tokens) - network.pool(tokens.flip(1))).abs().max() > 1e-4
    assert made("seq", steps="beat").tokens(batch).shape[1] == 1


def test_the_decoder_of_seq_begins_at_each_items_own_ends() -> None:
    network, tokens = made("seq"), torch.randn(3, 45, 128)
    length = torch.tensor([187, 60, 11])
    steps = network.token_length(length)
    together = network.pool(tokens, length)
    for row, n in enumerate(steps.tolist()):
        torch.testing.assert_close(together[row], network.pool(tokens[row : row + 1, :n])[0])


def test_too_few_samples_for_pieces_are_refused() -> None:
    with pytest.raises(ValueError, match="n_samples is 110; the smallest number that goes in is 111"):
        made("seq", steps="beat", n_samples=110)
    assert made("seq", steps="beat", n_samples=111)(torch.zeros(1, 1, 111)).shape == (1, 5)
