"""A recording made fit for a run: leads, rate and length, and the sentence that says so."""

from pathlib import Path

import numpy as np
import pytest

from pipeline import load_run
from pipeline.errors import EcgFusionError
from pipeline.scoring.fitting import fit, prepare
from pipeline.scoring.needs import Needs
from pipeline.signals.leads import LEADS
from pipeline.sources.formats.recording import Recording

FILE = "x.hea"


def needs_of(earlier: Path, name: str) -> Needs:
    return Needs.of(load_run(earlier / "runs" / name))


def recording(seconds: float = 10, rate: float = 100, leads: tuple[str, ...] = LEADS) -> Recording:
    time = np.arange(round(seconds * rate)) / rate
    return Recording(np.stack([np.sin(2 * np.pi * (2 + k) * time) for k in range(len(leads))]), rate, leads)


def test_leads_come_in_the_runs_order_and_others_are_left(earlier: Path):
    needs, whole = needs_of(earlier, "gru"), recording(leads=("V1", "II", "vx", "I"))
    prepared = prepare(needs, whole, FILE)
    assert prepared.leads == needs.leads == ("I", "II")
    expected = needs.recipe.prepared(whole.signal[[3, 1]], 100)
    np.testing.assert_array_equal(prepared.signal, expected)


def test_limb_leads_are_computed_and_it_is_said(earlier: Path):
    needs, given = needs_of(earlier, "gru"), recording(leads=("aVF", "III"))
    prepared = prepare(needs, given, FILE)
    assert prepared.leads == ("I", "II")
    avf, three = needs.recipe.prepared(given.signal, 100)
    # aVF = (II + III) / 2, and I = II - III
    np.testing.assert_allclose(prepared.signal, [2 * avf - 2 * three, 2 * avf - three], atol=1e-9)
    assert prepared.remarks[0] == "lead I, II is computed from the limb leads that are there (III and aVF)"


def test_the_sentence_says_from_what_to_what(earlier: Path):
    needs = needs_of(earlier, "gru")
    (said,) = prepare(needs, recording(rate=500), FILE).remarks
    assert said.startswith("filtered to 0.5–40 Hz and resampled from 500 to 100 Hz")
    assert prepare(needs, recording(rate=90), FILE).signal.shape == (2, 1000)  # 45 Hz are above the filter's 40
    with pytest.raises(EcgFusionError, match=r"x.hea is at 70 Hz and 100 are wanted: a band up to 40 Hz needs"):
        prepare(needs, recording(rate=70), FILE)


@pytest.mark.parametrize("name", ["stored", "drawn"])
def test_what_is_longer_is_cut_and_what_is_shorter_is_refused(earlier: Path, name: str):
    needs = needs_of(earlier, name)
    seen = needs.networks[0].spec.crop_samples
    fitted = fit(needs, prepare(needs, recording(30), FILE), FILE)
    assert fitted.items.shape[2] == seen
    assert fitted.starts[0] == 0
    assert fitted.starts[-1] == pytest.approx(30 - seen / 100)
    assert fitted.remarks[0].startswith(f"the mean over {len(fitted.items)} ")
    with pytest.raises(EcgFusionError, match=r"x.hea has 0.5 s and .* sees [\d.]+ s at once: give a longer one"):
        fit(needs, prepare(needs, recording(0.5), FILE), FILE)


def test_a_signal_that_is_shorter_than_a_crop_goes_in_with_a_remark(earlier: Path):
    needs = needs_of(earlier, "gru")
    fitted = fit(needs, prepare(needs, recording(0.4), FILE), FILE)
    assert fitted.items.shape == (1, 2, 40)
    assert "it has 0.4 s, and" in fitted.remarks[0]
    assert "has learnt from 0.5 s at once" in fitted.remarks[0]


def test_another_unit_is_refused_with_a_question(earlier: Path):
    needs, given = needs_of(earlier, "gru"), recording()
    loud = prepare(needs, Recording(1000 * given.signal, 100, given.leads), FILE)
    with pytest.raises(EcgFusionError, match=r"x.hea reaches .* is its unit right"):
        fit(needs, loud, FILE)
