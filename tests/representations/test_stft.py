"""The spectrogram finds tones where they are, as strong as they are, when they sound."""

from typing import Any

import numpy as np
import pytest
import scipy.signal
import torch

from pipeline.representations import power_spectrogram, stft
from pipeline.representations.stft import FLOOR_DB, power_by_products

WIDE: dict[str, Any] = {"scale": "fixed", "db_range": (FLOOR_DB, 40.0)}


def tone(hz, n=1000, sampling_rate=100.0, amplitude=1.0):
    time = torch.arange(n, dtype=torch.float64) / sampling_rate
    return amplitude * torch.sin(2 * torch.pi * hz * time)


@pytest.mark.parametrize("sampling_rate", [100.0, 360.0, 500.0])
@pytest.mark.parametrize(("window", "hop"), [(0.32, 0.04), (1.28, 0.1), (0.31, 0.05)])
@pytest.mark.parametrize("taper", ["hann", "hamming"])
def test_power_is_scipys(sampling_rate, window, hop, taper):
    x = np.random.default_rng(1).normal(size=(2, round(4 * sampling_rate)))
    length, step = round(window * sampling_rate), round(hop * sampling_rate)
    n_windows = (x.shape[1] - 1) // step + 1
    mirrored = np.pad(x, ((0, 0), (length // 2, length)), mode="reflect")
    found = power_spectrogram(torch.from_numpy(x), sampling_rate, window, hop, taper).numpy()
    _, _, expected = scipy.signal.spectrogram(
        mirrored,
        sampling_rate,
        window=taper,
        nperseg=length,
        noverlap=length - step,
        nfft=2 * (found.shape[1] - 1),
        detrend=False,
        scaling="spectrum",
        mode="psd",
    )
    assert found.shape[2] == n_windows
    assert np.abs(found - expected[..., :n_windows]).max() < 1e-12
    by_products = power_by_products(torch.from_numpy(x), sampling_rate, window, hop, taper).numpy()
    assert np.abs(by_products - found).max() < 1e-12


@pytest.mark.parametrize("hz", [3.0, 12.0, 25.0, 47.0])
@pytest.mark.parametrize("size", [32, 100, 256])
def test_tone_peaks_in_the_row_of_its_frequency(hz, size):
    image = stft(tone(hz), size, 100.0, window=1.28, **WIDE)
    from_bottom = size - 1 - image[:, size // 2].argmax().item()
    assert abs((from_bottom + 0.5) * 50 / size - hz) <= max(50 / size, 100 / 256)  # a row, or a bin of the FFT


def test_tone_of_a_bin_has_half_its_squared_amplitude():
    power = power_spectrogram(tone(12.5, amplitude=3.0), 100.0, 0.32, 0.04)
    assert power[8, 100].item() == pytest.approx(4.5, rel=1e-6)  # 8 bins of 100 / 64 Hz


def test_twice_the_amplitude_is_6_02_db_more():
    x = torch.randn(1000, dtype=torch.float64)
    louder = stft(2 * x, 128, 100.0, **WIDE) - stft(x, 128, 100.0, **WIDE)
    torch.testing.assert_close(louder, torch.full_like(louder, 20 * np.log10(2)))


def test_time_shift_moves_columns():
    x = torch.randn(200, dtype=torch.float64).repeat(10)  # each 1000 samples have one mean
    # 200 columns of 1000 samples are 5 samples each, and so is the hop
    early = stft(x[:1000], 200, 100.0, hop=0.05, **WIDE)
    late = stft(x[50:1050], 200, 100.0, hop=0.05, **WIDE)
    torch.testing.assert_close(late[:, 10:-20], early[:, 20:-10])
    assert (late - early)[:, 10:-20].abs().max() > 6


def test_beats_are_averaged_not_aliased_where_the_image_is_coarser():
    x = torch.zeros(5000, dtype=torch.float64)
    x[::50] = 1.0  # two clicks a second; 32 columns of 1.6 s see all of them alike
    image = stft(x, 32, 100.0, window=0.16, hop=0.02, **WIDE)[:, 2:-2]
    assert image.std(1).max() < 0.5


def test_rows_span_0_to_max_hz_or_nyquist():
    x = torch.randn(1000, dtype=torch.float64)
    torch.testing.assert_close(stft(x, 64, 80.0), stft(x, 64, 80.0, max_hz=40.0))
    zoomed = stft(tone(10.0), 100, 100.0, window=1.28, max_hz=20.0, **WIDE)
    assert abs(zoomed[:, 50].argmax().item() - 50) <= 2


@pytest.mark.parametrize("level", [0.0, 0.1, -1.0, 4096.7])
@pytest.mark.parametrize(("scale", "lowest"), [("record", 0.0), ("fixed", -80.0)])
def test_constant_lead_gives_the_lowest_value(level, scale, lowest):
    x = torch.full((1000,), level, dtype=torch.float64)
    assert bool((stft(x, 256, 100.0, scale=scale) == lowest).all())


def test_record_scale_reaches_both_ends():
    image = stft(torch.randn(1000, dtype=torch.float64), 64, 100.0, scale="record")
    assert image.min() == 0
    assert image.max() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        *({"window": 0.0}, {"hop": -1.0}, {"max_hz": 0.0}, {"db_range": (0.0, -10.0)}, {"db_range": (-200.0, 0.0)}),
        {"taper": "boxcar"},
    ],
)
def test_wrong_options_are_refused(wrong):
    with pytest.raises(ValueError, match="STFT"):
        stft(torch.randn(1000), 64, 100.0, **wrong)


def test_window_must_fit_the_lead_and_hold_samples():
    with pytest.raises(ValueError, match="needs 128 samples"):
        stft(torch.randn(100), 32, 100.0, window=1.28)
    with pytest.raises(ValueError, match="fewer than 2 samples"):
        stft(torch.randn(100), 32, 100.0, window=0.01)
    with pytest.raises(ValueError, match="sampling rate"):
        stft(torch.randn(100), 32, 0.0)
