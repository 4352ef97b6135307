"""The listener of a command: prints sentences, warnings and epochs, and draws bars."""

import sys
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any

from tqdm import tqdm

from pipeline.commands.escaping import printable
from pipeline.listening import EpochEnded, Event, Listener, Remark, Warned, listening, remark
from pipeline.machine.streams import say


class Terminal(Listener):
    """Prints what happens, warnings to stderr; bars are live on a terminal, in a log a line every half minute."""

    def hear(self, event: Event) -> None:
        if isinstance(event, Warned):
            print(f"warning: {printable(event.sentence)}", file=sys.stderr, flush=True)
        else:
            say(printable(self.text(event)))

    def text(self, event: Event) -> str:
        """What is printed of an event."""
        if isinstance(event, Remark):
            return event.sentence
        if isinstance(event, EpochEnded):
            mark = " (best so far)" if event.is_best else ""
            return (
                f"epoch {event.epoch}/{event.epochs}: train loss {event.train_loss:.4f}, "
                f"dev macro-AUC {event.dev_macro_auroc:.4f}{mark}, {event.seconds:.0f} s"
            )
        raise TypeError(f"{type(self).__name__} has no words for {type(event).__name__}")

    def bar(self, iterable: Iterable[Any] | None, name: str | None, **keywords: Any) -> tqdm:
        if not sys.stderr.isatty():
            keywords |= {"mininterval": 30.0, "maxinterval": 60.0}
        return tqdm(iterable, name, **keywords)


def say_loading() -> None:
    """Says what is waited for, where PyTorch is not loaded yet: seconds, and half a minute on a busy machine."""
    if "torch" not in sys.modules:
        remark("loading PyTorch")


Main = Callable[[Sequence[str] | None], None]


def told_to(listener: Callable[[], Listener]) -> Callable[[Main], Callable[..., None]]:
    """Has a command's ``main(words)`` tell a listener of its own what happens while it runs."""

    def decorate(main: Main) -> Callable[..., None]:
        @wraps(main)
        def told(words: Sequence[str] | None = None) -> None:
            with listening(listener()):
                main(words)

        return told

    return decorate
