"""Where the work is done: a GPU if there is one, else the cores that are free."""

import ctypes
import platform
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import nn

from pipeline.errors import EcgFusionError
from pipeline.listening import warn
from pipeline.machine.group import the_group
from pipeline.machine.limits import check_threads
from pipeline.machine.threads import free_cores

Module = TypeVar("Module", bound=nn.Module)
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of malloc.h


def choose_device(gpu_id: int | None = None) -> torch.device:
    """The GPU of that number (None: the first), or the CPU where there is none.

    Of processes that work together each has the GPU of its number on its machine.

    Raises:
        EcgFusionError: there are GPUs, but none of that number, or fewer than processes.
    """
    group = the_group()
    if group.size > 1 and gpu_id is not None:
        raise EcgFusionError(
            f"-gpu_id {gpu_id} is for one process, and of {group.size} each has a GPU of its own: leave it out"
        )
    if not torch.cuda.is_available():
        if gpu_id is not None:
            warn(f"-gpu_id {gpu_id}: no GPU is to be found, so the work goes on on the CPU")
        return torch.device("cpu")
    if gpu_id is not None and not 0 <= gpu_id < torch.cuda.device_count():
        raise EcgFusionError(f"-gpu_id {gpu_id}: there are GPUs 0 to {torch.cuda.device_count() - 1}")
    if group.local_size > torch.cuda.device_count():
        raise EcgFusionError(
            f"{group.local_size} processes on this machine, and {torch.cuda.device_count()} of its GPUs to be seen: "
            f"start as many processes, or hide the GPUs with CUDA_VISIBLE_DEVICES= to train on the CPU"
        )
    number = group.local_rank if gpu_id is None else gpu_id
    torch.cuda.set_device(number)
    return torch.device("cuda", number)


def placed(module: Module, device: torch.device) -> Module:
    """The module itself, on a device; its two-dimensional convolutions have their channels last.

    On a GPU so have the images (see ``InputMaker``), and cudnn then turns neither round at every layer. On a CPU a step
    of ``resnet`` (64 images of 80 pixels) takes 0.73 of its time in fp32 and 0.64 in bf16, one of ``cnn`` 0.55 and
    0.39, one of ``alexnet`` as long as before (``python -m benchmarks.layout``).
    """
    module.to(device)
    module.to(memory_format=torch.channels_last)
    return module


def default_precision(device: torch.device) -> str:
    """That in which a network is trained where the user names none: bf16 on a GPU that computes in it, else fp32."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return "bf16"
    return "fp32"


@contextmanager
def full_fp32() -> Iterator[None]:
    """What is computed in fp32 within it has all of its 24 bits on a GPU, too.

    Left to itself, torch has convolutions and cuDNN's recurrent networks round what they multiply to TF32, of 11 bits.
    """
    places: tuple[Any, ...] = (torch.backends.cudnn, torch.backends.cuda.matmul)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # some releases of torch would have their newer names used
        before = [place.allow_tf32 for place in places]
        for place in places:
            place.allow_tf32 = False
    try:
        yield
    finally:
        for place, allowed in zip(places, before, strict=True):
            place.allow_tf32 = allowed


def set_up_cpu(threads: int | None = None) -> int:
    """Sets the number of threads (None: the free cores, shared with processes that work together) and gives it.

    Denormal numbers become 0, which they are to a network: recurrent training is 2 to 8 times faster so. Freed memory
    is kept, see ``keep_freed_memory``.
    """
    threads = threads or max(1, free_cores() // the_group().local_size)
    check_threads(threads)
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    keep_freed_memory()
    return threads


def keep_freed_memory() -> bool:
    """Has the C library keep what this process frees, until its end; gives whether it can (glibc alone does).

    Otherwise each large tensor of a step is mapped anew, and every page of it costs a fault: 39,000 of them in a step
    of resnet1d_wang (128 items of 12 x 250), 200,000 in one of alexnet (64 of 9 x 256 x 256). Kept, these steps take
    0.89 and 0.70 of the processor's time. The most memory that a process has is 1.02 to 1.15 times what it was, since
    what is kept is never of quite the size that is asked for next; it stays there after some steps.
    """
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, -1))
