"""The registry: names, options, near names, and a new network in one decorator."""

import ast
import dataclasses
import doctest
from pathlib import Path

import pytest
from torch import nn

import models
from models import create_model, describe_model, list_models, register, registry
from models.base import ImageNetwork
from models.layers import MeanPool


@pytest.fixture
def empty_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_entries", {})


def build_tiny(in_channels: int, n_classes: int, width: int = 2) -> ImageNetwork:
    return ImageNetwork(
        nn.Conv2d(in_channels, width, 1),
        MeanPool(),
        in_channels=in_channels,
        token_dim=width,
        feature_dim=width,
        n_classes=n_classes,
        smallest_size=1,
    )


def test_names_are_sorted_and_split_by_modality() -> None:
    assert list_models() == sorted(list_models())
    assert sorted(list_models("image") + list_models("signal")) == list_models()
    assert {"alexnet", "alexnet_attention", "mobilenet_v2", "vgg", "resnet", "cnn"} <= set(list_models("image"))
    assert {"gru", "bigru", "lstm", "bilstm", "gru_attention", "cnn_gru", "cnn_lstm", "resnet1d_wang"} <= set(
        list_models("signal")
    )
    with pytest.raises(ValueError, match="'sound' is none of image, signal"):
        list_models("sound")


def test_entry_reads_options_from_the_signature(name: str) -> None:
    entry = describe_model(name)
    assert entry.name == name
    assert entry.family.isalnum()
    assert entry.paper
    assert entry.build.__doc__, "a network says what it is"
    assert not {"in_channels", "n_classes", "self"} & set(entry.options)
    with pytest.raises(dataclasses.FrozenInstanceError):
        entry.family = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        entry.options["new"] = 1  # type: ignore[index]


def test_options_of_gru() -> None:
    assert dict(describe_model("gru").options) == {"hidden_size": 128, "n_layers": 3, "dropout": 0.0}


def test_an_option_reaches_the_network() -> None:
    assert create_model("gru", in_channels=3, n_classes=4, hidden_size=16).feature_dim == 16


def test_unknown_name_lists_the_near_ones() -> None:
    with pytest.raises(ValueError, match=r"'AlexNt'; did you mean alexnet or "):
        create_model("AlexNt", in_channels=3, n_classes=4)
    with pytest.raises(ValueError, match=r"choose from alexnet, alexnet_attention, "):
        describe_model("zzz")


def test_unknown_option_lists_those_it_takes() -> None:
    with pytest.raises(ValueError, match=r"'gru' does not take the option 'head'; it takes hidden_size, n_lay"):
        create_model("gru", in_channels=3, n_classes=4, head="mean")


@pytest.mark.parametrize(("channels", "classes"), [(0, 4), (3, 0), (3, -1)])
def test_no_channels_or_classes_is_refused(name: str, channels: int, classes: int) -> None:
    with pytest.raises(ValueError, match="needs 1 or more"):
        create_model(name, in_channels=channels, n_classes=classes)


@pytest.mark.usefixtures("empty_registry")
def test_a_new_network_is_one_decorator() -> None:
    register("tiny", modality="image", family="tiny", paper="none")(build_tiny)
    assert list_models() == ["tiny"]
    assert dict(describe_model("tiny").options) == {"width": 2}
    assert create_model("tiny", in_channels=1, n_classes=3, width=5).feature_dim == 5


@pytest.mark.usefixtures("empty_registry")
def test_a_duplicate_name_raises() -> None:
    add = register("tiny", modality="image", family="tiny", paper="none")
    add(build_tiny)
    with pytest.raises(ValueError, match="'tiny' is already registered"):
        add(build_tiny)


@pytest.mark.usefixtures("empty_registry")
def test_a_builder_that_cannot_be_created_by_name_is_refused() -> None:
    def no_classes(in_channels: int) -> ImageNetwork:
        return build_tiny(in_channels, 1)

    def no_default(in_channels: int, n_classes: int, width: int) -> ImageNetwork:
        return build_tiny(in_channels, n_classes, width)

    with pytest.raises(ValueError, match="does not take n_classes"):
        register("tiny", modality="image", family="tiny", paper="none")(no_classes)
    with pytest.raises(ValueError, match="width of network 'tiny' has no default"):
        register("tiny", modality="image", family="tiny", paper="none")(no_default)
    with pytest.raises(ValueError, match="modality 'sound'"):
        register("tiny", modality="sound", family="tiny", paper="none")


def test_the_example_in_the_docstring_runs() -> None:
    assert doctest.testmod(models) == doctest.TestResults(failed=0, attempted=13)


def test_models_import_nothing_of_pipeline_and_print_nothing() -> None:
    for path in Path(models.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                imported = [node.module or ""]
            assert not any(module.split(".")[0] in ("pipeline", "argparse") for module in imported), path
            assert not (isinstance(node, ast.Name) and node.id in ("print", "open")), path


def test_a_value_of_another_kind_than_the_default_is_refused_by_its_name(name: str) -> None:
    options = {option: default for option, default in describe_model(name).options.items() if default is not None}
    for option, default in options.items():
        wrong: list[object] = ["abc", [1], None] if not isinstance(default, str) else [1, 2.5, True]
        wrong += [2.5, True] * (type(default) is int) + [True, float("nan"), float("inf")] * (type(default) is float)
        for value in wrong:
            with pytest.raises(ValueError, match=rf"{option} of network '{name}' is .*; it is (a|true) "):
                create_model(name, in_channels=2, n_classes=4, **{option: value})


def test_a_number_of_a_float_may_be_whole_and_what_has_no_default_may_be_anything() -> None:
    registry.check_options({"a": 1, "b": "x", "c": True}, {"a": 0.5, "b": None, "c": False}, what="it")
    with pytest.raises(ValueError, match="c of it is 1; it is true or false"):
        registry.check_options({"c": 1}, {"c": False}, what="it")
