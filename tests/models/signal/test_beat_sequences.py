"""Sequences of beats: each beat is a token of its own, each has an answer, the one in the middle is the item's."""

import pytest
import torch
from torch import Tensor, nn

from models import create_model
from models.signal.beat_sequences import BeatCnnLstm, BeatSeq2Seq, BeatSequenceNetwork, side_by_side

NAMES = ["beat_cnn_lstm", "beat_seq2seq"]
SAMPLES = 100  # of a beat


def made(name: str, n_beats: int = 3, **options: object) -> BeatSequenceNetwork:
    torch.manual_seed(0)
    network = create_model(name, in_channels=2, n_classes=5, n_beats=n_beats, **options).eval()
    assert isinstance(network, BeatSequenceNetwork)
    for layer in network.modules():  # fresh ones say little of what they see
        if isinstance(layer, nn.Conv1d):
            nn.init.kaiming_normal_(layer.weight)
    return network


def sequences(n: int = 4, n_beats: int = 3) -> Tensor:
    return torch.randn(n, 2, n_beats * SAMPLES, generator=torch.Generator().manual_seed(1))


def with_another(batch: Tensor, beat: int) -> Tensor:
    """The same but for one beat."""
    changed = batch.clone()
    changed[..., beat * SAMPLES : (beat + 1) * SAMPLES] *= -1.5
    return changed


@pytest.mark.parametrize("n_beats", [1, 3, 9, 21])
@pytest.mark.parametrize("name", NAMES)
def test_every_beat_has_an_answer_and_the_middle_one_is_the_items(name: str, n_beats: int) -> None:
    network, batch = made(name, n_beats), sequences(n_beats=n_beats)
    outputs = network.outputs(batch)
    assert outputs.shape == (4, n_beats, 5)
    assert network.tokens(batch).shape == (4, n_beats, network.token_dim)
    torch.testing.assert_close(outputs[:, n_beats // 2], network(batch))


@pytest.mark.parametrize("name", NAMES)
def test_a_sequence_sees_no_other_of_its_batch(name: str) -> None:
    """Recurrence and attention over the batch are faults of older code."""
    network, batch = made(name), sequences().requires_grad_()
    outputs = network.outputs(batch)
    torch.testing.assert_close(outputs, torch.cat([network.outputs(item) for item in batch.split(1)]))
    torch.testing.assert_close(outputs, network.outputs(batch.flip(0)).flip(0))
    outputs[1].sum().backward()
    assert batch.grad is not None
    assert batch.grad.abs().amax((1, 2)).gt(0).tolist() == [False, True, False, False]


def test_a_beat_is_said_alike_wherever_it_stands() -> None:
    """What convolutions say of each beat is of that beat alone."""
    for name in NAMES:
        network, batch = made(name), sequences()
        one = network.beats(batch, None)
        for beat in range(3):
            same = (network.beats(with_another(batch, beat), None) == one).all(2)
            assert same.all(0).tolist() == [other != beat for other in range(3)]
        turned = torch.cat(batch.split(SAMPLES, 2)[::-1], dim=2)
        torch.testing.assert_close(network.beats(turned, None), one.flip(1))


def test_the_answer_of_seq2seq_hears_both_neighbours() -> None:
    """Fault of 5.4: sequences of length one. Those before and behind a beat change what is said of it."""
    network, batch = made("beat_seq2seq", 5), sequences(n_beats=5)
    for beat in range(5):
        differs = (network.outputs(batch) - network.outputs(with_another(batch, beat))).abs().amax((0, 2))
        assert differs.min() > 1e-5


def test_the_answer_of_cnn_lstm_hears_those_before() -> None:
    network, batch = made("beat_cnn_lstm"), sequences()
    for beat in range(3):
        same = (network.outputs(batch) == network.outputs(with_another(batch, beat))).all(2).all(0)
        assert same.tolist() == [other < beat for other in range(3)]


def test_attention_is_over_the_beats_of_an_item() -> None:
    network, batch = made("beat_seq2seq", 9), sequences(n_beats=9)
    assert isinstance(network, BeatSeq2Seq)
    weights = network.attended(batch)
    assert weights.shape == (4, 9, 9)
    torch.testing.assert_close(weights.sum(2), torch.ones(4, 9))
    assert (weights > 0).all()
    torch.testing.assert_close(weights[1:2], network.attended(batch[1:2]))


def test_attention_is_the_weighted_mean_of_the_beats() -> None:
    network, beats = made("beat_seq2seq"), torch.randn(2, 3, 128)
    assert isinstance(network, BeatSeq2Seq)
    attention = network.attention
    context, weights = attention(state := torch.randn(2, 128), beats)
    scores = [attention.score((attention.of_state(state) + attention.of_beat(beat)).tanh()) for beat in beats.unbind(1)]
    torch.testing.assert_close(weights, torch.cat(scores, 1).softmax(1))
    torch.testing.assert_close(context, torch.einsum("nb,nbd->nd", weights, beats))


def test_the_decoder_is_fed_its_own_answers() -> None:
    """What it said of a beat reaches the next, in training as at test: no label does."""
    network, batch = made("beat_seq2seq"), sequences()
    before = network.outputs(batch)
    with torch.no_grad():
        network.head.bias[0] += 10
    moved = network.outputs(batch) - before
    moved[..., 0] -= 10
    assert moved[:, 0].abs().max() < 1e-4  # nothing was said before the first
    assert moved[:, 1:].abs().amax((0, 2)).min() > 1e-5


def test_no_network_is_larger_than_it_need_be() -> None:
    assert sum(parameter.numel() for parameter in made("beat_seq2seq", 21).parameters()) < 1_500_000


def test_steps_of_cnn_lstm_are_the_published_ones() -> None:
    network = BeatCnnLstm(1, 5, head="flatten")
    assert network.beats(torch.zeros(2, 1, 3 * 187), None).shape == (2, 3, 15 * 256)
    assert network(torch.zeros(2, 1, 3 * 187)).shape == (2, 5)
    n_parameters = sum(parameter.numel() for parameter in network.parameters())
    assert n_parameters - 4 * (78 + 11) == 1_461_936  # Keras, whose recurrent layers have one vector of biases


@pytest.mark.parametrize("name", NAMES)
def test_a_flattened_end_is_built_for_one_number_of_samples(name: str) -> None:
    network = made(name, head="flatten", n_samples=3 * SAMPLES)
    batch = sequences()
    length = torch.full((4,), 3 * SAMPLES)
    longer = torch.cat([batch, torch.full((4, 2, 17), torch.nan)], dim=2)
    torch.testing.assert_close(network(longer, length=length), network(batch))
    with pytest.raises(ValueError, match="317 samples; the network was built for n_samples=300"):
        network(longer)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n_beats", [0, 2, 4])
def test_a_sequence_without_a_middle_is_refused(name: str, n_beats: int) -> None:
    with pytest.raises(ValueError, match=f"n_beats is {n_beats}; it is odd"):
        made(name, n_beats)


@pytest.mark.parametrize("name", NAMES)
def test_another_head_and_too_few_samples_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="head 'last' is none of mean, max, flatten"):
        made(name, head="last")
    with pytest.raises(ValueError, match="n_samples is 20; the smallest number that goes in is"):
        made(name, head="flatten", n_samples=20)


def test_beats_side_by_side() -> None:
    x = torch.arange(12.0).reshape(1, 1, 12)
    beats, of_each = side_by_side(x, None, 3)
    assert beats[0, :, 0].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert of_each is None


def test_beats_of_unequal_items_and_of_samples_that_cannot_be_parted() -> None:
    """A store at 125 Hz has beats of 0.7 s: 88, 87 and 87 samples."""
    x = torch.arange(12.0).expand(3, 1, 12)
    beats, of_each = side_by_side(x, torch.tensor([12, 6, 7]), 3)
    assert of_each is not None
    assert of_each.tolist() == [4, 4, 4, 2, 2, 2, 3, 3, 3]
    assert beats[1, :, 0].tolist() == [[0, 1, 0, 0], [2, 3, 0, 0], [4, 5, 0, 0]]
    assert beats[2, :, 0].tolist() == [[0, 1, 2, 0], [2, 3, 4, 0], [4, 5, 6, 0]]
    alone, none = side_by_side(x[:1, :, :7], None, 3)
    assert none is None
    assert torch.equal(alone[0], beats[2, ..., :3])
