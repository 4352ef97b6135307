"""Which way to cut records is taken, by what was chosen and by what is usual."""

import subprocess
import sys

import pytest
from toy_sources import Toy

from pipeline.errors import EcgFusionError
from pipeline.sources.cuts import choose_cut
from pipeline.sources.items import Whole, Windows


def test_nothing_chosen_is_whole_records():
    assert isinstance(choose_cut(Toy([3])), Whole)


def test_windows_lie_side_by_side_where_no_stride_is_given():
    assert choose_cut(Toy([3]), window=2) == Windows(2.0, 2.0)
    assert choose_cut(Toy([3]), window=2, stride=0.5) == Windows(2.0, 0.5)


@pytest.mark.parametrize("given", [{"beats": 3}, {"beat_extent": (0.2, 0.4)}])
def test_what_is_for_heartbeats_goes_with_them_alone(given):
    with pytest.raises(EcgFusionError, match=f"--{next(iter(given))} is for heartbeats: give --beat too"):
        choose_cut(Toy([3]), **given)


@pytest.mark.parametrize("way", ["window", "kachuee"])
def test_heartbeats_are_not_cut_again(way):
    source = Toy([3])
    source.holds_beats = True
    with pytest.raises(EcgFusionError, match=r"--beat cuts .* those of toy are heartbeats already: leave it out"):
        choose_cut(source, beat=way)
    assert isinstance(choose_cut(source), Whole)


def test_help_does_not_wait_for_pandas():
    code = "import sys, pipeline.sources.cuts; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
