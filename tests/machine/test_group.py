"""Who works together: what a launcher says, what it says wrong, and a process that is alone."""

import pytest

from pipeline.errors import EcgFusionError
from pipeline.machine import group
from pipeline.machine.group import Group, Place, joined, place_of, speaks, the_group

LAUNCHED = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"} | {
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "29500",
}


class Member(Group):
    """One of several, which speaks with nobody."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size


def test_a_launcher_says_which_process_it_is():
    assert place_of(LAUNCHED) == Place(3, 4, 1, 2)
    assert not speaks(LAUNCHED)
    assert speaks(LAUNCHED | {"RANK": "0"})


@pytest.mark.parametrize("environment", [{}, {"WORLD_SIZE": "1"}, {"WORLD_SIZE": ""}, {"RANK": "2"}])
def test_without_one_it_is_alone(environment):
    assert place_of(environment) == Place(0, 1, 0, 1)
    assert speaks(environment)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE is two, which is no number of a process: .*unset WORLD_SIZE"),
        ({"RANK": ""}, "WORLD_SIZE is 4, as a launcher sets it, and RANK is not set: start it with torchrun"),
        ({"MASTER_PORT": ""}, "MASTER_PORT is not set"),
        ({"RANK": "4"}, "RANK is 4 of 4 processes, which are counted from 0"),
    ],
)
def test_variables_that_make_no_sense_are_refused(change, sentence):
    with pytest.raises(EcgFusionError, match=sentence):
        place_of(LAUNCHED | change)


def test_a_process_that_is_alone_waits_for_nobody():
    with joined() as alone:
        assert alone is the_group()
        assert (alone.rank, alone.size, alone.leads) == (0, 1, True)
        assert alone.gather("x") == ["x"]
        assert alone.lead(lambda: 5) == alone.same(5) == alone.add(5) == 5
        assert alone.any(True)
        assert not alone.any(False)
        alone.meet()
        with alone.heeding():
            alone.end_if_asked()


@pytest.mark.parametrize(("n", "size"), [(0, 2), (1, 2), (7, 2), (8, 3), (2, 5)])
def test_shares_follow_each_other_and_differ_by_one_at_most(n, size):
    shares = [Member(rank, size).share(n) for rank in range(size)]
    assert [place for share in shares for place in share] == list(range(n))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_who_does_not_reach_the_others_says_so(monkeypatch):
    for name, value in (LAUNCHED | {"RANK": "1", "MASTER_PORT": "1"}).items():
        monkeypatch.setenv(name, value)
    with (
        pytest.raises(EcgFusionError, match=r"process 1 of 4 does not reach the others at 127\.0\.0\.1:1"),
        joined(0.5),
    ):
        pass
    assert group.the_group().size == 1
