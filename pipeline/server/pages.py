"""The pages, made of templates in which everything is escaped that is not their own text."""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.scoring.answers import NOTICE
from pipeline.server.limits import MEGABYTE
from pipeline.server.reference import answer_fields, operations
from pipeline.server.service import Service
from pipeline.server.sheet import Sheet
from pipeline.sources.formats.registry import FORMATS


class Pages:
    """What the browser shows.

    Args:
        service: whose runs and limits the pages name.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._templates = Environment(
            loader=PackageLoader("pipeline.server"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self._templates.globals |= {"notice": NOTICE}

    def page(self, sheet: Sheet | None = None, problem: str | None = None) -> str:
        """The whole page, with an answer or with what was wrong."""
        limits = self._service.limits
        return self._templates.get_template("page.html").render(
            runs=[each.describe() for each in self._service.served],
            formats=[each.title for each in FORMATS.values()],
            most_bytes=limits.most_bytes,
            most_mb=f"{limits.most_bytes / MEGABYTE:g}",
            sheet=sheet,
            problem=problem,
        )

    def part(self, sheet: Sheet | None = None, problem: str | None = None) -> str:
        """An answer, or what was wrong, alone."""
        return self._templates.get_template("part.html").render(sheet=sheet, problem=problem)

    def reference(self, schema: Mapping[str, Any]) -> str:
        """The addresses for programs, read from their OpenAPI schema."""
        return self._templates.get_template("reference.html").render(
            operations=list(operations(schema)), answer=answer_fields(schema), description=schema["info"]["description"]
        )
