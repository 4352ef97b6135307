"""Which parts of a signal are seen, one after another."""


def crop_starts(n_samples: int, crop: int, stride: int) -> list[int]:
    """First samples of the crops that cover a signal: one every ``stride``, and one that ends at its end."""
    if crop >= n_samples:
        return [0]
    last = n_samples - crop
    return sorted({*range(0, last + 1, stride), last})
