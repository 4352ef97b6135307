"""The listener of the commands that train, evaluate and make stores: it prints tables and counts, too."""

from pipeline.commands.terminal import Terminal
from pipeline.listening import Event


class Console(Terminal):
    """Prints what happens, as ``Terminal``; of a data set and of labels the counts, of figures the table."""

    def text(self, event: Event) -> str:
        from pipeline.evaluation.figures import Evaluated  # here, so that a command's --help waits for none of it
        from pipeline.labels import LabelsChosen
        from pipeline.report.overview import source_overview, task_overview
        from pipeline.report.tables import as_text
        from pipeline.sources.base import SourceOpened

        if isinstance(event, Evaluated):
            return f"\n{as_text(event.evaluation)}\n{event.sentence}"
        if isinstance(event, LabelsChosen):
            return f"{event.of}\n{task_overview(event.task, event.labels)}"
        if isinstance(event, SourceOpened):
            return source_overview(event.source, event.items, event.rows)
        return super().text(event)
