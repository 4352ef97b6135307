"""Grey pictures of leads on the CPU, drawn in one pass by machine code.

Each kernel writes the very bytes that the torch form and `to_uint8` give (a test holds them together), without their
float64 pictures in between: a pixel is computed in registers and stored once, as a byte. At 256 pixels and 1000
samples, on one thread of an AMD EPYC with AVX-512, that makes the GAF, the MTF and the RP 13 times faster and the STFT
4 times. Beside pyts, three leads in the first three forms are over 40 times faster and the MTF alone 60 times; they
take 4 to 6 times as long as a copy of their bytes (`python -m benchmarks.representations`).

They hold no lock of Python's, so threads draw side by side. The machine code is made at the first call (four seconds
for all forms) and kept on disk. numba makes it again when this file has changed, and looks at no other: all that a
kernel calls is here.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from pipeline.representations.leads import FLAT_BELOW

# added to a number, it leaves no room for a fraction: the sum is rounded half to even, and ends in that whole number
_ROUNDING = 2.0**52 + 2.0**51


def _compiled(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """Machine code of a function, from disk where it has been made before and a folder can be written."""
    try:
        return njit(cache=True, nogil=True, error_model="numpy", **options)(function)
    except RuntimeError:  # neither the program's folder nor the user's can be written
        return njit(nogil=True, error_model="numpy", **options)(function)


def _as_bits(_context: Any, _number: Any) -> Any:
    """The 64 bits of a float64, as a whole number."""
    return types.int64(types.float64), lambda _, builder, __, given: builder.bitcast(given[0], ir.IntType(64))


_bits: Any = intrinsic(_as_bits)


@_compiled
def _byte(grey):
    """A grey level rounded half to even; between −½ and 255½ no clamping is missed."""
    return np.uint8(_bits(grey + _ROUNDING))


@_compiled
def _table(rows, columns):
    """Room for numbers that begins at a cache line: of vectors that straddle two, a picture takes a fifth longer."""
    room = np.empty(rows * columns + 8)
    start = (-room.ctypes.data % 64) // 8
    return room[start : start + rows * columns].reshape(rows, columns)


@partial(_compiled, fastmath={"nnan", "nsz", "reassoc"})  # the least and the greatest are the same in any order
def _ends(lead):
    """Least and greatest sample of a lead."""
    least = greatest = lead[0]
    for sample in lead:
        least = sample if sample < least else least
        greatest = sample if sample > greatest else greatest
    return least, greatest


@_compiled
def _fill_points(lead, bounds, low, high, limit, points):
    """`rescale(paa(lead, size), low, high, …)`, additions in the same order; `limit` is 0 for the lead's own range."""
    n_equal = 1
    while n_equal < len(lead) and lead[n_equal] == lead[0]:
        n_equal += 1
    smallest, largest = math.inf, -math.inf
    for i in range(len(points)):
        total = lead[bounds[i]]
        for t in range(bounds[i] + 1, bounds[i + 1]):
            total += lead[t]
        points[i] = total / (bounds[i + 1] - bounds[i]) if n_equal < len(lead) else lead[0]
        smallest, largest = min(smallest, points[i]), max(largest, points[i])
    if limit > 0:
        factor, offset = (high - low) / (2 * limit), (high + low) / 2
        for i in range(len(points)):
            points[i] = min(max(points[i], -limit), limit) * factor + offset
    elif largest - smallest < FLAT_BELOW:
        for i in range(len(points)):
            points[i] = low
    else:
        factor = (high - low) / (largest - smallest)
        offset = low - smallest * factor
        for i in range(len(points)):
            points[i] = min(max(points[i] * factor + offset, low), high)


@_compiled
def fill_gaf(x, bounds, is_sum, limit, grey, form):
    """Gramian angular fields of leads: (leads, time) into grey[:, form] of (leads, forms, size, size)."""
    size = len(bounds) - 1
    table = _table(2, size)
    cosine, sine = table[0], table[1]
    for n in range(len(x)):
        _fill_points(x[n], bounds, -1.0, 1.0, limit, cosine)
        for i in range(size):
            sine[i] = math.sqrt(max(1 - cosine[i] * cosine[i], 0.0))
        for i in range(size):
            a, b = (cosine[i], sine[i]) if is_sum else (sine[i], cosine[i])
            for j in range(size):
                grey[n, form, i, j] = _byte((a * cosine[j] - b * sine[j] + 1) * 127.5)


@_compiled
def fill_rp(x, bounds, limit, grey, form):
    """Distances between the points of leads: (leads, time) into grey[:, form] of (leads, forms, size, size)."""
    size = len(bounds) - 1
    points = _table(1, size)[0]
    for n in range(len(x)):
        _fill_points(x[n], bounds, 0.0, 1.0, limit, points)
        for i in range(size):
            point = points[i]
            for j in range(size):
                grey[n, form, i, j] = _byte(abs(point - points[j]) * 255)


@_compiled
def fill_edges(x, below, above, weight, equal, edges):
    """Quantiles of leads as `bin_edges` has them, those as good as equal merged: (leads, time) into (leads, edges).

    Samples are dealt into as many buckets as there are samples, by amplitude; only buckets with a quantile are sorted.
    """
    length = x.shape[1]
    bucket, dealt, ends = np.empty(length, np.uint32), np.empty(length), np.empty(length + 1, np.uint32)
    for n in range(len(x)):
        lead = x[n]
        smallest, largest = _ends(lead)
        factor = (length - 1) / (largest - smallest)
        is_dealt = 0 < factor < math.inf  # neither constant nor of a spread that is no number
        for k in range(length + 1):
            ends[k] = 0
        for t in range(length):
            bucket[t] = np.uint32((lead[t] - smallest) * factor) if is_dealt else 0
            ends[bucket[t] + 1] += 1
        for k in range(length):
            ends[k + 1] += ends[k]
        for t in range(length):
            dealt[ends[bucket[t]]] = lead[t]
            ends[bucket[t]] += 1
        k, n_sorted = 0, 0  # buckets
        for q in range(len(below)):
            for rank in (below[q], above[q]):
                while ends[k] <= rank:
                    k += 1
                if n_sorted <= k:
                    _sort(dealt, ends[k - 1] if k else 0, ends[k])
                    n_sorted = k + 1
            lower, upper = dealt[below[q]], dealt[above[q]]
            step = upper - lower
            edges[n, q] = lower + step * weight[q] if weight[q] < 0.5 else upper - step * (1 - weight[q])
        for q in range(len(below) - 1):
            if abs(edges[n, q + 1] - edges[n, q]) <= equal:
                edges[n, q] = math.inf


@_compiled
def _sort(values, first, last):
    """Sorts values[first:last] in place (Shell's method; insertion where they are few)."""
    gap = 1
    while gap < (last - first) // 9:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(first + gap, last):
            value, j = values[i], i
            while j >= first + gap and values[j - gap] > value:
                values[j] = values[j - gap]
                j -= gap
            values[j] = value
        gap //= 3


@_compiled
def fill_chances(x, edges, bounds, grid, bins, chances):
    """Bins of samples, and the chances of going from a bin to a segment, rounded as in mtf.py.

    Shape:
        (leads, time) into bins (leads, time) and chances (leads, bins, size).
    """
    n_bins, size = chances.shape[1:]
    transitions, members, total = np.empty((n_bins, n_bins), np.int32), _table(n_bins, size), _table(1, size)[0]
    for n in range(len(x)):
        _fill_bins(x[n], edges[n], bins[n])
        for a in range(n_bins):
            for b in range(n_bins):
                transitions[a, b] = 0
            for j in range(size):
                members[a, j] = 0
        for t in range(x.shape[1] - 1):
            transitions[bins[n, t], bins[n, t + 1]] += 1
        for i in range(size):
            for t in range(bounds[i], bounds[i + 1]):
                members[bins[n, t], i] += 1
        for a in range(n_bins):
            departures = 0.0
            for j in range(size):
                total[j] = 0
            for b in range(n_bins):
                count = transitions[a, b]
                if count > 0:
                    departures += count
                    for j in range(size):
                        total[j] += count * members[b, j]
            departures = max(departures, 1.0)
            for j in range(size):
                chance = total[j] / (departures * (bounds[j + 1] - bounds[j])) * grid
                chances[n, a, j] = ((chance + 2.0**52) - 2.0**52) * (1 / grid)


@_compiled
def _fill_bins(lead, edges, bins):
    """How many edges lie below each sample."""
    for t in range(len(bins)):
        bins[t] = 0
    for q in range(len(edges)):
        edge = edges[q]
        for t in range(len(bins)):
            bins[t] += lead[t] > edge


@_compiled
def fill_mtf(bins, chances, bounds, grey, form):
    """Fields: the chances from the bin of each sample of a segment, averaged, into grey[:, form].

    Sums are of whole numbers of grid steps, and so exact in any order.
    """
    n_bins, size = chances.shape[1:]
    row_of_bin, total = np.empty(n_bins, np.int32), _table(1, size)[0]
    which, count = np.empty(bins.shape[1] + 4, np.uint32), np.empty(bins.shape[1] + 4, np.int32)
    for n in range(len(bins)):
        for b in range(n_bins):
            row_of_bin[b] = -1
        for i in range(size):
            n_runs, run, last = 0, 0, n_bins  # samples one after another in one bin are one term of the sum
            for t in range(bounds[i], bounds[i + 1]):
                goes_on = bins[n, t] == last
                run = run * goes_on + 1
                n_runs += 1 - goes_on
                last = bins[n, t]
                which[n_runs - 1], count[n_runs - 1] = last, run
            for k in range(n_runs, 4):
                which[k], count[k] = 0, 0
            a, b, c, d = which[0], which[1], which[2], which[3]
            ka, kb, kc, kd = count[0], count[1], count[2], count[3]
            width = bounds[i + 1] - bounds[i]
            factor = 255 / width
            twin = row_of_bin[a]
            if n_runs == 1 and twin >= 0:
                for j in range(size):
                    grey[n, form, i, j] = grey[n, form, twin, j]
                continue
            if n_runs == 1:
                row_of_bin[a] = i
            if n_runs > 4 or width & (width - 1) != 0:
                for j in range(size):
                    total[j] = ka * chances[n, a, j] + kb * chances[n, b, j]
                    total[j] += kc * chances[n, c, j] + kd * chances[n, d, j]
                for k in range(4, n_runs):
                    a, ka = which[k], count[k]
                    for j in range(size):
                        total[j] += ka * chances[n, a, j]
                for j in range(size):
                    grey[n, form, i, j] = _byte(total[j] / width * 255)
            elif n_runs > 2:  # a power of two divides without rounding, so that one factor will do
                for j in range(size):
                    first = ka * chances[n, a, j] + kb * chances[n, b, j]
                    second = kc * chances[n, c, j] + kd * chances[n, d, j]
                    grey[n, form, i, j] = _byte((first + second) * factor)
            else:
                for j in range(size):
                    grey[n, form, i, j] = _byte((ka * chances[n, a, j] + kb * chances[n, b, j]) * factor)


@_compiled
def fill_levels(power, columns, rows, levels, grey, form):
    """Spectrograms: (leads, windows, frequencies) averaged, and looked up among the powers at which grey rises.

    Columns, rows and levels are those of `_bands` and `_rises` in stft.py.
    """
    first_time, time_weights = columns
    first_frequency, frequency_weights = rows
    rises, n_below, first_cell, shift = levels
    lowest, highest = rises[0], rises[254]
    size, n_frequencies = grey.shape[2], power.shape[2]
    by_frequency, row = np.empty((n_frequencies, size)), np.empty(size)
    for n in range(len(power)):
        for j in range(size):
            for f in range(n_frequencies):
                total = 0.0
                for k in range(time_weights.shape[1]):
                    total += power[n, first_time[j] + k, f] * time_weights[j, k]
                by_frequency[f, j] = total
        for i in range(size):
            for j in range(size):
                row[j] = 0
            for k in range(frequency_weights.shape[1]):
                weight, f = frequency_weights[i, k], first_frequency[i] + k
                for j in range(size):
                    row[j] += by_frequency[f, j] * weight
            for j in range(size):
                cell = (_bits(min(max(row[j], lowest), highest)) >> shift) - first_cell
                level = n_below[np.uint64(cell)]
                grey[n, form, i, j] = level + (row[j] >= rises[level])
