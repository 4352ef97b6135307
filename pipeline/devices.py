"""Where the work is done: a GPU if there is one, else the cores that are free."""

import torch

from pipeline.errors import EcgFusionError, warn
from pipeline.parallel import free_cores


def choose_device(gpu_id: int | None = None) -> torch.device:
    """The GPU of that number (None: the first), or the CPU where there is none.

    Raises:
        EcgFusionError: there are GPUs, but none of that number.
    """
    if not torch.cuda.is_available():
        if gpu_id is not None:
            warn(f"-gpu_id {gpu_id}: no GPU is to be found, so the work goes on on the CPU")
        return torch.device("cpu")
    if gpu_id is not None and not 0 <= gpu_id < torch.cuda.device_count():
        raise EcgFusionError(f"-gpu_id {gpu_id}: there are GPUs 0 to {torch.cuda.device_count() - 1}")
    torch.cuda.set_device(gpu_id or 0)
    return torch.device("cuda", gpu_id or 0)


def set_up_cpu(threads: int | None = None) -> int:
    """Sets the number of threads (None: the free cores) and gives it.

    Denormal numbers become 0, which they are to a network: recurrent training is 2 to 8 times faster so.
    """
    threads = threads or free_cores()
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    return threads
