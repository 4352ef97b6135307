"""Trains a network on the images or signals of a store; scores, weights and logs go into one run folder."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.commands.image_options import REPRESENTATION_NAMES, add_image_options
from pipeline.commands.parser import CommandParser, one_word, positive_float, positive_int, run_command
from pipeline.commands.recipes import named_value, read_recipe
from pipeline.commands.terminal import say_loading, told_to
from pipeline.errors import EcgFusionError
from pipeline.evaluation.joining import JOINS
from pipeline.inputs.spec import NORMALISATIONS
from pipeline.machine.group import place_of
from pipeline.machine.places import local
from pipeline.report.console import Console
from pipeline.signals.augmentations import AUGMENTATIONS
from pipeline.signals.beats import BEAT_CHANNELS, BEAT_S
from pipeline.training import defaults
from pipeline.training.losses import LOSSES
from pipeline.training.optimisation import OPTIMIZERS, SCHEDULERS

if TYPE_CHECKING:
    from pipeline.training.options import TrainOptions

TASKS = "disease superdiagnostic subdiagnostic diagnostic form rhythm all, of ptbxl"

EXAMPLES = """
examples:
  python train.py -model alexnet                            stacked images of the store -> runs/alexnet
  python train.py -model resnet -representation gaf rp -path_save_model runs/resnet-gaf-rp
  python train.py -model resnet1d_wang -crop 2.5 -task superdiagnostic
  python train.py -model gru -kfold 5                       five networks, whose mean is one run
  python train.py -init runs/heartbeats -freeze features -data data/infarction -path_save_model runs/frozen
  python train.py -model resnet1d_wang -teacher runs/fused -path_save_model runs/taught
  python train.py -model late -combine mean -branches runs/gru runs/alexnet -path_save_model runs/fused
  python train.py -config recipe.toml -seed 1               options in a file; those that are typed count more
  python train.py -resume -path_save_model runs/alexnet     goes on where it was stopped
"""


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options; see ``--help``. Those that are not given are None."""
    parser = CommandParser(prog="train.py", description=__doc__, epilog=EXAMPLES)
    parser.option("model", help="a network of --list_models or torchvision:NAME; late or intermediate: a fusion")
    parser.option("list_models", action="store_true", help="print the networks and fusions, and stop")
    parser.option("data", help=f"folder of the stores (default {defaults.DATA}; of a fusion, its first branch's)")
    parser.option("path_save_model", help="the run's folder (default runs/MODEL)")
    parser.option("resume", action="store_true", help="go on with the run in -path_save_model")
    recipe = "a recipe: these options in a TOML file, as epochs = 3; what is typed beside it counts more"
    parser.option("config", type=Path, metavar="FILE", help=recipe)
    _add_what_is_seen(parser)
    _add_network(parser)
    _add_transfer(parser)
    _add_teacher(parser)
    _add_fusion(parser)
    _add_fitting(parser)
    _add_machine(parser)
    add_image_options(parser)
    parsed: argparse.Namespace = parser.parse_args(words)
    return parsed


def _add_what_is_seen(parser: CommandParser) -> None:
    group = parser.add_argument_group("what the network sees")
    parser.option("task", group, help=f"labels to learn (default: what is usual for the data set): {TASKS}")
    learnt = (
        "labels that the outputs are compared with, if not -task's, which is then read from them: all, or all and it"
    )
    parser.option("learn", group, nargs="+", metavar="TASK", help=learnt)
    of_leads = "such as I II V2, or all (default: image leads of the store; all, for signals and the lead map)"
    parser.option("leads", group, type=one_word, nargs="+", help=of_leads)
    stacked = f"{REPRESENTATION_NAMES}, stacked as channels (default: all); or lead_map, one image of all leads"
    parser.option("representation", group, type=one_word, nargs="+", help=stacked)
    drawn = "draw images from the signal (default on a GPU, with -crop or -beat, and where none are stored)"
    parser.switch("on_the_fly", group, drawn, "take the images of the store (default otherwise)")
    parser.option("crop", group, type=positive_float, help="seconds seen at once: random crops in training")
    averaged = "seconds between the crops whose mean is an item's score (default: half of -crop)"
    parser.option("stride", group, type=positive_float, help=averaged)
    whole = "see the median heartbeat instead of the whole item"
    parser.option("beat", group, action="store_true", default=None, help=whole)
    parts = (
        f"with -beat: what is seen of a record's beats, one channel each: {' '.join(BEAT_CHANNELS)} (default the first)"
    )
    parser.option("beat_channels", group, type=one_word, nargs="+", metavar="NAME", help=parts)
    extent = f"with -beat: seconds seen before the R peak and after it (default {BEAT_S[0]:g} {BEAT_S[1]:g})"
    parser.option("beat_extent", group, type=positive_float, nargs=2, metavar=("BEFORE", "AFTER"), help=extent)
    rhythm = "with -beat -representation lead_map: ten seconds of this lead below the beats, in lines as long as a beat"
    parser.option("strip", group, type=one_word, metavar="LEAD", help=rhythm)
    normal = NORMALISATIONS
    scaled = "signals: global divides by their deviation in train, record by each lead's own, none leaves mV"
    parser.option("normalise", group, choices=normal, help=f"{scaled} (default {normal[0]})")
    known = "numbers to be seen beside each item: rr, the RR intervals, of stores of heartbeats; else measured in the"
    known += " signal: rhythm (RR intervals of the whole record); voltage; intervals (heart rate, PR, QRS, QT); tabular"
    known += " (these, age and sex)"
    parser.option("features", group, type=one_word, nargs="+", metavar="NAME", help=known)
    parser.option("limit", group, type=positive_int, help="train on so many items only, sampled in the classes' shares")

    of_dev = "for quick trials: choose epoch and thresholds on a sample of so many dev items, which the card says"
    parser.option("dev_limit", group, type=positive_int, metavar="N", help=of_dev)
    of_windows = f"stores of windows: how their scores become their record's (default {next(iter(JOINS))})"
    parser.option("join", group, choices=tuple(JOINS), help=of_windows)


def _add_network(parser: CommandParser) -> None:
    group = parser.add_argument_group("the network", "each is for the networks and fusions that have it")
    parser.option("nb_filters", group, type=positive_int, help="filters of the first layer")
    parser.option("dropout", group, type=float, help="probability that a value is left out of a training step")
    flat = "vgg, cnn, basic_cnn, resnet_like_*, smaller_resnet_*, identity_resnet_*, cnet, beat_cnn_lstm: flatten is"
    flat += " as published, for items of one length (default: a mean or maximum, for any)"
    parser.option("head", group, choices=("mean", "flatten"), help=flat)
    parser.option("hidden_size", group, type=positive_int, help="width of a recurrent layer, or of a fusion's")
    parser.option("n_layers", group, type=positive_int, help="recurrent layers, or those of a transformer")
    parser.option(
        "n_heads", group, type=positive_int, help="of a transformer, or of fusion by attention or modules (default 4)"
    )
    others = "further options of a network or fusion, by the names in its file"
    parser.option("set", group, nargs="+", type=named_value, metavar="NAME=VALUE", help=others)
    imagenet = "torchvision:NAME: start from its weights of ImageNet"
    parser.option("pretrained", group, action="store_true", default=None, help=imagenet)


def _add_transfer(parser: CommandParser) -> None:
    group = parser.add_argument_group(
        "transfer", "a training that begins with another run's weights, see docs/signal_systems.md"
    )
    its = "the run of one network: weights whose names and shapes fit are taken over, the head is fresh for a new task"
    parser.option("init", group, metavar="RUN", help=f"{its} (-model: default its own)")
    as_there = (
        "see of an item what the run of -init saw: its leads, crop or beat, images, numbers, but for what is typed"
    )
    parser.switch("init_input", group, f"{as_there} (default)", "see what is usual, but for what is typed")
    parser.option("freeze", group, choices=("features",), help="keep all but the head as it is in -init")
    of_init = f"of what is taken over (default {defaults.INIT_RATE:g} of -learning_rate)"
    parser.option("init_learning_rate", group, type=positive_float, metavar="R", help=of_init)


def _add_teacher(parser: CommandParser) -> None:
    group = parser.add_argument_group(
        "a teacher", "a network that learns from what another run says of its training items, see docs/training.md"
    )
    says = "a finished run of any kind with the same classes: its probabilities are learnt beside the labels"
    parser.option("teacher", group, metavar="RUN", help=says)
    share = f"weight of what it says in the loss, 0 to 1 (default {defaults.DISTILL:g}); the labels have the rest"
    parser.option("distill", group, type=float, metavar="WEIGHT", help=share)
    soft = f"logits of both are divided by it: above 1 the teacher is less sure (default {defaults.TEMPERATURE:g})"
    parser.option("temperature", group, type=float, metavar="T", help=soft)
    near = "weight of a contrast with where the teacher sees the items, above 0; labels that overlap are near"
    parser.option("contrast", group, type=float, metavar="WEIGHT", help=near)
    sharp = f"its cosines are divided by it (default {defaults.CONTRAST_TEMPERATURE:g})"
    parser.option("contrast_temperature", group, type=float, metavar="T", help=sharp)


def _add_fusion(parser: CommandParser) -> None:
    group = parser.add_argument_group("a fusion", "of trained runs: -model late or intermediate")
    parser.option("branches", group, nargs="+", metavar="RUN", help="the runs to fuse, two or more")
    fusions = "late: mean weighted stacking mlp; intermediate: concat gated attention mamil modules svm"
    parser.option("combine", group, help=fusions)
    combined = "late: what is combined (default probabilities; of stacking: logits)"
    parser.option("fuse_on", group, choices=("probabilities", "logits"), help=combined)
    fitted_on = "late, but mean: scores it is fitted on (default dev); intermediate: out_of_fold, of k-fold branches"
    parser.option("fit_on", group, choices=("dev", "out_of_fold"), help=fitted_on)
    on = "intermediate: train on the branches, too"
    parser.option("finetune", group, action="store_true", default=None, help=on)
    theirs = f"with -finetune: of the branches (default {defaults.BRANCH_RATE} of -learning_rate)"
    parser.option("branch_learning_rate", group, type=positive_float, help=theirs)
    hidden = "intermediate: probability that a branch is hidden in training (default 0.1)"
    parser.option("branch_dropout", group, type=float, help=hidden)
    own = f"intermediate: weight of the branches' own losses (default {defaults.AUXILIARY})"
    parser.option("auxiliary", group, type=float, help=own)
    parser.option("max_tokens", group, type=positive_int, help="attention, mamil: tokens of a branch (default 32)")


def _add_fitting(parser: CommandParser) -> None:
    by_family = "defaults depend on the network's family: they are in docs/training.md, and a training prints its own"
    group = parser.add_argument_group("how it is fitted", by_family)
    parser.option("epochs", group, type=positive_int, help="at most, see -patience")
    parser.option("batch_size", group, type=positive_int, help="items in a step")
    parser.option("learning_rate", group, type=positive_float, help="the highest, where a scheduler changes it")
    parser.option("optimizer", group, choices=tuple(OPTIMIZERS), help=f"default {defaults.OPTIMIZER}")
    decay = "of the optimizer; of adamw and sgdw a weight loses rate times decay of itself in each step; 0: none"
    parser.option("weight_decay", group, type=float, help=decay)
    parser.option("momentum", group, type=float, help=f"of sgd and sgdw (default {defaults.MOMENTUM})")
    falling = (
        "of the learning rate: onecycle rises, then falls; cosine falls from the start, cosine_restarts several times"
    )
    parser.option("scheduler", group, choices=tuple(SCHEDULERS), help=falling)
    rising = "the rate first rises for so many epochs, from a tenth of it; with any scheduler but onecycle"
    parser.option("warmup", group, type=positive_int, metavar="EPOCHS", help=rising)
    often = f"cosine_restarts: how often it falls (default {defaults.CYCLES}, or as often as there are epochs)"
    parser.option("cycles", group, type=positive_int, metavar="N", help=often)
    lowest = "cosine, cosine_restarts: the lowest rate, as a part of -learning_rate (default 0)"
    parser.option("floor", group, type=float, metavar="PART", help=lowest)
    parser.option("clip_norm", group, type=float, help="largest norm of the gradient; 0: any")
    parser.option("patience", group, type=positive_int, help="stop after so many epochs without a better dev macro-AUC")
    many = "train K networks, each without one fold of the patients; the run is their mean"
    parser.option("kfold", group, type=positive_int, metavar="K", help=many)
    dealt = "with -kfold: how patients are dealt (default -seed); branches to be fused out of fold need the same"
    parser.option("folds_seed", group, type=int, help=dealt)
    alone = "with -kfold: train this one of the K networks and stop, as a job of many does; -resume joins them then"
    parser.option("member", group, type=positive_int, metavar="NUMBER", help=alone)
    parser.option("loss", group, help=f"what is made small: {' '.join(LOSSES)} (default {next(iter(LOSSES))})")
    drawn = "multiclass: balanced draws each class equally often, smote adds items between those of rare classes"
    parser.option("sampling", group, choices=defaults.SAMPLINGS, help=f"{drawn} (default: each item once)")
    changed = f"change signals at random in training: {' '.join(AUGMENTATIONS)}"
    parser.option("augment", group, type=one_word, nargs="+", metavar="NAME", help=changed)
    softer = "targets that are less sure: a part E of each (0.1) is dealt out among what else could be; 0: none"
    parser.option("label_smoothing", group, type=float, metavar="E", help=softer)
    pairs = "mix items, and their labels, in pairs by a weight of Beta(ALPHA, ALPHA) a step (0.2); 0: none"
    parser.option("mixup", group, type=float, metavar="ALPHA", help=pairs)
    mean = "score and keep the mean of the weights over the steps, which forgets 1 − DECAY a step (0.999); 0: none"
    parser.option("ema", group, type=float, metavar="DECAY", help=mean)
    sure = "when it is done, fit on dev how sure it is to be taken: a temperature a class, kept in the card"
    parser.option("calibrate", group, action="store_true", default=None, help=sure)
    weighted = "balanced: rare classes count more in the loss (default for disease, else none)"
    parser.option("class_weights", group, choices=("balanced", "none"), help=weighted)
    parser.option("seed", group, type=int, help=f"of fresh weights, order and crops (default {defaults.SEED})")


def _add_machine(parser: CommandParser) -> None:
    group = parser.add_argument_group("the machine")
    parser.option("gpu_id", group, type=int, help="which GPU (default: the first, if there is one)")
    computed_in = "of a step (default bf16 on a GPU that has it, else fp32); scores are always fp32"
    parser.option("precision", group, choices=defaults.PRECISIONS, help=computed_in)
    parser.option("threads", group, type=positive_int, help="of the CPU (default: the cores that are free)")
    parser.option(
        "workers",
        group,
        type=int,
        help="processes that read ahead (default 2 where signals do not fit into memory, else 0)",
    )


@told_to(Console)
def main(words: Sequence[str] | None = None) -> None:
    """Runs the command."""
    arguments = parse(words)
    if arguments.list_models:
        from pipeline.report.networks import describe_fusions, describe_networks

        print(f"{describe_networks()}\n\n{describe_fusions()}")
        return
    options = options_of(arguments)
    place = place_of()
    if place.rank == 0:  # of several processes one, since all would say the same
        _check_before_torch(options, arguments.resume)
        say_loading(place.size)
    from pipeline.training.run import train_run

    train_run(options, arguments.resume)


def _check_before_torch(options: "TrainOptions", resume: bool) -> None:
    """Says what can be said without torch, whose import takes seconds: numbers, runs and stores that are not there."""
    from pipeline.runs.card import CARD, FUSIONS
    from pipeline.runs.card_file import read_card
    from pipeline.runs.folder import refuse_files_of_others
    from pipeline.store.reading import require_store, store_path
    from pipeline.training.ranges import check_ranges

    check_ranges(options)
    for run in (options.branches or ()) if options.run_kind in FUSIONS else ():
        read_card(Path(run))
    for other in filter(None, (options.init, options.teacher)):
        read_card(Path(other))
    folder = local(options.path_save_model) if options.path_save_model else None
    if folder and resume:
        read_card(folder)
    elif folder and not (folder / CARD).exists():
        refuse_files_of_others(folder)
    others = resume or options.branches or options.model in FUSIONS  # which know their stores, or are refused
    data = options.data or (None if others else defaults.DATA)
    if data and (options.model or options.init):
        for partition in ("train", "dev"):
            require_store(store_path(Path(data), partition))


def options_of(arguments: argparse.Namespace) -> "TrainOptions":
    """What was typed, over what the recipe says."""
    from pipeline.training.options import TrainOptions

    apart = {"list_models", "resume", "config"}
    typed = {name: getattr(arguments, name) for name in arguments.typed - apart}
    if "set" in typed:
        typed["set"] = dict(typed["set"])
    if arguments.config is None:
        return TrainOptions.of(**typed)
    recipe = read_recipe(arguments.config)
    if "search" in recipe:
        raise EcgFusionError(
            f"{arguments.config} has a table [search], from which python -m pipeline.training.search -config "
            f"{arguments.config} makes the recipe that is best: train with that one, or take the table out"
        )
    TrainOptions.of(str(arguments.config), **recipe)  # so that a wrong option is named with its file
    both = {"set": {**recipe.get("set", {}), **typed["set"]}} if "set" in typed else {}
    return TrainOptions.of(**{**recipe, **typed, **both})


if __name__ == "__main__":
    run_command(main, "go on with -resume and the same -path_save_model")
