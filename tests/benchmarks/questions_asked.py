"""How many screens a clinician answers, as they are asked adaptively.

    .venv/bin/python tests/benchmarks/questions_asked.py

For every order of the sample EHR that an answer can still decide, and for orders of other procedures with an almost
empty chart: how many screens, and how many single answers on them, until it is supported when every answer supports it;
and how many screens until the first decisive "no" when exactly one item fails, averaged over which, and for the last of
them; then averaged over the items that the author marked as those that orders most often fail on (`asked`). The
criteria of one item are one screen. Each pathway that remains is a row of its own, since its choice is the first
answer. The sample orders that the chart settles are listed below the table, and are left out of the medians.
"""

from tests.support.questions_counted import Counted, counted, summary
from tests.support.sessions import sample_situations, situations_with_empty_chart


def main() -> None:
    """Print one row per order and pathway, then the medians and the worst."""
    on_samples = [row for of in sample_situations() for row in counted(of)]
    on_empty = [row for of in situations_with_empty_chart() for row in counted(of)]
    print(
        "| order | pathway | until supported: screens (answers) | until a decisive no: mean, last | of marked items |"
    )
    print("|---|---|---|---|---|")
    for row in (*on_samples, *on_empty):
        print(printed(row))
    silent = [of for of in sample_situations() if not any(counted(of))]
    print(f"\nsettled by the chart, so no screen decides: {len(silent)} of {len(sample_situations())} sample orders")
    for of in silent:
        print(f"- {of.name} ({of.policy.full_name}): {of.screen({}).outcome.value}")
    for name, rows in (("sample orders", on_samples), ("all", [*on_samples, *on_empty])):
        print(f"\n{name}: {summary(rows)}")


def printed(row: Counted) -> str:
    """Return the line of one order and pathway."""
    ended = f"{row.mean_until_no:.1f}, {max(row.until_no)}" if row.until_no else ""
    marked = f"{row.mean_until_marked_no:.1f}" if row.until_marked_no else ""
    asked = f"{row.screens} ({row.answers}), {row.outcome.value}"
    return f"| {row.name} | {row.pathway} | {asked} | {ended} | {marked} |"


if __name__ == "__main__":
    main()
