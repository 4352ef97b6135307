"""A program that dies at a chosen place."""

import pytest


class Killed(KeyboardInterrupt):
    """Ctrl-C, which nothing in a training catches, and which stands for a kill at that place."""


def kill_at_call(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, call: int) -> None:
    """Dies where a function would be called for that time, counted from 1."""
    calls, function = [], getattr(owner, name)

    def counted(*arguments, **keywords):
        calls.append(arguments)
        if len(calls) == call:
            raise Killed
        return function(*arguments, **keywords)

    monkeypatch.setattr(owner, name, counted)
