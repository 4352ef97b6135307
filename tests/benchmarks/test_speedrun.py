"""The speedrun: what it times is what it says, and its table counts what reached the aim."""

from itertools import pairwise

import pytest

from benchmarks import speedrun
from benchmarks.speedrun import VARIANTS, Lap, table
from create_images import parse as parse_stores
from pipeline.errors import EcgFusionError
from pipeline.sources.synthetic import write_dataset
from pipeline.training.options import TrainOptions
from train import parse as parse_training


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_is_a_command(name: str):
    options = vars(parse_training(VARIANTS[name].split()))
    TrainOptions.of(**{name: value for name, value in options.items() if name in TrainOptions.__dataclass_fields__})
    parse_stores(speedrun.STORES.split())


def test_a_variant_differs_from_the_one_above_in_one_thing():
    names = list(VARIANTS)
    for above, name in pairwise(names):
        if above.partition("-")[0] == name.partition("-")[0]:
            one, other = (vars(parse_training(VARIANTS[each].split())) for each in (above, name))
            assert sum(one[option] != other[option] for option in one if option != "typed") == 1, name


def test_the_table_has_medians_and_ratios_within_a_network():
    laps = {
        "signal": [Lap(10, 90, 0.94), Lap(10, 110, 0.94), Lap(10, 500, 0.94)],
        "signal-3": [Lap(10, 50, 0.92)] * 3,
        "beat": [Lap(5, 5, 0.93)],
    }
    _, _, _, *rows = table(laps, 0.93)
    cells = [row.strip("| ").split(" | ") for row in rows]
    assert [row[3:6] for row in cells] == [
        ["120 s", "0.9400", "reached"],
        ["60 s", "0.9200", "missed"],
        ["10 s", "0.9300", "reached"],
    ]
    assert [row[6] if len(row) > 6 else "" for row in cells] == ["", "2.00", ""]


def test_a_lap_is_run_from_the_official_folder(tmp_path, monkeypatch):
    write_dataset(tmp_path / "ptbxl", n_records=60, seed=0)
    monkeypatch.setitem(VARIANTS, "signal", "-model cnn_gru -crop 2.5 -epochs 1 -threads 1")
    found = speedrun.lap("signal", tmp_path / "ptbxl", 0)
    assert found.stores > 0 < found.training
    assert 0 <= found.dev <= 1
    monkeypatch.setattr(speedrun, "STORES", "--representations none --folds train=none")
    with pytest.raises(EcgFusionError, match=r"create_images\.py --representations none --folds train=none .*: \S"):
        speedrun.lap("signal", tmp_path / "ptbxl", 0)
