"""Pretrains an encoder on the signals of a store, without their labels; train.py -init begins with its weights.

See docs/pretraining.md for what the methods are, and when they are of use.

    python -m pipeline.training.pretraining -method jepa -path_save_model runs/jepa
    python train.py -init runs/jepa -path_save_model runs/tuned
"""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.commands.parser import CommandParser, one_word, positive_float, positive_int, run_command
from pipeline.commands.recipes import named_value
from pipeline.commands.terminal import Terminal, say_loading, told_to
from pipeline.inputs.spec import NORMALISATIONS
from pipeline.machine.places import local
from pipeline.machine.streams import say
from pipeline.signals.augmentations import AUGMENTATIONS
from pipeline.training import defaults
from pipeline.training.optimisation import OPTIMIZERS, SCHEDULERS

if TYPE_CHECKING:
    from pipeline.training.pretraining_options import PretrainOptions

EXAMPLES = """
examples:
  python -m pipeline.training.pretraining -method jepa -data data/signals -path_save_model runs/jepa
  python -m pipeline.training.pretraining -method cpc -model resnet1d_wang -crop 2.5 -path_save_model runs/cpc
  python -m pipeline.training.pretraining -method clocs -method_set lead_groups=2 -path_save_model runs/clocs
  python -m pipeline.training.pretraining -resume -path_save_model runs/jepa
  python train.py -init runs/jepa -data data/signals -path_save_model runs/tuned
"""


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options; see ``--help``. Those that are not given are None."""
    parser = CommandParser(prog="python -m pipeline.training.pretraining", description=__doc__, epilog=EXAMPLES)
    parser.option("method", help="how: one of -list_methods")
    parser.option("list_methods", action="store_true", help="print the methods with their options, and stop")
    of_method = "options of the method, by the names that -list_methods shows"
    parser.option("method_set", nargs="+", type=named_value, metavar="NAME=VALUE", help=of_method)
    parser.option("model", help="a network of signals of train.py -list_models (default: what the method was made for)")
    parser.option("data", help=f"folder of the stores train and dev (default {defaults.DATA})")
    parser.option("path_save_model", help="the run's folder (default runs/METHOD-MODEL)")
    parser.option("resume", action="store_true", help="go on with the pretraining in -path_save_model")

    group = parser.add_argument_group("what the network sees", "as in train.py")
    parser.option("leads", group, type=one_word, nargs="+", help="such as I II V2, or all (default all)")
    parser.option("crop", group, type=positive_float, help="seconds seen at once: random crops")
    beat = "see the median heartbeat instead of the whole item"
    parser.option("beat", group, action="store_true", default=None, help=beat)
    parser.option("normalise", group, choices=NORMALISATIONS, help=f"of signals (default {NORMALISATIONS[0]})")
    changed = f"change signals at random: {' '.join(AUGMENTATIONS)}"
    parser.option("augment", group, type=one_word, nargs="+", metavar="NAME", help=changed)
    parser.option("limit", group, type=positive_int, help="a sample of so many items only")
    parser.option("dev_limit", group, type=positive_int, metavar="N", help="the same of dev, whose loss is told")

    group = parser.add_argument_group("the network", "each is for the networks that have it")
    parser.option("nb_filters", group, type=positive_int, help="filters of the first layer")
    parser.option("dropout", group, type=float, help="probability that a value is left out of a step")
    parser.option("hidden_size", group, type=positive_int, help="width of a recurrent layer")
    parser.option("n_layers", group, type=positive_int, help="recurrent layers, or those of a transformer")
    parser.option("n_heads", group, type=positive_int, help="of a transformer")
    others = "further options of the network, by the names in its file"
    parser.option("set", group, nargs="+", type=named_value, metavar="NAME=VALUE", help=others)

    group = parser.add_argument_group("how it is fitted", "as in train.py; defaults are those of the network's family")
    parser.option("epochs", group, type=positive_int, help="all of them: the last one's weights are kept")
    parser.option("batch_size", group, type=positive_int, help="items in a step")
    rate = f"the highest (default {defaults.PRETRAINING_RATE:g})"
    parser.option("learning_rate", group, type=positive_float, help=rate)
    parser.option("optimizer", group, choices=tuple(OPTIMIZERS), help=f"default {defaults.OPTIMIZER}")
    parser.option("weight_decay", group, type=float, help="of the optimizer")
    parser.option("momentum", group, type=float, help="of sgd and sgdw")
    parser.option("scheduler", group, choices=tuple(SCHEDULERS), help="of the learning rate")
    parser.option("warmup", group, type=positive_int, metavar="EPOCHS", help="the rate first rises for so many epochs")
    parser.option("cycles", group, type=positive_int, metavar="N", help="cosine_restarts: how often the rate falls")
    parser.option(
        "floor", group, type=float, metavar="PART", help="cosine, cosine_restarts: the lowest rate, as a part"
    )
    parser.option("clip_norm", group, type=float, help="largest norm of the gradient; 0: any")
    seed = f"of fresh weights, order, crops and what is hidden (default {defaults.SEED})"
    parser.option("seed", group, type=int, help=seed)

    group = parser.add_argument_group("the machine", "as in train.py")
    parser.option("gpu_id", group, type=int, help="which GPU (default: the first, if there is one)")
    precision = "of a step (default bf16 on a GPU that has it, else fp32)"
    parser.option("precision", group, choices=defaults.PRECISIONS, help=precision)
    parser.option("threads", group, type=positive_int, help="of the CPU (default: the cores that are free)")
    parser.option("workers", group, type=int, help="processes that read ahead")
    parsed: argparse.Namespace = parser.parse_args(words)
    return parsed


@told_to(Terminal)
def main(words: Sequence[str] | None = None) -> None:
    """Runs the command."""
    arguments = parse(words)
    if arguments.list_methods:
        say(_described())
        return
    options = _options(arguments)
    _check_before_torch(options, arguments.resume)
    say_loading()
    from pipeline.training.pretrained import pretrain_run

    pretrain_run(options, arguments.resume)


def _options(arguments: argparse.Namespace) -> "PretrainOptions":
    from pipeline.training.pretraining_options import PretrainOptions

    typed = {name: getattr(arguments, name) for name in arguments.typed - {"list_methods", "resume"}}
    for name in ("set", "method_set"):
        if name in typed:
            typed[name] = dict(typed[name])
    return PretrainOptions.of(**typed)


def _check_before_torch(options: "PretrainOptions", resume: bool) -> None:
    """Says what can be said without torch, whose import takes seconds: numbers, runs and stores that are not there."""
    from pathlib import Path

    from pipeline.runs.card import CARD
    from pipeline.runs.card_file import read_card
    from pipeline.runs.folder import refuse_files_of_others
    from pipeline.store.reading import require_store, store_path
    from pipeline.training.ranges import check_ranges

    check_ranges(options)
    folder = local(options.path_save_model) if options.path_save_model else None
    if folder and resume:
        read_card(folder)
    elif folder and not (folder / CARD).exists():
        refuse_files_of_others(folder)
    data = options.data or (None if resume else defaults.DATA)
    for partition in ("train", "dev") if data and (options.method or resume) else ():
        require_store(store_path(Path(data or ""), partition))


def _described() -> str:
    """A line for each method, and one for its options."""
    from models.pretraining.registry import describe_method, list_methods

    lines = []
    for entry in map(describe_method, list_methods()):
        options = " ".join(f"{name}={value}" for name, value in entry.options.items())
        lines += [f"{entry.name}: {entry.summary}", f"    {entry.paper}; {entry.model}; {options}"]
    return "\n".join(lines)


if __name__ == "__main__":
    run_command(main, "go on with -resume and the same -path_save_model")
