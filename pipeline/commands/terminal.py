"""The listener of a command: prints sentences, warnings and epochs, and draws bars."""

import sys
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any
from weakref import ref

from tqdm import tqdm

from pipeline.commands.escaping import printable
from pipeline.listening import EpochEnded, Event, Listener, Remark, Warned, listening, remark
from pipeline.machine.streams import say


class Terminal(Listener):
    """Prints what happens, warnings to stderr; bars are live on a terminal, in a log a line every half minute."""

    def __init__(self) -> None:
        self._bars: list[ref[tqdm]] = []

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
            if event.dev_macro_auroc is not None:
                mark = " (best so far)" if event.is_best else ""
                on_dev = f"dev macro-AUC {event.dev_macro_auroc:.4f}{mark}"
            else:
                on_dev = ", ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in event.figures.items())
            return (
                f"epoch {event.epoch}/{event.epochs}: train loss {event.train_loss:.4f}, {on_dev}, "
                f"{event.seconds:.0f} s"
            )
        raise TypeError(f"{type(self).__name__} has no words for {type(event).__name__}")

    def bar(self, iterable: Iterable[Any] | None, name: str | None, **keywords: Any) -> tqdm:
        if not sys.stderr.isatty():
            keywords |= {"mininterval": 30.0, "maxinterval": 60.0}
        drawn = tqdm(iterable, name, **keywords)
        self._bars.append(ref(drawn))
        return drawn

    def close(self) -> None:
        """Ends the bars that an error has left on their lines, so that its sentence stands on one of its own."""
        for drawn in filter(None, (each() for each in self._bars)):
            drawn.close()


def say_loading(processes: int = 1) -> None:
    """Says what is waited for, where PyTorch is not loaded yet: seconds, and half a minute on a busy machine.

    Args:
        processes: how many load it, to work together.
    """
    if "torch" not in sys.modules:
        remark("loading PyTorch" + (f" in {processes} processes" if processes > 1 else ""))


Main = Callable[[Sequence[str] | None], None]


def told_to(listener: Callable[[], Terminal]) -> Callable[[Main], Callable[..., None]]:
    """Has a command's ``main(words)`` tell a listener of its own what happens while it runs."""

    def decorate(main: Main) -> Callable[..., None]:
        @wraps(main)
        def told(words: Sequence[str] | None = None) -> None:
            own = listener()
            try:
                with listening(own):
                    main(words)
            finally:
                own.close()

        return told

    return decorate
