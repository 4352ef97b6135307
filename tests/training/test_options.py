"""The options of a training: by keyword, from a command line, from a recipe; nothing is taken and ignored."""

import shlex
from pathlib import Path

import pytest

import train
from models import describe_model, register, registry
from pipeline.commands.recipes import read_recipe
from pipeline.errors import EcgFusionError
from pipeline.runs.card_file import read_card
from pipeline.runs.load import load_run
from pipeline.training.options import TrainOptions
from pipeline.training.run import train_run

SMALL = "-model gru -hidden_size 4 -n_layers 1 -leads I II -crop 0.5 -epochs 1 -threads 1"


def refused(words: str) -> str:
    with pytest.raises(EcgFusionError) as problem:
        train.main(shlex.split(words))
    assert "\n" not in str(problem.value)
    return str(problem.value)


def test_a_misspelt_keyword_is_answered_with_the_nearest():
    with pytest.raises(EcgFusionError, match="there is no option lerning_rate: did you mean learning_rate"):
        TrainOptions.of(model="gru", lerning_rate=9.0)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"epochs": "three"}, "epochs is 'three', not a whole number"),
        ({"epochs": 0}, "epochs is 0, not a number of at least 1"),
        ({"leads": "I"}, "leads is 'I', not a list"),
        ({"head": "conv"}, "head is 'conv', not mean or flatten"),
        ({"crop": float("nan")}, "crop is nan, not a number"),
        ({"normalise": "x"}, "normalise is 'x', not global or none or record"),
        ({"beat": 1}, "beat is 1, not true or false"),
    ],
)
def test_a_keyword_of_another_type_or_range_is_named(given, sentence):
    with pytest.raises(EcgFusionError, match=sentence):
        TrainOptions.of(**given)


def test_none_is_not_given_and_paths_are_text():
    options = TrainOptions.of(model="gru", data=Path("data/signals"), epochs=None, leads=["I", "V2"])
    assert options.given == {"model": "gru", "data": "data/signals", "leads": ["I", "V2"]}


def test_every_option_of_the_command_is_one_of_the_value():
    apart = {"typed", "list_models", "resume", "config"}
    assert set(vars(train.parse([]))) - apart == set(TrainOptions.__dataclass_fields__)


def test_a_recipe_is_the_same_options_in_a_file(workplace: Path, cpu_as_before):
    Path("recipe.toml").write_text(
        'model = "gru"\nhidden_size = 4\nn_layers = 1\nleads = ["I", "II"]\ncrop = 0.5\nepochs = 2\nthreads = 1\n'
        'data = "data/ptbxl-images"\n'
    )
    train.main(["-config", "recipe.toml", "-epochs", "1", "-path_save_model", "runs/recipe"])
    train.main([*SMALL.split(), "-path_save_model", "runs/typed"])
    recipe, typed = read_card(Path("runs/recipe")), read_card(Path("runs/typed"))
    assert recipe.training.epochs == 1, "what is typed counts more"
    assert recipe.given == {**typed.given, "path_save_model": "runs/recipe", "data": "data/ptbxl-images"}
    weights = [(Path("runs") / name / "weights.safetensors").read_bytes() for name in ("recipe", "typed")]
    assert weights[0] == weights[1]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('model = "gru"\nlerning_rate = 9.0', "recipe.toml: there is no option lerning_rate: did you mean learning"),
        ('model = "gru"\nepochs = "x"', "recipe.toml: epochs is 'x', not a whole number"),
        ("model = gru", "recipe.toml is not TOML .*: write lines such as"),
        ("resume = true", "recipe.toml: there is no option resume"),
    ],
)
def test_a_recipe_that_cannot_be_is_named(workplace: Path, text: str, sentence: str):
    Path("recipe.toml").write_text(text)
    with pytest.raises(EcgFusionError, match=sentence):
        train.main(["-config", "recipe.toml"])


def test_a_recipe_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(EcgFusionError, match=r"there is no recipe .*nowhere\.toml: name a TOML file"):
        read_recipe(tmp_path / "nowhere.toml")
    with pytest.raises(EcgFusionError, match="is a folder"):
        read_recipe(tmp_path)


def test_an_option_of_one_network_is_given_by_set(workplace: Path, cpu_as_before, monkeypatch):
    """A network that train.py has never heard of, with an option that it has no line for."""
    monkeypatch.setattr(registry, "_entries", {**registry._entries})

    @register("toy", modality="signal", family="recurrent", paper="none")
    def toy(*, in_channels: int, n_classes: int, width: int = 3):
        return describe_model("gru").build(in_channels=in_channels, n_classes=n_classes, hidden_size=width, n_layers=1)

    words = "-model toy -leads I -crop 0.5 -epochs 1 -threads 1 -set width=5"
    train.main(words.split())
    run = load_run(Path("runs/toy"))
    assert run.card.options == {"width": 5}
    assert run.network.token_dim == 5
    assert "toy has no -nb_filters; it has -set width=…" in refused(f"{words} -nb_filters 3 -path_save_model runs/b")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (f"{SMALL} -set n_blocks=4", "gru has no -n_blocks"),
        (f"{SMALL} -set dropout=0.1", "-set dropout=0.1 has an option of its own: give -dropout instead"),
    ],
)
def test_what_set_cannot_do_is_one_sentence(workplace: Path, words: str, sentence: str):
    assert sentence in refused(words)


def test_a_training_from_python_says_nothing(workplace: Path, cpu_as_before, capsys):
    options = TrainOptions.of(model="gru", hidden_size=4, n_layers=1, crop=0.5, epochs=1, threads=1, leads=["I"])
    train_run(options)
    assert capsys.readouterr() == ("", "")
