"""What a processor gets wrong in half the bits, and how it is gone round."""

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

_FAR = 0.05  # of what is right; rounding to 8 bits is a tenth of it
_WINDOWS = 16  # of a kernel along each axis that a layer is tried on
_LAST = torch.channels_last


def keep_right(network: nn.Module, dtype: torch.dtype) -> list[str]:
    """Has those convolutions compute in fp32 that a CPU gets wrong in ``dtype``; gives their names.

    oneDNN (3.x, with torch 2.14 on a Xeon with AMX) answers with numbers of nothing where a kernel's samples times its
    even, few channels are a multiple of 32: of 12 leads kernels of 8, 16 and 24. A network with one then learns what it
    cannot say when it is scored. Which those are is not looked up but tried, since other releases have other faults;
    but for those that it never comes back from, see ``_may_hang``.

    Args:
        network: on a CPU; what it computes elsewhere is not changed.
        dtype: in which autocast has it compute, ``torch.bfloat16`` or ``torch.float16``.
    """
    wrong = []
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d) and _is_wrong(_form_of(layer), dtype):
            wrong.append(name)
            _InFp32().around(layer)
    return wrong


class _InFp32:
    """Takes a layer out of autocast, by what torch calls before and behind it."""

    _outside: Any

    def around(self, layer: nn.Module) -> None:
        layer.register_forward_pre_hook(self._before)
        layer.register_forward_hook(self._behind, always_call=True)

    def _before(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        self._outside = torch.autocast("cpu", enabled=False)
        self._outside.__enter__()
        return tuple(each.float() for each in inputs)

    def _behind(self, *_: Any) -> None:
        self._outside.__exit__(None, None, None)
        del self._outside  # a copy of the network has none


_Form = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], int, bool]


def _form_of(layer: nn.Conv1d | nn.Conv2d) -> _Form:
    is_last = layer.weight.ndim == 4 and layer.weight.is_contiguous(memory_format=_LAST)
    return tuple(layer.weight.shape), tuple(layer.stride), tuple(layer.dilation), layer.groups, is_last


def _may_hang(form: _Form) -> bool:
    """Whether oneDNN's kernel for a form in bf16 goes round for ever (torch 2.14 on a Xeon with AMX).

    Those are of 2 to 16 channels that do not mix, whose kernel is 15 samples or more along the last axis and moves by
    one, with the channels last in memory: of 15 and 19 samples, not of 14, of 16 channels, not of 17, as found by
    processes that were given a time.
    """
    shape, stride, _, groups, is_last = form
    return is_last and 2 <= groups == shape[0] <= 16 and shape[1] == 1 and shape[3] >= 15 and stride[1] == 1


@cache
def _is_wrong(form: _Form, dtype: torch.dtype) -> bool:
    """Whether a convolution of this form is far from what it is in fp32, of numbers of chance, or may hang."""
    if _may_hang(form):
        return True
    shape, stride, dilation, groups, is_last = form
    random = torch.Generator().manual_seed(0)
    reach = [
        width * (kernel - 1) + 1 + step * (_WINDOWS - 1)
        for kernel, step, width in zip(shape[2:], stride, dilation, strict=True)
    ]
    x = torch.randn(2, shape[1] * groups, *reach, generator=random)
    weight = torch.randn(shape, generator=random)
    if is_last:
        x, weight = x.to(memory_format=_LAST), weight.to(memory_format=_LAST)
    convolve: Any = nn.functional.conv1d if len(reach) == 1 else nn.functional.conv2d
    with torch.no_grad(), torch.autocast("cpu", enabled=False):
        right, found = (
            convolve(x.to(each), weight.to(each), stride=stride, dilation=dilation, groups=groups).float()
            for each in (torch.float32, dtype)
        )
    return not bool((found - right).norm() < _FAR * right.norm())
