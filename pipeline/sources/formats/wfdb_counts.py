"""The counts of formats 16 and 212, in which nearly all of PhysioNet's recordings are: bytes to numbers, by numpy.

Reference: https://wfdb.io/spec/signal-files.html
"""

import numpy as np


def counts_of_16(data: bytes, n_leads: int, frames: int) -> np.ndarray:
    """Two bytes a sample, the lower one first.

    Args:
        data: the bytes from the first sample on; at least so many as are read.
        n_leads: whose samples lie side by side.
        frames: how many samples of each lead are read.

    Shape:
        (leads, frames) int16.
    """
    return np.ndarray((frames, n_leads), "<i2", data).T.astype(np.int16, order="C")


def counts_of_212(data: bytes, n_leads: int, frames: int) -> np.ndarray:
    """Three bytes two samples of 12 bits: the byte in the middle has the upper four bits of both, the first's below.

    Of an odd number of samples the last one has two bytes. Arguments and shape as of ``counts_of_16``.

    >>> counts_of_212(bytes([0x01, 0x80, 0xFF, 0xFF, 0x0F]), 1, 3).tolist()
    [[1, -1793, -1]]
    """
    n_pairs = -(-n_leads * frames // 2)
    if len(data) < 3 * n_pairs:
        data = data + bytes(3 * n_pairs - len(data))
    counts = np.empty((2, n_pairs), np.int16)
    first, second = counts
    # two of each three bytes are a number of 16 bits: low and middle, middle and high
    first[:] = np.ndarray((n_pairs,), "<i2", data, 0, (3,))
    second[:] = np.ndarray((n_pairs,), "<i2", data, 1, (3,))
    first <<= 4
    first >>= 4  # the sign comes along
    upper = second << 8
    upper >>= 12
    upper <<= 8
    second >>= 8
    second &= 0xFF
    second |= upper
    if n_leads == 2:
        return counts
    return np.ascontiguousarray(counts.T.reshape(-1)[: n_leads * frames].reshape(frames, n_leads).T)
