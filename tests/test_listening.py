"""Listeners: silent unless somebody listens, the inner one first, and the outer one again afterwards."""

from pipeline.listening import (
    Event,
    ItemsRemark,
    Listener,
    Remark,
    Warned,
    keeping,
    listening,
    progress_bar,
    remark,
    tell,
    warn,
    who_listens,
    without_remarks,
)


class Ear(Listener):
    def __init__(self) -> None:
        self.heard: list[Event] = []

    def hear(self, event: Event) -> None:
        self.heard.append(event)


def test_without_a_listener_nothing_is_said(capfd):
    remark("a")
    warn("b")
    assert list(progress_bar(range(3), "bar")) == [0, 1, 2]
    with progress_bar(name="by hand", total=2) as bar:
        bar.update(1)
    assert capfd.readouterr() == ("", "")


def test_the_innermost_listener_is_told():
    outer, inner = Ear(), Ear()
    with listening(outer):
        remark("first")
        with listening(inner):
            warn("second")
        with listening(None):
            remark("third")
    remark("fourth")
    assert outer.heard == [Remark("first"), Remark("third")]
    assert inner.heard == [Warned("second")]


def test_one_that_hands_on_finds_the_outer_one():
    ear = Ear()
    with listening(ear):
        assert who_listens() is ear
    assert type(who_listens()) is Listener


def test_events_of_a_kind_are_kept_and_the_others_handed_on():
    ear, of_items = Ear(), ItemsRemark("1 of 2 items", ("b",), "it is one")
    with listening(ear):
        with keeping(ItemsRemark) as kept:
            remark("first")
            tell(of_items)
        tell(of_items)
    assert kept == [of_items]
    assert ear.heard == [Remark("first"), of_items]


def test_remarks_alone_are_kept_from_the_listener():
    ear = Ear()
    with listening(ear):
        with without_remarks():
            remark("again")
            warn("first")
        remark("second")
    assert ear.heard == [Warned("first"), Remark("second")]


def test_bars_are_shown_where_remarks_are_not():
    asked = []

    class Barred(Ear):
        def bar(self, iterable, name, **keywords):
            asked.append(name)
            return super().bar(iterable, name, **keywords)

    with listening(Barred()), without_remarks():
        assert list(progress_bar(range(3), "bar")) == [0, 1, 2]
    assert asked == ["bar"]
