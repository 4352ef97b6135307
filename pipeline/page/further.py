"""Subgroups and decision curves as tables of the page, where they were asked for."""

from collections.abc import Iterable, Sequence

from pipeline.commands.escaping import from_markdown
from pipeline.page.known import Known
from pipeline.page.model import Table
from pipeline.report.decisions import decision_remarks, decision_table
from pipeline.report.subgroups import gap_table, group_table, subgroup_remarks


def subgroup_tables(known: Known) -> Sequence[Table]:
    """Of each column the groups' counts and figures, and their largest gaps."""
    found = []
    for each in known.evaluation.subgroups:
        section = "For whom it works, and for whom not"
        found.append(_table(f"by {each.column}", group_table(each), section, subgroup_remarks(each)))
        if each.gaps:
            found.append(_table(f"largest gaps by {each.column}", gap_table(each), section))
    return found


def decision_tables(known: Known) -> Sequence[Table]:
    """What acting from a probability on does, beside acting on all and on nobody."""
    found = known.evaluation.decision
    if found is None:
        return ()
    return [_table("net benefit", decision_table(found), "Decision curves", decision_remarks(found))]


def _table(title: str, lines: list[list[str]], section: str, remarks: Iterable[str] = ()) -> Table:
    head, *rows = lines
    notes = tuple(from_markdown(remark) for remark in remarks)
    return Table(title, tuple(head), tuple(map(tuple, rows)), notes, section)
