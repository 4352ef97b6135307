"""Searches the options of a training that reach the highest macro-AUC on dev; test is not opened.

A recipe with a table [search] says what may be chosen, see docs/search.md. Several processes, on one machine or on
several that share a disk, take part in one study by the same command; killed, it goes on by the same command.

    python -m pipeline.training.search -study wang -config recipe.toml -trials 40
    python train.py -config studies/wang/recipe.toml
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.commands.escaping import csv_cell
from pipeline.commands.parser import CommandParser, natural_number, positive_float, positive_int, run_command
from pipeline.commands.recipes import read_recipe, recipe_text
from pipeline.commands.terminal import Terminal, say_loading, told_to
from pipeline.errors import EcgFusionError
from pipeline.machine.extras import required
from pipeline.machine.files import write_text
from pipeline.machine.streams import say
from pipeline.training import defaults
from pipeline.training.search_engine import PRUNERS, SAMPLERS, SPARED, Plan
from pipeline.training.search_study import plan_of, taking_part

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from pipeline.training.search_study import SharedStudy

RECIPE, TRIALS, PICTURE = "recipe.toml", "trials.csv", "search.png"
_OF_PLAN = ("sampler", "sampler_seed", "pruner", "prune_after", "seeds")
_OF_MACHINE = ("data", "gpu_id", "threads", "workers")


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options; see ``--help``."""
    parser = CommandParser(prog="python -m pipeline.training.search", description=__doc__)
    parser.option("study", required=True, metavar="NAME", help="a new one, or one that is to go on: -folder/NAME")
    parser.option("folder", type=Path, default=Path("studies"), help="where studies lie (default %(default)s)")
    recipe = "a recipe of train.py, which every trial has, with a table [search]; a study that was begun knows it"
    parser.option("config", type=Path, metavar="FILE", help=recipe)
    apart = "the table [search] in a file of its own, for a recipe without one"
    parser.option("space", type=Path, metavar="FILE", help=apart)

    group = parser.add_argument_group("how much")
    many = "of the study, those of other processes and of earlier times among them (default %(default)s)"
    parser.option("trials", group, type=positive_int, default=20, metavar="N", help=many)
    parser.option("minutes", group, type=positive_float, metavar="M", help="behind which this process begins no trial")

    group = parser.add_argument_group("how, the same as long as a study goes on")
    proposes = "what proposes a trial: tpe learns from those before, random does not, grid takes all in turn"
    parser.option("sampler", group, choices=SAMPLERS, help=f"{proposes} (default {Plan.sampler})")
    parser.option("sampler_seed", group, type=natural_number, help=f"of its chance (default {Plan.sampler_seed})")
    gives_up = f"what gives trials up: below the median of {SPARED} or more at that epoch; all but the best third, at"
    gives_up += f" epochs ever further apart; none (default {Plan.pruner})"
    parser.option("pruner", group, choices=PRUNERS, help=gives_up)
    spared = f"epochs that every trial is given (default {Plan.prune_after})"
    parser.option("prune_after", group, type=positive_int, metavar="N", help=spared)
    mean = f"trainings of a trial, each with another seed, whose mean counts (default {Plan.seeds})"
    parser.option("seeds", group, type=positive_int, metavar="N", help=mean)

    group = parser.add_argument_group(
        "the machine", "of the trainings here, as in train.py; they count more than the recipe"
    )
    parser.option("data", group, help="folder of the stores train and dev")
    parser.option("gpu_id", group, type=int, help="which GPU (default: the first, if there is one)")
    parser.option("threads", group, type=positive_int, help="of the CPU (default: the cores that are free)")
    parser.option("workers", group, type=int, help="processes that read ahead")
    parsed: argparse.Namespace = parser.parse_args(words)
    if not parsed.study or Path(parsed.study).name != parsed.study or parsed.study.startswith("."):
        parser.error(f"-study {parsed.study} is no name for a folder: give one without / and say with -folder where")
    return parsed


@told_to(Terminal)
def main(words: Sequence[str] | None = None) -> None:
    """Runs the command."""
    from pipeline.training.search_space import read_space

    arguments = parse(words)
    required("optuna", "search", "a search needs")
    folder = arguments.folder / arguments.study
    begun = plan_of(folder)
    base, table, where = _asked_for(arguments, begun, folder)
    machine = _of_this_machine(arguments, base, begun)
    base = {name: value for name, value in base.items() if name not in (*_OF_MACHINE, "path_save_model")}
    space = read_space(table, base, where)
    _check_before_torch(base, machine, where)
    say_loading()
    from pipeline.training.options import TrainOptions
    from pipeline.training.search_engine import grid_of
    from pipeline.training.search_trials import check_space, items_of, run_trials

    check_space(base, space, where)
    how = {name: getattr(begun, name) for name in _OF_PLAN} if begun else {}
    how |= {name: getattr(arguments, name) for name in _OF_PLAN if getattr(arguments, name) is not None}
    items = items_of(TrainOptions.of(**{**base, **machine}))
    plan = Plan(options=base, space=table, items=items, data=machine.get("data"), **how)
    if plan.sampler == "grid":
        grid_of(space)
    with taking_part(folder, plan, space) as shared:
        run_trials(shared, machine, arguments.trials, arguments.minutes, lambda: _write_tables(shared))
        _write_tables(shared)
        _tell_end(shared)


def _asked_for(arguments: argparse.Namespace, begun: Plan | None, folder: Path) -> tuple[dict[str, Any], Any, str]:
    """The options of a trial, the table ``[search]``, and the file that says so: typed, else those of the study."""
    from pipeline.training.options import TrainOptions

    if arguments.config is None:
        if begun is None:
            raise EcgFusionError(
                f"there is no study {folder}: begin it with -config and a recipe that has a table [search]"
            )
        if arguments.space is not None:
            raise EcgFusionError(
                "-space is beside a recipe: give -config, too, or leave it out to go on with the study"
            )
        return dict(begun.options), begun.space, str(folder)
    recipe = read_recipe(arguments.config)
    own, where = recipe.pop("search", None), str(arguments.config)
    TrainOptions.of(where, **recipe)  # so that a wrong option is named with its file
    if arguments.space is not None:
        if own is not None:
            raise EcgFusionError(f"{where} has a table [search], and so has -space: leave one of both out")
        apart = read_recipe(arguments.space, "-space")
        others = [name for name in apart if name != "search"]
        if others:
            raise EcgFusionError(
                f"{arguments.space} has {others[0]} beside the table [search]: what all trials have stands in {where}"
            )
        own, where = apart.get("search"), str(arguments.space)
    elif own is None:
        raise EcgFusionError(
            f"{where} has no table [search], which says what may be chosen: write one, or name its file with -space"
        )
    return recipe, own, where


def _of_this_machine(arguments: argparse.Namespace, base: Mapping[str, Any], begun: Plan | None) -> dict[str, Any]:
    """Options that change no result: typed, else of the recipe; the stores, else, where the study was begun."""
    of_recipe = {name: base[name] for name in _OF_MACHINE if name in base}
    of_study = {"data": begun.data} if begun and begun.data else {}
    typed = {name: getattr(arguments, name) for name in _OF_MACHINE if getattr(arguments, name) is not None}
    return {**of_study, **of_recipe, **typed}


def _check_before_torch(base: Mapping[str, Any], machine: Mapping[str, Any], where: str) -> None:
    """Says what can be said without torch, whose import takes seconds: unknown options, stores that are not there."""
    from pipeline.store.reading import require_store, store_path
    from pipeline.training.options import TrainOptions
    from pipeline.training.ranges import check_ranges

    options = TrainOptions.of(where, **{**base, **machine})
    check_ranges(options)
    data = options.data or (None if options.branches else defaults.DATA)
    for partition in ("train", "dev") if data else ():
        require_store(store_path(Path(data or ""), partition))


def _write_tables(shared: "SharedStudy") -> None:
    """Writes the recipe of the best trial, and a line for each trial."""
    with shared.in_turn():
        completed = shared.completed
        if completed:
            write_text(shared.folder / RECIPE, _recipe_of(shared, completed[0]))
        _write_trials(shared, shared.folder / TRIALS)


def _recipe_of(shared: "SharedStudy", best: "FrozenTrial") -> str:
    """The best trial as train.py takes it."""
    from pipeline.training.search_space import with_choices

    options = with_choices(shared.plan.options, shared.chosen(best))
    data = {"data": shared.plan.data} if shared.plan.data else {}
    options = {**options, **data, "path_save_model": f"runs/{shared.folder.name}"}
    mean = "" if shared.plan.seeds == 1 else f", the mean of {shared.plan.seeds} seeds"
    said = [
        f"The best of {len(shared.trials)} trials of {shared.folder}: trial {best.number}, "
        f"dev macro-AUC {best.value:.4f}{mean}.",
        "It is the highest of many on dev, and so more than it reaches elsewhere: test says how much.",
    ]
    samples = [name for name in ("limit", "dev_limit") if name in options]
    if samples:
        said.append(f"{' and '.join(samples)} are of the search: take them out to train on all items.")
    return "".join(f"# {line}\n" for line in said) + recipe_text(options)


def _write_trials(shared: "SharedStudy", path: Path) -> None:
    from pipeline.report.files import number, write_csv
    from pipeline.training.search_study import reached, value_of, what_came_of

    names = list(shared.space)
    figures = ("dev_macro_auroc", "reached", "epochs", "seconds")
    lines: list[Sequence[object]] = [["trial", "what", *figures, *names, "run"]]
    for trial in shared.trials:
        chosen = shared.chosen(trial)
        seconds = trial.duration.total_seconds() if trial.duration else None
        values = number(value_of(trial)), number(reached(trial)), len(trial.intermediate_values), number(seconds)
        cells = [_cell(chosen.get(name, "")) for name in names]
        lines.append(
            [trial.number, csv_cell(what_came_of(trial)), *values, *cells, csv_cell(str(shared.runs_of(trial)))]
        )
    write_csv(path, lines)


def _cell(value: Any) -> object:
    if isinstance(value, bool | list):
        return csv_cell(json.dumps(value, ensure_ascii=False))
    return csv_cell(value) if isinstance(value, str) else repr(value)


def _tell_end(shared: "SharedStudy") -> None:
    """Says which trial is the best, and draws what mattered.

    Raises:
        EcgFusionError: none came to an end.
    """
    from pipeline.training.search_trials import described

    folder, completed = shared.folder, shared.completed
    if not completed:
        raise EcgFusionError(
            f"no trial of {folder} came to an end yet: {folder / TRIALS} says why, and -trials asks for more"
        )
    importances = shared.importances()
    _draw(shared, importances)
    best = completed[0]
    say(
        f"the best of {len(shared.trials)} trials ({len(completed)} trained to their end): trial {best.number}, "
        f"dev macro-AUC {best.value:.4f}, {described(shared.chosen(best))}"
    )
    if importances:
        shares = ", ".join(f"{name} {100 * share:.0f} %" for name, share in importances.items())
        say(f"what mattered: {shares} of the differences, drawn in {folder / PICTURE}")
    else:
        say(f"what mattered, so few trials do not tell; they are drawn in {folder / PICTURE}")
    say(f"train with it: python train.py -config {folder / RECIPE}")


def _draw(shared: "SharedStudy", importances: Mapping[str, float] | None) -> None:
    from pipeline.report.search_drawing import DrawnTrial, plot_search, save_figure
    from pipeline.training.search_space import Range
    from pipeline.training.search_study import reached, value_of

    ended = [trial for trial in shared.trials if trial.state.is_finished()]
    drawn = [DrawnTrial(trial.number, value_of(trial), reached(trial), shared.chosen(trial)) for trial in ended]
    log = {name for name, entry in shared.space.items() if isinstance(entry, Range) and entry.log}
    figure = plot_search(drawn, importances, choices=tuple(shared.space), log=log, title=shared.folder.name)
    with shared.in_turn():
        save_figure(shared.folder / PICTURE, figure)


if __name__ == "__main__":
    run_command(main, "the same command goes on")
