"""A network for colour images, made to take any number of channels."""

import torch
from torch import nn


def adapt_first_layer(network: nn.Module, in_channels: int, keep_weights: bool) -> None:
    """Replaces the first convolution by one of ``in_channels``, where it has another number.

    Args:
        network: its first convolution, in order of definition, sees the image.
        in_channels: channels of the image.
        keep_weights: whether each channel gets the mean of the old weights over the colours, scaled
            so that equal channels give what equal colours gave; else the weights are fresh.
    """
    name, old = next((name, layer) for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d))
    if old.in_channels == in_channels:
        return
    has_bias = old.bias is not None
    new = nn.Conv2d(in_channels, old.out_channels, old.kernel_size, old.stride, old.padding, bias=has_bias)  # type: ignore[arg-type]
    if keep_weights:
        scale = old.in_channels / in_channels
        with torch.no_grad():
            new.weight.copy_(scale * old.weight.mean(1, keepdim=True).expand_as(new.weight))
        new.bias = old.bias
    network.set_submodule(name, new)
