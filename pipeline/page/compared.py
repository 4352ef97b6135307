"""The sections of several models: how they stand, how much they differ, where they disagree."""

from collections.abc import Iterator

from pipeline.page.charts import forest_chart
from pipeline.page.details import picture
from pipeline.page.markup import Markup, tag
from pipeline.page.model import PageModel, Pairing
from pipeline.page.parts import figure, scrolled, section, table


def compared(page: PageModel) -> Iterator[Markup]:
    """The ranking, then each pairing of the best model with another one."""
    if page.ranking is None:
        return
    verdicts = tag("ul", [tag("li", each) for each in page.verdicts], class_="verdicts") if page.verdicts else None
    lede = "By falling macro-AUC. Whether one is better say the differences, not whether two intervals overlap."
    yield section("ranking", "How they stand", table(page.ranking, "h3"), verdicts, lede=lede)
    for number, pairing in enumerate(page.pairings):
        yield _pairing(f"pair{number}", pairing)


def _pairing(key: str, pairing: Pairing) -> Markup:
    forests = [
        figure(scrolled(each.title, forest_chart(f"{key}-{number}", each)), caption=each.note)
        for number, each in enumerate(pairing.forests)
    ]
    shown = [picture(f"{key}-p{number}", each) for number, each in enumerate(pairing.pictures)]
    return section(
        key,
        f"{pairing.first} beside {pairing.second}",
        tag("div", forests, class_="forests"),
        table(pairing.tests) if pairing.tests else None,
        table(pairing.right),
        table(pairing.apart),
        shown,
    )
