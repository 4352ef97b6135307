"""Copies of branches: whole, as they were, and made again only where they are not."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import EcgFusionError
from pipeline.runs.card import BRANCHES, RESUME, WEIGHTS, Card
from pipeline.runs.card_file import read_card
from pipeline.runs.copies import copy_branches, digests


@pytest.fixture
def card(earlier: Path, tmp_path: Path) -> Card:
    """A fusion's, whose branches lie in ``tmp_path/sources``, where a test may spoil them."""
    fused = earlier / "runs" / "weighted"
    found = read_card(fused)
    sources = shutil.copytree(fused / BRANCHES, tmp_path / "sources")
    there = {name: replace(branch, folder=str(sources / name)) for name, branch in found.branches.items()}
    return replace(found, branches=there)


def test_a_copy_is_what_was_copied(card: Card, tmp_path: Path):
    copy_branches(card, tmp_path / "fused")
    for name, branch in card.branches.items():
        assert digests(tmp_path / "fused" / BRANCHES / name) == digests(Path(branch.folder)) == branch.sha256


def test_an_earlier_fusion_holds_the_branches_that_its_card_names(earlier: Path):
    fused = earlier / "runs" / "weighted"
    for name, branch in read_card(fused).branches.items():
        assert digests(fused / BRANCHES / name) == branch.sha256, name


def test_whole_copies_need_no_sources(card: Card, tmp_path: Path):
    copy_branches(card, tmp_path / "fused")
    shutil.rmtree(tmp_path / "sources")
    copy_branches(card, tmp_path / "fused")


def test_what_an_interruption_left_is_replaced(card: Card, tmp_path: Path):
    place = tmp_path / "fused" / BRANCHES
    copy_branches(card, tmp_path / "fused")
    (place / "beat" / WEIGHTS).write_bytes(b"half")
    (place / ".beat.part").mkdir()
    copy_branches(card, tmp_path / "fused")
    assert digests(place / "beat") == card.branches["beat"].sha256
    assert {path.name for path in place.iterdir()} == set(card.branches)


def test_what_only_a_training_needs_is_left_behind(card: Card, tmp_path: Path):
    for name in (RESUME, ".train.lock", "weights.part"):
        (tmp_path / "sources" / "beat" / name).write_text("")
    copy_branches(card, tmp_path / "fused")
    copied = {path.name for path in (tmp_path / "fused" / BRANCHES / "beat").iterdir()}
    assert not copied & {RESUME, ".train.lock", "weights.part"}


@pytest.mark.parametrize("gone", [True, False])
def test_a_branch_that_is_not_as_it_was_is_refused(card: Card, tmp_path: Path, gone: bool):
    source = tmp_path / "sources" / "beat"
    shutil.rmtree(source) if gone else (source / WEIGHTS).write_bytes(b"others")
    with pytest.raises(
        EcgFusionError, match=r"sources/beat is not there as it was .* go on with -resume, or fuse anew"
    ):
        copy_branches(card, tmp_path / "fused")
    assert not (tmp_path / "fused" / BRANCHES / "beat").exists()


@pytest.mark.parametrize("link", ["branches", "beat"])
def test_nothing_is_copied_or_removed_where_a_link_leads(card: Card, tmp_path: Path, link: str):
    """A folder from elsewhere may hold one that leads to what is somebody else's."""
    theirs = shutil.copytree(tmp_path / "sources" / "beat", tmp_path / "theirs" / "beat")
    (theirs / WEIGHTS).write_bytes(b"theirs")
    (tmp_path / "fused").mkdir()
    if link == "branches":
        (tmp_path / "fused" / BRANCHES).symlink_to(tmp_path / "theirs")
    else:
        (tmp_path / "fused" / BRANCHES).mkdir()
        (tmp_path / "fused" / BRANCHES / "beat").symlink_to(theirs)
    with pytest.raises(EcgFusionError, match=rf"{link} is a link: put the folder itself there, or fuse anew"):
        copy_branches(card, tmp_path / "fused")
    assert (theirs / WEIGHTS).read_bytes() == b"theirs"
    assert [path.name for path in (tmp_path / "theirs").iterdir()] == ["beat"]
