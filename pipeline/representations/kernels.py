"""Grey images of leads on the CPU, drawn in one pass by machine code.

Each kernel writes the very bytes that the torch function and `to_uint8` give (a test holds them together), without
their float64 images in between: a pixel is computed in registers and stored once, as a byte. At 256 pixels and 1000
samples, on one thread of an AMD EPYC with AVX-512, that makes them 15 to 20 times faster. Beside pyts, GAF, MTF and RP
of three leads are over 60 times faster and the MTF alone 90 times; they take some four times as long as a copy of their
bytes (`python -m benchmarks.representations`).

They hold no lock of Python's, so threads draw side by side. The machine code is made at the first call (eight seconds
for all of them) and kept on disk. numba makes it again when this file has changed, and looks at no other: all that a
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

from pipeline.representations.preparation import FLAT_BELOW

_Array = np.ndarray[Any, np.dtype[Any]]

# added to a number, it leaves no room for a fraction: the sum is rounded half to even, and ends in that whole number
_ROUNDING = 2.0**52 + 2.0**51

# A grey level is reckoned roughly first, in float32 and so twice as many at a time. With 256½ added, its whole part is
# the level and 15 bits of fraction follow; the rough number is at most three of their steps from the truth. Where it is
# less than four from a whole number the level may be the next one, and its row is drawn again in float64.
_FRACTION_BITS = np.uint32(15)
_ROUGH = np.float32(256.5 + 4 * 2.0**-15)
_NO_DOUBT = np.uint32(2**15 - 8)  # bits of a fraction

# log₂(1 + x) for x from −¼ to ½, to 10⁻⁶: coefficients of x⁰ to x⁶
_LOG2 = tuple(
    np.polynomial.Chebyshev.interpolate(lambda x: np.log2(1 + x), 6, (-0.25, 0.5))
    .convert(kind=np.polynomial.Polynomial)
    .coef.astype(np.float32)
)
_THREE_QUARTERS = np.uint32(np.float32(0.75).view(np.int32))


def from_disk(function: Callable[..., Any], **options: Any) -> Any:
    """Machine code of a function, from disk where it has been made before and a folder can be written.

    Args:
        function: what numba compiles, when it is called.
        options: of ``numba.njit``.
    """
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # neither the function's folder nor the user's can be written
        return njit(**options)(function)


_compiled: Callable[..., Any] = partial(from_disk, nogil=True, error_model="numpy")


def _as_bits(_context: Any, number: Any) -> Any:
    """The bits of a float64 or a float32, as a whole number."""
    whole: Any = types.uint32 if number == types.float32 else types.int64
    return whole(number), lambda _, builder, __, given: builder.bitcast(given[0], ir.IntType(whole.bitwidth))


def _as_number(_context: Any, _bits: Any) -> Any:
    """The float32 of 32 bits."""
    return types.float32(types.uint32), lambda _, builder, __, given: builder.bitcast(given[0], ir.FloatType())


_bits: Any = intrinsic(_as_bits)
_number: Any = intrinsic(_as_number)


@_compiled
def _byte(grey: float) -> Any:
    """A grey level rounded half to even; between −½ and 255½ no clamping is missed."""
    return np.uint8(_bits(grey + _ROUNDING))


@_compiled
def _table(rows: int, columns: int) -> _Array:
    """Room for float64, each row at a cache line: of vectors that straddle two, an image takes a fifth longer.

    Rows have columns to spare, so that those of one column do not fall into one place of the cache.
    """
    wide = (columns // 8 + 2) * 8 if rows > 1 else columns
    room = np.empty(rows * wide + 8)
    start = (-room.ctypes.data % 64) // 8
    return room[start : start + rows * wide].reshape(rows, wide)


@_compiled
def _rough_table(rows: int, columns: int) -> _Array:
    """Room for float32, likewise, with columns to spare even where there is one row."""
    rough: _Array = _table(rows, (columns + 1) // 2).view(np.float32)
    return rough


@partial(_compiled, fastmath={"nnan", "nsz", "reassoc"})  # the least and the greatest are the same in any order
def _ends(lead: _Array) -> tuple[float, float]:
    """Least and greatest sample of a lead."""
    least = greatest = lead[0]
    for sample in lead:
        least = sample if sample < least else least
        greatest = sample if sample > greatest else greatest
    return least, greatest


@_compiled
def _fill_points(lead: _Array, bounds: _Array, low: float, high: float, limit: float, points: _Array) -> None:
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
def fill_gaf(x: _Array, bounds: _Array, is_sum: bool, limit: float, grey: _Array, number: int) -> None:
    """Gramian angular fields of leads.

    Shape:
        (leads, time) into grey[:, number] of (leads, representations, size, size).
    """
    size = len(bounds) - 1
    table, rough = _table(2, size), _rough_table(2, size)
    cosine, sine = table[0, :size], table[1, :size]
    for n in range(len(x)):
        _fill_points(x[n], bounds, -1.0, 1.0, limit, cosine)
        for i in range(size):
            sine[i] = math.sqrt(max(1 - cosine[i] * cosine[i], 0.0))
            rough[0, i], rough[1, i] = cosine[i], sine[i]
        for i in range(size):
            # a difference is 127½ on the diagonal, and so in doubt in each row
            if is_sum and _fill_roughly_gaf(rough, grey, n, number, i):
                continue
            a, b = (cosine[i], sine[i]) if is_sum else (sine[i], cosine[i])
            for j in range(size):
                grey[n, number, i, j] = _byte((a * cosine[j] - b * sine[j] + 1) * 127.5)


@partial(_compiled, fastmath={"contract"}, forceinline=True)
def _fill_roughly_gaf(rough: _Array, grey: _Array, n: int, number: int, i: int) -> bool:
    """A row of a sum from rough cosines and sines; False where a level is in doubt."""
    a, b = rough[0, i] * np.float32(127.5), rough[1, i] * np.float32(127.5)
    is_in_doubt = False
    for j in range(grey.shape[3]):
        bits = _bits((_ROUGH + np.float32(127.5)) + a * rough[0, j] - b * rough[1, j])
        grey[n, number, i, j] = np.uint8(bits >> _FRACTION_BITS)
        is_in_doubt |= (bits & _NO_DOUBT) == 0
    return not is_in_doubt


@_compiled
def fill_rp(x: _Array, bounds: _Array, limit: float, grey: _Array, number: int) -> None:
    """Distances between the points of leads.

    Shape:
        (leads, time) into grey[:, number] of (leads, representations, size, size).
    """
    size = len(bounds) - 1
    points, rough = _table(1, size)[0], _rough_table(1, size)[0, :size]
    for n in range(len(x)):
        _fill_points(x[n], bounds, 0.0, 1.0, limit, points)
        for i in range(size):
            rough[i] = points[i] * 255
        for i in range(size):
            if _fill_roughly_rp(rough, grey, n, number, i):
                continue
            point = points[i]
            for j in range(size):
                grey[n, number, i, j] = _byte(abs(point - points[j]) * 255)


@partial(_compiled, forceinline=True)
def _fill_roughly_rp(rough: _Array, grey: _Array, n: int, number: int, i: int) -> bool:
    """A row of rough distances; False where a level is in doubt."""
    point, is_in_doubt = rough[i], False
    for j in range(grey.shape[3]):
        bits = _bits(abs(point - rough[j]) + _ROUGH)
        grey[n, number, i, j] = np.uint8(bits >> _FRACTION_BITS)
        is_in_doubt |= (bits & _NO_DOUBT) == 0
    return not is_in_doubt


@_compiled
def fill_edges(x: _Array, below: _Array, above: _Array, weight: _Array, equal: float, edges: _Array) -> None:
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
        ends[:] = 0
        bucket[:] = 0
        for t in range(length if is_dealt else 0):
            bucket[t] = np.uint32((lead[t] - smallest) * factor)
        for t in range(length):
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
def _sort(values: _Array, first: int, last: int) -> None:
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
def fill_mtf(x: _Array, edges: _Array, bounds: _Array, grid: float, grey: _Array, number: int) -> None:
    """Markov transition fields of leads with these edges, sums as exact as in mtf.py.

    Of segments that have as many samples of each bin, half of them in an ECG, a row is drawn once. What depends on the
    data is looked up and not branched on, wherever it can be: a branch that is guessed wrong takes what 40 pixels take.

    Shape:
        (leads, time) into grey[:, number] of (leads, representations, size, size).
    """
    n_bins, size = edges.shape[1] + 1, len(bounds) - 1
    bins, transitions = np.empty(x.shape[1], np.uint32), np.empty((n_bins, n_bins), np.int32)
    members, chances, table = _table(n_bins, size), _table(n_bins, size), _table(2, size)
    widths, total, rough, twins = table[0, :size], table[1, :size], _rough_table(n_bins, size), np.empty(size, np.int64)
    for j in range(size):
        widths[j] = bounds[j + 1] - bounds[j]
    for n in range(len(x)):
        _fill_bins(x[n], edges[n], bins)
        transitions[:] = 0
        for t in range(len(bins) - 1):
            transitions[bins[t], bins[t + 1]] += 1
        _fill_members(bins, bounds, members, twins)
        _fill_chances(transitions, members, widths, grid, total, chances, rough)
        _fill_field(bins, bounds, members, chances, rough, twins, total, grey, n, number)


@_compiled
def _fill_bins(lead: _Array, edges: _Array, bins: _Array) -> None:
    """How many edges lie below each sample."""
    for t in range(len(bins)):
        bins[t] = 0
    for q in range(len(edges)):
        edge = edges[q]
        for t in range(len(bins)):
            bins[t] += lead[t] > edge


@_compiled
def _fill_members(bins: _Array, bounds: _Array, members: _Array, twins: _Array) -> None:
    """Samples of each bin in each segment, into (bins, size), and an earlier segment with the same, or itself."""
    n_bins, size = len(members), len(twins)
    n_bits = 1
    for i in range(size):
        twins[i] = i
        while (bounds[i + 1] - bounds[i]) >> n_bits:
            n_bits += 1
    if n_bins * n_bits > 64:  # the counts of a segment do not fit one number
        for i in range(size):
            for a in range(n_bins):
                members[a, i] = 0
            for t in range(bounds[i], bounds[i + 1]):
                members[bins[t], i] += 1
        return
    until, counts = np.zeros(len(bins) + 1, np.uint64), np.empty(size, np.uint64)
    for t in range(len(bins)):  # past 64 bits it begins anew, which differences do not feel
        until[t + 1] = until[t] + (np.uint64(1) << np.uint64(bins[t] * n_bits))
    for i in range(size):
        counts[i] = until[bounds[i + 1]] - until[bounds[i]]
    for a in range(n_bins):
        for i in range(size):
            members[a, i] = np.int32(counts[i] >> np.uint64(a * n_bits)) & ((1 << n_bits) - 1)
    met = np.zeros(2**10, np.int32)  # the last segment with counts of this hash
    for i in range(size):
        place = (counts[i] * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(54)
        twins[i] = met[place] if counts[met[place]] == counts[i] else i
        met[place] = i


@_compiled
def _fill_chances(
    transitions: _Array, members: _Array, widths: _Array, grid: float, total: _Array, chances: _Array, rough: _Array
) -> None:
    """Chances of going from a bin to a segment, rounded as in mtf.py: (bins, size), and roughly as grey levels."""
    n_bins, size = len(members), len(widths)
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
            chance = total[j] / (departures * widths[j]) * grid
            chances[a, j] = ((chance + 2.0**52) - 2.0**52) * (1 / grid)
            rough[a, j] = chances[a, j] * 255


@_compiled
def _fill_field(
    bins: _Array,
    bounds: _Array,
    members: _Array,
    chances: _Array,
    rough: _Array,
    twins: _Array,
    total: _Array,
    grey: _Array,
    n: int,
    number: int,
) -> None:
    """The chances from the bin of each sample of a segment, averaged: a row of the image."""
    n_bins, size = len(members), len(twins)
    first, again = np.empty(size + 1, np.int64), np.empty(size + 1, np.int64)  # rows
    n_first, n_again = 0, 0
    for i in range(size):
        first[n_first], again[n_again] = i, i
        n_first += twins[i] == i
        n_again += twins[i] < i
    which, count = np.empty(n_bins + 8, np.int64), np.empty(n_bins + 8)
    for i in first[:n_first]:
        n_terms, width = 0, bounds[i + 1] - bounds[i]
        if width <= 4:  # a term for each sample, else for each bin
            for t in range(bounds[i], bounds[i + 1]):
                which[n_terms], count[n_terms] = bins[t], 1.0
                n_terms += 1
        else:
            for a in range(n_bins):
                which[n_terms], count[n_terms] = a, members[a, i]
                n_terms += members[a, i] > 0
        for k in range(4):
            which[n_terms + k], count[n_terms + k] = 0, 0.0
        if n_terms <= 4 and _fill_roughly_mtf(rough, which, count, width, grey, n, number, i):
            continue
        a, b, c, d = which[0], which[1], which[2], which[3]
        p, q, r, s = count[0], count[1], count[2], count[3]
        if n_terms <= 4 and width & (width - 1) == 0:  # a power of two divides without rounding: one factor will do
            factor = 255 / width
            for j in range(size):
                mean = (p * chances[a, j] + q * chances[b, j]) + (r * chances[c, j] + s * chances[d, j])
                grey[n, number, i, j] = _byte(mean * factor)
            continue
        for j in range(size):
            total[j] = 0
        for k in range(n_terms):
            a, p = which[k], count[k]
            for j in range(size):
                total[j] += p * chances[a, j]
        for j in range(size):
            grey[n, number, i, j] = _byte(total[j] / width * 255)
    for i in again[:n_again]:
        twin = twins[i]
        for j in range(size):
            grey[n, number, i, j] = grey[n, number, twin, j]


@partial(_compiled, fastmath={"contract"}, forceinline=True)
def _fill_roughly_mtf(
    rough: _Array, which: _Array, count: _Array, width: int, grey: _Array, n: int, number: int, i: int
) -> bool:
    """A row of at most four terms from rough chances; False where a level is in doubt."""
    a, b, c, d = which[0], which[1], which[2], which[3]
    p, q = np.float32(count[0] / width), np.float32(count[1] / width)
    r, s = np.float32(count[2] / width), np.float32(count[3] / width)
    is_in_doubt = False
    for j in range(grey.shape[3]):
        bits = _bits(_ROUGH + p * rough[a, j] + q * rough[b, j] + r * rough[c, j] + s * rough[d, j])
        grey[n, number, i, j] = np.uint8(bits >> _FRACTION_BITS)
        is_in_doubt |= (bits & _NO_DOUBT) == 0
    return not is_in_doubt


@_compiled
def fill_stft(
    spectra: _Array,
    weight: _Array,
    columns: tuple[Any, ...],
    rows: tuple[Any, ...],
    rises: tuple[Any, ...],
    straight: tuple[Any, ...],
    grey: _Array,
    number: int,
) -> None:
    """Grey spectrograms from spectra, whose power is averaged first over time and then over frequency.

    Weight, columns and rows, rises and straight are those of `_spectra`, `_bands`, `_rises` and `_straight` in stft.py.

    Shape:
        (leads, windows, frequencies, 2), real and imaginary, into grey[:, number] of (leads, representations, size,
        size).
    """
    n_windows, n_frequencies, size = spectra.shape[1], spectra.shape[2], grey.shape[2]
    power, by_time = np.empty((n_windows, n_frequencies)), np.empty(n_frequencies)
    by_frequency, rough = _table(n_frequencies, size), _rough_table(n_frequencies, size)
    row, rough_row = _table(1, size)[0], _rough_table(1, size)[0, :size]
    rough_weights = rows[1].astype(np.float32)
    for n in range(len(spectra)):
        for t in range(n_windows):
            for f in range(n_frequencies):
                real, imaginary = spectra[n, t, f, 0], spectra[n, t, f, 1]
                power[t, f] = (real * real + imaginary * imaginary) * weight[f]
        first, weights = columns
        for j in range(size):
            _average(power, first[j], weights[j], by_time)
            for f in range(n_frequencies):
                by_frequency[f, j] = by_time[f]
                rough[f, j] = min(by_time[f], 1e35)  # more is no number of float32
        first, weights = rows
        for i in range(size):
            if straight[0] > 0:
                _average(rough, first[i], rough_weights[i], rough_row)
                if _fill_roughly_stft(rough_row, straight, grey, n, number, i):
                    continue
            _average(by_frequency, first[i], weights[i], row)
            _fill_levels(row, rises, grey, n, number, i)


@partial(_compiled, forceinline=True)
def _average(table: _Array, first: int, weights: _Array, average: _Array) -> None:
    """Rows of a table from the first on, weighed and added one after another."""
    for j in range(len(average)):
        average[j] = table[first, j] * weights[0]
    for k in range(1, len(weights)):
        weight = weights[k]
        for j in range(len(average)):
            average[j] += table[first + k, j] * weight


@_compiled
def _fill_levels(power: _Array, rises: tuple[Any, ...], grey: _Array, n: int, number: int, i: int) -> None:
    """A row of levels, looked up among the powers at which they rise."""
    powers, n_below, first_cell, shift = rises
    lowest, highest = powers[0], powers[254]
    for j in range(len(power)):
        cell = (_bits(min(max(power[j], lowest), highest)) >> shift) - first_cell
        level = n_below[np.uint64(cell)]
        grey[n, number, i, j] = level + (power[j] >= powers[level])


@partial(_compiled, fastmath={"contract"}, forceinline=True)
def _fill_roughly_stft(power: _Array, straight: tuple[Any, ...], grey: _Array, n: int, number: int, i: int) -> bool:
    """A row of levels from rough logarithms; False where one is in doubt."""
    slope, at_one, lowest, highest = straight
    is_in_doubt = False
    for j in range(len(power)):
        value = power[j] if power[j] > lowest else lowest
        bits = _bits(value if value < highest else highest)
        octave = np.int32(bits - _THREE_QUARTERS) >> np.int32(23)
        above = _number(np.uint32(bits - np.uint32(octave << np.int32(23)))) - np.float32(1)  # from −¼ to ½
        log = _LOG2[6]
        log = log * above + _LOG2[5]
        log = log * above + _LOG2[4]
        log = log * above + _LOG2[3]
        log = log * above + _LOG2[2]
        log = log * above + _LOG2[1]
        log = log * above + _LOG2[0]
        level = _bits(_ROUGH + at_one + slope * np.float32(octave) + slope * log)
        grey[n, number, i, j] = np.uint8(level >> _FRACTION_BITS)
        is_in_doubt |= (level & _NO_DOUBT) == 0
    return not is_in_doubt
