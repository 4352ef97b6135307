"""Signal networks: padding, the direction of time, and the faults of older recurrent code."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from models import SignalNetwork, create_model, describe_model, list_models
from models.signal import masked as masked_module
from models.signal.attention_pooled import AttentionPooledGru
from models.signal.convolutional_recurrent import ConvolutionalRecurrent
from models.signal.masked import PaddedBatchNorm
from models.signal.recurrent import Recurrent
from models.signal.resnet1d import ResNet1dWang

Example = Callable[..., Tensor]
Padded = Callable[..., tuple[Tensor, Tensor]]

signals = pytest.mark.parametrize("name", list_models("signal"))
recurrent = pytest.mark.parametrize("name", ["bigru", "bilstm", "gru", "gru_attention", "lstm"])
convolutional = pytest.mark.parametrize("name", ["cnn_gru", "cnn_lstm"])
resnet1d = pytest.mark.parametrize("name", ["resnet1d_wang"])

CHANNELS, LONGER = 3, 41  # samples that a batch may have beyond its longest item


@pytest.fixture
def padded(name: str, network: SignalNetwork, example: Example, time: int) -> Padded:
    """Makes signals of unequal length, with garbage behind them, and their lengths."""
    lengths = (torch.tensor([90, 37, 64, 5, 50]) * time // 90).clamp(min=network.smallest_size)

    def pad(garbage: float, longer: int = 0) -> tuple[Tensor, Tensor]:
        batch = torch.full((len(lengths), CHANNELS, time + longer), garbage)
        for row, item in enumerate(example(name, n=len(lengths))):
            batch[row, :, : lengths[row]] = item[:, : lengths[row]]
        return batch, lengths

    return pad


@signals
@pytest.mark.parametrize(("garbage", "longer"), [(0.0, 0), (1e3, 0), (float("nan"), 0), (-7.0, LONGER)])
def test_padding_never_changes_the_answer(garbage: float, longer: int, network: SignalNetwork, padded: Padded) -> None:
    batch, length = padded(garbage, longer)
    with torch.no_grad():
        together = network(batch, length=length)
        alone = torch.cat([network(item[None, :, :n]) for item, n in zip(batch, length, strict=True)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


@signals
def test_tokens_of_a_padded_item_are_its_own_and_then_zero(network: SignalNetwork, padded: Padded) -> None:
    batch, length = padded(1e3)
    with torch.no_grad():
        tokens = network.tokens(batch, length)
        for row, n in enumerate(length.tolist()):
            alone = network.tokens(batch[row : row + 1, :, :n])[0]
            steps = int(network.token_length(length)[row])
            assert alone.shape[0] == steps
            torch.testing.assert_close(tokens[row, :steps], alone, atol=1e-5, rtol=1e-5)
            assert not tokens[row, steps:].any()


@signals
def test_features_are_pooled_tokens_with_length(network: SignalNetwork, padded: Padded) -> None:
    batch, length = padded(1e3)
    with torch.no_grad():
        features = network.features(batch, length)
        assert torch.equal(network.pool(network.tokens(batch, length), length), features)
        assert torch.equal(network.head(features), network(batch, length))


@signals
def test_pool_does_not_see_the_padding(network: SignalNetwork, padded: Padded) -> None:
    batch, length = padded(0.0)
    with torch.no_grad():
        tokens = network.tokens(batch, length)
        expected = network.pool(tokens, length)
        for row, steps in enumerate(network.token_length(length).tolist()):
            tokens[row, steps:] = 1e3
        assert torch.equal(network.pool(tokens, length), expected)


@signals
def test_full_length_says_nothing_new(name: str, network: SignalNetwork, example: Example, time: int) -> None:
    batch = example(name, n=2)
    with torch.no_grad():
        expected, got = network(batch), network(batch, length=torch.tensor([time, time]))
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)


@signals
def test_garbage_gets_no_gradient(name: str, padded: Padded) -> None:
    network = create_model(name, in_channels=CHANNELS, n_classes=4)
    batch, length = padded(1e3)
    batch.requires_grad_()
    network(batch, length=length).square().sum().backward()
    assert batch.grad is not None
    for row, n in enumerate(length.tolist()):
        assert batch.grad[row, :, :n].any()
        assert not batch.grad[row, :, n:].any()


@signals
def test_training_does_not_see_the_padding(name: str, padded: Padded) -> None:
    torch.manual_seed(0)
    chance = {"dropout", "stochastic_depth"}
    options = {option: 0.0 for option in describe_model(name).options if option in chance}
    network = create_model(name, in_channels=CHANNELS, n_classes=4, **options)
    with torch.no_grad():
        first, second = (network(*padded(garbage, longer)) for garbage, longer in [(9.0, 0), (-7.0, LONGER)])
    torch.testing.assert_close(first, second, atol=1e-5, rtol=1e-5)


@signals
@pytest.mark.parametrize(
    ("beside", "message"),
    [
        ([1, 0], "length says [0-9]+ samples"),
        ([0, None], "has 0 samples"),
        ([0], "one number for each of 2"),
    ],
)
def test_a_wrong_length_is_refused(
    name: str, beside: list[int | None], message: str, network: SignalNetwork, example: Example, time: int
) -> None:
    length = [0 if by is None else time + by for by in beside]
    with pytest.raises(ValueError, match=message):
        network.tokens(example(name, n=2), torch.tensor(length))


@pytest.fixture(params=[False, True], ids=["by index", "by sums"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a CPU, and as on a GPU."""
    monkeypatch.setattr(masked_module, "_index_waits", lambda x: request.param)


@pytest.mark.usefixtures("way")
def test_batch_norm_counts_valid_steps_only() -> None:
    norm = PaddedBatchNorm(1, momentum=1.0)
    x = torch.tensor([[[1.0, 3.0, 5.0]], [[7.0, 1e6, 1e6]]])
    valid = torch.tensor([[True, True, True], [True, False, False]])
    got = norm(x, valid)
    assert norm.running_mean.item() == pytest.approx(4.0)  # of 1, 3, 5, 7
    torch.testing.assert_close(got[0, 0], torch.tensor([-3.0, -1.0, 1.0]) / 5**0.5)
    assert got[1, 0, 1:].tolist() == [0.0, 0.0]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_batch_norm_is_torchs_own_on_the_valid_steps(dtype: torch.dtype, tolerance: float) -> None:
    """Values, gradients and running figures, in training and after it, to rounding."""
    torch.manual_seed(0)
    ours, theirs = PaddedBatchNorm(4, dtype=dtype), nn.BatchNorm1d(4, dtype=dtype)
    nn.init.normal_(ours.weight)
    nn.init.normal_(ours.bias)
    theirs.load_state_dict(ours.state_dict())
    valid = torch.arange(20) < torch.tensor([20, 3, 1, 11, 0])[:, None]
    for training in (True, True, False):
        x = (3 + 2 * torch.randn(5, 4, 20, dtype=dtype)).requires_grad_()
        weigh = torch.randn(5, 20, 4, dtype=dtype)
        got, expected = ours.train(training)(x, valid).mT, theirs.train(training)(x.mT[valid])
        assert not got[~valid].any()
        of_ours = torch.autograd.grad((got * weigh).sum(), [x, ours.weight, ours.bias])
        of_theirs = torch.autograd.grad((expected * weigh[valid]).sum(), [x, theirs.weight, theirs.bias])
        near: dict[str, Any] = {"rtol": tolerance, "atol": 10 * tolerance}
        torch.testing.assert_close(got[valid], expected, **near)
        torch.testing.assert_close(of_ours, of_theirs, **near)
        torch.testing.assert_close(ours.state_dict(), theirs.state_dict(), **near)


def test_no_shape_of_batch_norm_hangs_on_the_lengths() -> None:
    """A shape that only numbers on a GPU can tell has to be waited for; a device without numbers refuses it."""
    with torch.device("meta"):
        valid = torch.empty(5, 20, dtype=torch.bool)
        PaddedBatchNorm(4)(torch.empty(5, 4, 20, requires_grad=True), valid).sum().backward()
        with pytest.raises(NotImplementedError):
            torch.empty(5, 20)[valid]


@resnet1d
def test_a_token_of_resnet1d_is_four_samples(network: SignalNetwork, name: str, example: Example) -> None:
    lengths = torch.arange(4, 30)
    assert network.token_length(lengths).tolist() == [-(-n // 4) for n in range(4, 30)]
    # Stem 3, blocks 2 + 1, 2 + 2 and 4 + 4 samples on either side: a token sees no further than 18.
    first = example(name, n=1)
    second = first.clone()
    second[..., 40] += 1.0
    with torch.no_grad():
        differs = (network.tokens(first) - network.tokens(second)).abs().amax(2)[0] > 0
    seen = differs.nonzero().flatten() * 4
    assert seen.tolist()
    assert (seen - 40).abs().max() <= 18


@recurrent
def test_time_runs_over_the_samples_and_leads_stay_together(
    name: str, network: SignalNetwork, example: Example
) -> None:
    """A reshape where a transpose was meant mixes time and leads (fault 11)."""
    assert isinstance(network, Recurrent)
    batch = example(name, n=1)
    changed = batch.clone()
    changed[:, 1, 60:] += 1.0
    h = network.hidden_size
    with torch.no_grad():  # of the first layer, whose directions have seen one side each
        before, after = (network.layers[0](x.mT)[0] for x in (batch, changed))
    assert torch.equal(before[:, :60, :h], after[:, :60, :h])
    assert (before != after).any(2)[:, 60:].all()
    with torch.no_grad():
        before, after = network.tokens(batch), network.tokens(changed)
    assert (before != after).any(2)[:, 60:].all()
    if network.token_dim == h:
        assert torch.equal(before[:, :60], after[:, :60])


def test_layers_are_torchs_own_bidirectional_stack() -> None:
    torch.manual_seed(0)
    network = create_model("bigru", in_channels=2, n_classes=3, hidden_size=4, n_layers=3).eval()
    assert isinstance(network, Recurrent)
    stack = nn.GRU(2, 4, 3, batch_first=True, bidirectional=True)
    stack.load_state_dict(
        {k.replace("_l0", f"_l{i}"): v for i, layer in enumerate(network.layers) for k, v in layer.state_dict().items()}
    )
    batch, length = torch.randn(5, 2, 30), torch.tensor([30, 7, 1, 29, 16])
    torch.testing.assert_close(network.tokens(batch), stack(batch.mT)[0])
    packed = nn.utils.rnn.pack_padded_sequence(batch.mT, length, batch_first=True, enforce_sorted=False)
    expected = nn.utils.rnn.pad_packed_sequence(stack(packed)[0], batch_first=True)[0]
    torch.testing.assert_close(network.tokens(batch, length), expected)


@pytest.mark.parametrize(("name", "layer"), [("gru", nn.GRU), ("gru_attention", nn.GRU), ("lstm", nn.LSTM)])
def test_layers_with_a_dropout_are_a_stack_with_it_between_them(name: str, layer: type[nn.GRU] | type[nn.LSTM]) -> None:
    """The weights of a stack, as older runs kept them, are read; no layer has a dropout for cuDNN to seed."""
    options = {"in_channels": 2, "n_classes": 3, "hidden_size": 4, "n_layers": 3}
    whole, network = create_model(name, **options), create_model(name, **options, dropout=0.5)
    assert isinstance(network, Recurrent)
    assert isinstance(whole, Recurrent)
    assert isinstance(whole.layers[0], layer)
    assert whole.layers[0].num_layers == 3
    assert [(each.num_layers, each.dropout) for each in network.layers] == [(1, 0.0)] * 3
    assert [x.shape for x in network.parameters()] == [x.shape for x in whole.parameters()]  # so do optimizers count
    network.load_state_dict(whole.state_dict())
    batch, length = torch.randn(5, 2, 30), torch.tensor([30, 7, 1, 29, 16])
    assert not torch.equal(network.train()(batch), network(batch))
    torch.testing.assert_close(network.eval()(batch), whole(batch))
    torch.testing.assert_close(network(batch, length=length), whole(batch, length=length))


def test_gru_tokens_are_the_cell_unrolled() -> None:
    torch.manual_seed(0)
    network = create_model("gru", in_channels=2, n_classes=3, hidden_size=4, n_layers=1)
    assert isinstance(network, Recurrent)
    cell = nn.GRUCell(2, 4)
    cell.load_state_dict({k.removesuffix("_l0"): v for k, v in network.layers[0].state_dict().items()})
    batch = torch.randn(5, 2, 7)
    state, states = torch.zeros(5, 4), []
    for sample in range(7):
        state = cell(batch[:, :, sample], state)  # both leads of one time
        states.append(state)
    torch.testing.assert_close(network.tokens(batch), torch.stack(states, dim=1))
    torch.testing.assert_close(network.features(batch), state)


@pytest.mark.parametrize(("name", "layer"), [("bigru", nn.GRU), ("bilstm", nn.LSTM)])
def test_each_direction_is_read_where_it_has_seen_everything(name: str, layer: type[nn.GRU] | type[nn.LSTM]) -> None:
    """The backward half at the last sample has seen one sample (fault 8)."""
    torch.manual_seed(0)
    network = create_model(name, in_channels=2, n_classes=3, hidden_size=4, n_layers=1, dropout=0.0)
    assert isinstance(network, Recurrent)
    weights = network.layers[0].state_dict()
    forward, backward = layer(2, 4, batch_first=True), layer(2, 4, batch_first=True)
    forward.load_state_dict({k: v for k, v in weights.items() if not k.endswith("_reverse")})
    backward.load_state_dict({k.removesuffix("_reverse"): v for k, v in weights.items() if k.endswith("_reverse")})
    batch = torch.randn(5, 2, 30)
    features = network.features(batch)
    torch.testing.assert_close(features[:, :4], forward(batch.mT)[0][:, -1])
    torch.testing.assert_close(features[:, 4:], backward(batch.mT.flip(1))[0][:, -1])


@pytest.fixture
def attentive() -> AttentionPooledGru:
    torch.manual_seed(0)
    network = create_model("gru_attention", in_channels=2, n_classes=3, hidden_size=4)
    assert isinstance(network, AttentionPooledGru)
    return network


def test_attention_is_a_softmax_over_an_items_own_steps(attentive: AttentionPooledGru) -> None:
    batch, length = torch.randn(4, 2, 30), torch.tensor([30, 7, 1, 29])
    tokens = attentive.tokens(batch, length)
    weights = attentive.attention(tokens, length)
    assert weights.shape == (4, 30)
    torch.testing.assert_close(weights.sum(1), torch.ones(4))
    for row, n in enumerate(length.tolist()):
        assert (weights[row, :n] > 0).all()
        assert not weights[row, n:].any()
        torch.testing.assert_close(weights[row, :n], attentive.score(tokens[row, :n])[:, 0].softmax(0))


def test_attention_pools_to_the_weighted_mean(attentive: AttentionPooledGru) -> None:
    tokens, length = torch.randn(1, 3, 4), torch.tensor([2])
    nn.init.zeros_(attentive.score.weight)
    torch.testing.assert_close(attentive.pool(tokens), tokens.mean(1))
    torch.testing.assert_close(attentive.pool(tokens, length), tokens[:, :2].mean(1))
    nn.init.constant_(attentive.score.weight, 1e4)  # all on the step of the largest sum
    torch.testing.assert_close(attentive.pool(tokens)[0], tokens[0, tokens[0].sum(1).argmax()])


@convolutional
def test_a_step_is_one_time_with_all_its_channels(name: str) -> None:
    """A reshape where a transpose was meant mixes time and leads (fault 11)."""
    torch.manual_seed(0)
    network = create_model(name, in_channels=2, n_classes=3, hidden_size=4)
    assert isinstance(network, ConvolutionalRecurrent)
    last_map = network.convolutions(batch := torch.randn(3, 2, 100))
    assert last_map.shape == (3, 16, 9)
    cell: nn.GRUCell | nn.LSTMCell = nn.GRUCell(16, 4) if name == "cnn_gru" else nn.LSTMCell(16, 4)
    cell.load_state_dict({k.removesuffix("_l0"): v for k, v in network.recurrent.state_dict().items()})
    state, states = None, []
    for step in range(last_map.shape[2]):
        state = cell(last_map[:, :, step], state)
        states.append(state if isinstance(cell, nn.GRUCell) else state[0])
    torch.testing.assert_close(network.tokens(batch), torch.stack(states, dim=1))
    torch.testing.assert_close(network.features(batch), states[-1])


@convolutional
def test_a_step_sees_36_samples_and_what_came_before(name: str, network: SignalNetwork, example: Example) -> None:
    batch = example(name, n=1)
    for sample in (40, 41, 64):
        changed = batch.clone()
        changed[:, 1, sample] += 10.0
        with torch.no_grad():
            differs = (network.tokens(batch) != network.tokens(changed)).any(2)[0]
        first = -(-(sample - 35) // 8)  # the first step s with 8 s + 35 ≥ sample
        assert not differs[:first].any()
        assert differs[first:].any()


@convolutional
def test_steps_of_the_convolutions(name: str, network: SignalNetwork) -> None:
    assert network.token_length(torch.tensor([36, 37, 43, 44, 1000])).tolist() == [1, 1, 1, 2, 121]
    with torch.no_grad():
        for time in (36, 43, 44, 100):
            steps = network.tokens(torch.zeros(1, CHANNELS, time)).shape[1]
            assert steps == network.token_length(torch.tensor([time])).item()


@pytest.mark.parametrize("name", ["bigru", "bilstm", "gru", "gru_attention", "lstm"])
def test_dropout_that_would_act_nowhere_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"dropout 0\.2 acts between layers and there is one"):
        create_model(name, in_channels=3, n_classes=4, n_layers=1, dropout=0.2)


def test_resnet1d_halves_the_first_dropout() -> None:
    network = create_model("resnet1d_wang", in_channels=3, n_classes=4, dropout=0.4)
    rates = [layer.p for layer in network.modules() if isinstance(layer, nn.Dropout)]
    assert rates == [0.2, 0.4]


@resnet1d
def test_resnet1d_puts_the_maximum_before_the_mean(network: SignalNetwork) -> None:
    assert isinstance(network, ResNet1dWang)
    pooled: list[Tensor] = []
    hook = network.hidden.register_forward_pre_hook(lambda layer, inputs: pooled.append(inputs[0]))
    tokens = torch.randn(2, 6, 128)
    network.pool(tokens)
    hook.remove()
    torch.testing.assert_close(pooled[0], torch.cat([tokens.amax(1), tokens.mean(1)], 1))
