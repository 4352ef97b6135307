"""A shared study: the same trials whatever is killed, nothing twice, nothing lost; no network is trained here."""

import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import EcgFusionError
from pipeline.training.search_engine import Plan
from pipeline.training.search_space import Choices, Range, Space
from pipeline.training.search_study import JOURNAL, MOST_TRIES, SharedStudy, counts, plan_of, taking_part, what_came_of

SPACE: Space = {"learning_rate": Range(1e-4, 1e-1, log=True), "batch_size": Choices((8, 16, 32))}
PLAN = Plan({"model": "gru"}, {"learning_rate": {"low": 1e-4, "high": 1e-1}}, {"train": "a", "dev": "b"})


def value_of(params: dict[str, float]) -> float:
    return 0.5 + params["learning_rate"]


def work(shared: SharedStudy, most: int, before: Callable[[int], None] = lambda number: None) -> None:
    while (trial := shared.next_trial(most)) is not None:
        before(trial.number)
        shared.complete(trial, value_of(trial.params))


def search(folder: Path, most: int, plan: Plan = PLAN, space: Space = SPACE) -> list[dict[str, float]]:
    with taking_part(folder, plan, space) as shared:
        work(shared, most)
        return [trial.params for trial in shared.trials]


def test_what_was_begun_is_known_and_goes_on(tmp_path: Path):
    assert plan_of(tmp_path / "study") is None
    whole = search(tmp_path / "whole", 13)
    first = search(tmp_path / "study", 5)
    assert plan_of(tmp_path / "study") == PLAN
    assert search(tmp_path / "study", 5) == first, "it had enough"
    assert search(tmp_path / "study", 13) == whole, "begun again, it proposes something else"
    assert search(tmp_path / "other", 13, replace(PLAN, sampler_seed=1)) != whole
    (tmp_path / "study").rename(tmp_path / "renamed")
    assert search(tmp_path / "renamed", 13) == whole


def test_the_trial_of_a_dead_process_is_tried_again_and_not_counted(tmp_path: Path):
    whole = search(tmp_path / "whole", 13)

    class Died(Exception):
        pass

    def die(number: int) -> None:
        if number == 4:
            raise Died

    with pytest.raises(Died), taking_part(tmp_path / "study", PLAN, SPACE) as shared:
        work(shared, 13, die)
    with taking_part(tmp_path / "study", PLAN, SPACE) as shared:
        again = shared.next_trial(13)
        assert again is not None
        assert again.number == 5
        assert shared.runs_of(again).name == "4", "its run is not gone on with"
        assert again.params == whole[4]
        shared.complete(again, value_of(again.params))
        work(shared, 13)
        assert [trial.params for trial in shared.trials] == whole
        assert [trial.number for trial in shared.trials] == [0, 1, 2, 3, *range(5, 14)]


def test_what_kills_its_process_each_time_is_counted_at_last(tmp_path: Path):
    for attempt in range(MOST_TRIES):
        with taking_part(tmp_path / "study", PLAN, SPACE) as shared:
            trial = shared.next_trial(2)
            assert trial is not None
            assert (trial.number, shared.runs_of(trial).name) == (attempt, "0")
    with taking_part(tmp_path / "study", PLAN, SPACE) as shared:
        work(shared, 2)
        assert [what_came_of(trial) for trial in shared.trials] == [f"killed {MOST_TRIES} times", "complete"]
        assert shared.trials[0].params != shared.trials[1].params


def test_who_lives_keeps_its_trial(tmp_path: Path):
    with ExitStack() as stack:
        one, other = (stack.enter_context(taking_part(tmp_path / "study", PLAN, SPACE)) for _ in range(2))
        first, second = one.next_trial(3), other.next_trial(3)
        assert first is not None
        assert second is not None
        assert (first.number, second.number) == (0, 1)
        assert first.params != second.params
        third = one.next_trial(3)
        assert third is not None
        assert third.number == 2
        assert other.next_trial(3) is None, "three are enough, though none of them is over"


KILLED = """
import os, signal, sys
sys.path[:0] = [sys.argv[2], sys.argv[3]]
from pathlib import Path
from test_search_study import PLAN, SPACE, taking_part
with taking_part(Path(sys.argv[1]), PLAN, SPACE) as shared:
    shared.next_trial(9)
    shared.study.set_user_attr("half", "a line")
    if len(sys.argv) > 4:
        set_attribute = shared.study._storage.set_trial_user_attr
        shared.study._storage.set_trial_user_attr = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        shared.next_trial(9)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("words", [[], ["in its turn"]], ids=["behind its turn", "in its turn"])
def test_a_kill_frees_what_the_process_held(words: list[str], tmp_path: Path):
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", KILLED, str(tmp_path / "study"), str(root), str(Path(__file__).parent), *words]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert search(tmp_path / "study", 6) == search(tmp_path / "whole", 6)


def test_half_a_line_at_the_end_is_cut_off(tmp_path: Path):
    whole = search(tmp_path / "study", 5)
    journal = tmp_path / "study" / JOURNAL
    with journal.open("ab") as file:
        file.write(journal.read_bytes().splitlines()[-1][:20])
    assert search(tmp_path / "study", 5) == whole
    assert search(tmp_path / "study", 6)[:5] == whole


def test_a_damaged_journal_is_told(tmp_path: Path):
    search(tmp_path / "study", 3)
    journal = tmp_path / "study" / JOURNAL
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:4], b"no JSON\n", *lines[5:]]))
    with pytest.raises(EcgFusionError, match=r"journal.log is damaged: put a whole copy of it there, or begin anew"):
        plan_of(tmp_path / "study")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"options": {"model": "lstm"}}, "was begun with model gru, not lstm: leave it as it was"),
        ({"space": {"learning_rate": {"low": 1e-3, "high": 1e-1}}}, "was begun with .search. learning_rate {'low'"),
        ({"items": {"train": "c", "dev": "b"}}, "other recordings in train or dev: name their stores with -data"),
        ({"seeds": 2}, "was begun with -seeds 1, not 2"),
        ({"sampler_seed": 2}, "was begun with -sampler_seed 0, not 2"),
    ],
)
def test_another_plan_is_refused(other: dict[str, object], said: str, tmp_path: Path):
    search(tmp_path / "study", 1)
    search(tmp_path / "study", 1, replace(PLAN, data="elsewhere"))  # which is where the same stores lie
    with pytest.raises(EcgFusionError, match=said):
        search(tmp_path / "study", 2, replace(PLAN, **other))  # type: ignore[arg-type]


def test_a_grid_is_gone_through_once(tmp_path: Path):
    space: Space = {"batch_size": Choices((8, 16, 32)), "learning_rate": Choices((0.1, 0.2))}
    plan = replace(PLAN, sampler="grid")
    found = search(tmp_path / "study", 4, plan, space)
    found = search(tmp_path / "study", 100, plan, space)
    assert {tuple(each.values()) for each in found} == {(b, r) for b in (8, 16, 32) for r in (0.1, 0.2)}
    assert len(found) == 6


def test_what_is_refused_or_given_up_counts_and_is_not_the_best(tmp_path: Path):
    with taking_part(tmp_path / "study", PLAN, SPACE) as shared:
        for number in range(4):
            trial = shared.next_trial(4)
            assert trial is not None
            trial.report(0.99, 1)
            if number == 0:
                shared.refuse(trial, "they do not go together")
            elif number == 1:
                shared.prune(trial)
            elif number == 2:
                shared.prune(trial, "the loss is nan")
            else:
                shared.complete(trial, 0.6)
        assert shared.next_trial(4) is None
        assert all(map(counts, shared.trials))
        assert [each.number for each in shared.completed] == [3]
        assert [what_came_of(each) for each in shared.trials] == [
            "refused: they do not go together",
            "given up",
            "no result: the loss is nan",
            "complete",
        ]


def test_the_same_choices_are_not_trained_twice(tmp_path: Path):
    space: Space = {"batch_size": Choices((8, 16))}
    with taking_part(tmp_path / "study", PLAN, space) as shared:
        trained = []
        while (trial := shared.next_trial(6)) is not None:
            if shared.taken_from_another(trial) is None:
                trained.append(trial.params["batch_size"])
                shared.complete(trial, trial.params["batch_size"] / 100)
        assert sorted(trained) == [8, 16]
        assert [each.value for each in shared.trials] == [each.params["batch_size"] / 100 for each in shared.trials]
        assert {shared.runs_of(each).name for each in shared.trials} == {"0", str(_first_other(shared))}


def _first_other(shared: SharedStudy) -> int:
    first, *others = shared.trials
    return next(each.number for each in others if each.params != first.params)


def test_what_mattered_is_what_did(tmp_path: Path):
    with taking_part(tmp_path / "study", replace(PLAN, sampler="random"), SPACE) as shared:
        work(shared, 3)
        assert shared.importances() is None, "of three trials nothing can be said"
        work(shared, 15)
        found = shared.importances()
    assert found is not None
    assert [*found] == ["learning_rate", "batch_size"]
    assert found["learning_rate"] > 0.8
    assert sum(found.values()) == pytest.approx(1)
