"""From a document to a policy: what is read, and every mistake with its line and how it is written right."""

from datetime import date
from pathlib import Path
from textwrap import dedent

import pytest

from coverage_policies.format.loader import load_policy, parse_policy
from coverage_policies.format.model import Role
from coverage_policies.format.problems import DocumentError
from coverage_policies.format.terms import LineOfBusiness, Outcome, PolicyKind, PriorAuthorization
from coverage_policies.format.value_sets import Row, ValueSet
from tests.support.policy_fakes import ENTRY, HEAD, SETS, policy, text

LEAF = "I: {says: s, ask: q}"


def problems(document: str) -> list[str]:
    with pytest.raises(DocumentError) as raised:
        parse_policy(document, "test.yaml", SETS)
    return [str(problem).removeprefix("test.yaml:") for problem in raised.value.problems]


def in_section(body: str) -> str:
    """A document whose section I, from line 11 on, holds this."""
    return text("I:\n  says: s\n" + "\n".join("  " + line for line in body.strip().splitlines()))


# --- what is read ----------------------------------------------------------------------------------------------------


def test_the_head_of_a_document_is_read() -> None:
    read = policy(LEAF)
    assert (read.name, read.revision, read.edition, read.title) == ("CP.TEST", "2025-01", 1, "Test fusion")
    assert (read.owner, read.full_name) == ("Test Plan", "CP.TEST@2025-01")
    assert read.lines_of_business == (LineOfBusiness.MEDICARE, LineOfBusiness.MEDICARE_ADVANTAGE)
    assert read.source == "test.yaml"


def test_a_head_that_says_no_more_is_of_a_plan_everywhere_and_always() -> None:
    read = policy(LEAF)
    assert (read.kind, read.url, read.states) == (PolicyKind.PLAN, "", ())
    assert (read.effective, read.until, read.prior_authorization) == (None, None, None)


def test_where_when_and_by_whom_a_policy_applies_is_read() -> None:
    head = """\
    kind: lcd
    url: https://example.org/lcd/L39383
    effective: 2023-03-19
    until: 2023-03-19
    states: [TX, PR]
    prior_authorization: not-required
    """
    read = parse_policy(text(LEAF, head=HEAD + dedent(head)), "t", SETS)
    assert (read.kind, read.url) == (PolicyKind.LCD, "https://example.org/lcd/L39383")
    assert (read.effective, read.until) == (date(2023, 3, 19), date(2023, 3, 19))
    assert (read.states, read.prior_authorization) == (("TX", "PR"), PriorAuthorization.NOT_REQUIRED)


def test_a_text_is_dated_the_first_of_its_month() -> None:
    assert policy(LEAF).dated.isoformat() == "2025-01-01"


def test_notes_are_read() -> None:
    assert parse_policy(text(LEAF, head=HEAD + "notes: [one, two]\n"), "t", SETS).notes == ("one", "two")


def test_a_leaf_is_read_with_all_it_says() -> None:
    (leaf,) = (
        policy(
            """
        I:
          says: s
          all:
            - id: I.A
              says: It is so
              says_when_not_met: It is not so
              met_when: {condition: {in: alpha}}
              not_met_when:
                - {condition: {in: beta}}
                - {condition: {in: [gamma, delta]}}
              show: {device: {in: alpha}}
              ask: Is it so?
              met_by: no
              if_met: case-review
              if_not_met: case-review
              role: advisory
              interpretation: As written.
              note: A note.
        """
        )
        .sections["I"]
        .root.children
    )
    assert (leaf.id, leaf.says, leaf.says_when_not_met, leaf.ask) == ("I.A", "It is so", "It is not so", "Is it so?")
    assert [clause.arguments["in"] for clause in leaf.met_when] == ["alpha"]
    assert [clause.arguments["in"] for clause in leaf.not_met_when] == ["beta", ["gamma", "delta"]]
    assert [(clause.operator, clause.arguments["in"]) for clause in leaf.show] == [("device", "alpha")]
    assert (leaf.met_by, leaf.role, leaf.interpretation, leaf.note) == ("no", Role.ADVISORY, "As written.", "A note.")
    assert (leaf.case_review_if_met, leaf.case_review_if_not_met, leaf.line) == (True, True, 14)


def test_what_a_leaf_does_not_say_is_empty() -> None:
    leaf = policy(LEAF).sections["I"].root
    assert (leaf.says_when_not_met, leaf.met_by, leaf.role, leaf.needs, leaf.on_date_of) == ("", "yes", None, (), None)
    assert (leaf.case_review_if_met, leaf.case_review_if_not_met, leaf.is_never_met) == (False, False, False)
    assert leaf.pathways == frozenset()


@pytest.mark.parametrize(
    ("group", "required"), [("all:", None), ("any:", 1), ("at_least: 2\n  of:", 2), ("at_least: 1\n  of:", 1)]
)
def test_a_group_is_read_with_how_many_of_it_are_required(group: str, required: int | None) -> None:
    children = "\n".join(f"    - {{id: I.{name}, says: a, ask: q}}" for name in "AB")
    root = policy(f"I:\n  says: s\n  {group}\n{children}").sections["I"].root
    assert (root.required, [child.id for child in root.children]) == (required, ["I.A", "I.B"])


@pytest.mark.parametrize(
    ("written", "outcome", "to_a_human"),
    [
        ("{says: s, ask: q}", Outcome.CRITERIA_NOT_MET, False),
        ("{says: s, ask: q, if_not_met: criteria-not-met}", Outcome.CRITERIA_NOT_MET, False),
        ("{says: s, ask: q, if_not_met: not-supported}", Outcome.NOT_SUPPORTED, False),
        ("{says: s, always: not-supported}", Outcome.NOT_SUPPORTED, False),
        ("{says: s, ask: q, if_not_met: case-review}", Outcome.CRITERIA_NOT_MET, True),
    ],
)
def test_a_section_is_read_with_what_follows_when_it_is_not_met(
    written: str, outcome: Outcome, to_a_human: bool
) -> None:
    section = policy(f"I: {written}").sections["I"]
    assert (section.if_not_met, section.root.case_review_if_not_met) == (outcome, to_a_human)


def test_every_criterion_is_in_the_index_by_its_id() -> None:
    read = policy("I:\n  says: s\n  any:\n    - {id: I.A, says: a, ask: q}\nII: {says: t, ask: q}")
    assert list(read.index) == ["I.A", "I", "II"]
    assert all(read.index[criterion.id] is criterion for criterion in read.walk())


@pytest.mark.parametrize(("name", "is_part"), [("I.A", False), ("I.A.1", False), ("I.A.faber", True), ("I.a", False)])
def test_a_part_is_told_from_a_number_of_the_source_text(name: str, is_part: bool) -> None:
    read = policy(f"I:\n  says: s\n  all:\n    - {{id: {name}, says: a, ask: q}}")
    assert read.index[name].is_part is is_part


def test_a_pathway_is_read_with_its_choices_in_order() -> None:
    read = policy(
        "I: {says: s, ask: q, for: [b, a]}",
        pathway="""
        ask: Which?
        choices:
          b:
            says: B
            chosen_when: {order: {code: alpha}}
            keep_when: {order: {reason: gamma}}
            exclude_when: {condition: {in: beta}}
          a: {says: A, presume_when: [{condition: {in: gamma}}, {condition: {in: delta}}]}
        """,
    )
    assert read.pathway is not None
    assert read.pathway.ask == "Which?"
    assert [(c.name, c.says) for c in read.pathway.choices] == [("b", "B"), ("a", "A")]
    first, second = read.pathway.choices
    assert [clause.operator for clause in first.chosen_when + first.exclude_when] == ["order", "condition"]
    assert [clause.arguments["reason"] for clause in first.keep_when] == ["gamma"]
    assert [clause.arguments["in"] for clause in second.presume_when] == ["gamma", "delta"]
    assert read.index["I"].pathways == {"a", "b"}


def test_orders_are_read_with_their_conditions() -> None:
    read = policy(
        LEAF,
        orders="""
        - codes: the-order
          sections: [I]
          only_if: {order: {purpose: pump-trial}}
          unless: [{order: {drug: drug}}]
          never_if: {order: {reason: alpha}}
          ask_if: {concurrent_order: {in: another-order}}
          ask: Is it for a pump?
        - {codes: another-order, sections: []}
        """,
    )
    first, second = read.orders
    assert (first.codes.name, first.sections, first.ask) == ("the-order", ("I",), "Is it for a pump?")
    assert [c.arguments for c in first.only_if + first.unless] == [{"purpose": "pump-trial"}, {"drug": "drug"}]
    assert [c.arguments for c in first.never_if + first.ask_if] == [{"reason": "alpha"}, {"in": "another-order"}]
    assert (second.sections, second.only_if, second.unless, second.ask) == ((), (), (), "")


# --- like ------------------------------------------------------------------------------------------------------------


def test_a_copy_has_the_definition_and_its_parts_have_the_new_number() -> None:
    read = policy(
        """
        I:
          says: s
          all:
            - id: I.A
              says: a
              all:
                - {id: I.A.1, says: one, ask: q1}
                - {id: I.A.2, says: two, any: [{id: I.A.2.x, says: x, ask: q2}]}
            - {id: I.B, same_as: I.A}
        """
    )
    assert read.index["I.B"].says == "a"
    assert [each.id for each in read.index["I.B"].walk()] == ["I.B", "I.B.1", "I.B.2", "I.B.2.x"]
    assert [read.index[name].ask for name in ("I.B.1", "I.B.2.x")] == ["q1", "q2"]
    assert [each.id for each in read.index["I.A"].walk()] == ["I.A", "I.A.1", "I.A.2", "I.A.2.x"]


def test_a_copy_may_stand_in_another_section_and_before_its_original() -> None:
    read = policy(
        "I:\n  says: s\n  all:\n    - {id: I.A, same_as: II.A}\n"
        "II:\n  says: t\n  all:\n    - {id: II.A, says: a, ask: q}"
    )
    assert read.index["I.A"].says == "a"


def test_a_copy_may_hold_copies() -> None:
    read = policy(
        """
        I:
          says: s
          all:
            - {id: I.A, says: a, ask: q}
            - {id: I.B, says: b, all: [{id: I.B.1, same_as: I.A}]}
            - {id: I.C, same_as: I.B}
        """
    )
    assert (read.index["I.C"].says, read.index["I.C.1"].says) == ("b", "a")


# --- mistakes of form ------------------------------------------------------------------------------------------------

ONLY_ONE = (
    "must hold exactly one operator or argument; of several in a list any one is enough, and where all must hold, each "
    "is a criterion under `all`"
)
MISSHAPEN = [
    ("", ["1: the document must be a mapping"]),
    ("- a\n", ["1: the document must be a mapping"]),
    (
        "policy: X\nrevision: 2025-01\n",
        ["1: the document is missing 'edition', 'lines_of_business', 'orders', 'owner', 'sections', 'title'"],
    ),
    (
        text(LEAF, head=HEAD + "foo: x\nbar: y\n"),
        "1: the document has no key 'bar' or 'foo'; known keys: edition, ",
    ),
    (
        text(LEAF, head=HEAD.replace("CP.TEST", "CP TEST")),
        ["1: policy is not valid: 'CP TEST'; write it like 'CP.MP.126'"],
    ),
    (
        text(LEAF, head=HEAD.replace("2025-01", "2025-13")),
        ["2: revision is not valid: '2025-13'; write it like '2025-04'"],
    ),
    (
        text(LEAF, head=HEAD.replace("2025-01", "2025-00")),
        ["2: revision is not valid: '2025-00'; write it like '2025-04'"],
    ),
    (
        text(LEAF, head=HEAD.replace("edition: 1", "edition: 0")),
        ["3: edition is not valid: '0'; write it like '3'"],
    ),
    (
        text(LEAF, head=HEAD.replace("[medicare, medicare-advantage]", "[non-medicare]")),
        ["6: lines_of_business must be one of medicare, medicare-advantage, medicaid, commercial, not 'non-medicare'"],
    ),
    (text(LEAF, head=HEAD.replace("[medicare, medicare-advantage]", "[]")), ["6: lines_of_business must not be empty"]),
    (text(LEAF, head=HEAD + "kind: LCD\n"), ["7: kind must be one of plan, ncd, lcd, not 'LCD'"]),
    (
        text(LEAF, head=HEAD + "url: www.example.org\n"),
        ["7: url is not valid: 'www.example.org'; write it like 'https://example.org/policies/CP.MP.126.pdf'"],
    ),
    (
        text(LEAF, head=HEAD + "effective: 2025-06\n"),
        ["7: effective is not valid: '2025-06'; write it like '2025-06-01'"],
    ),
    (text(LEAF, head=HEAD + "until: 2025-02-29\n"), ["7: 2025-02-29 is not a calendar date"]),
    (
        text(LEAF, head=HEAD + "effective: 2025-06-02\nuntil: 2025-06-01\n"),
        ["8: the last day, 2025-06-01, is before the first, 2025-06-02"],
    ),
    (text(LEAF, head=HEAD + "states: [TX, ZZ]\n"), ["7: states is not valid: 'ZZ'; write it like 'TX'"]),
    (text(LEAF, head=HEAD + "states: []\n"), ["7: states must not be empty"]),
    (text(LEAF, head=HEAD + "states: [TX, FL, TX]\n"), ["7: TX is listed twice; keep one"]),
    (
        text(LEAF, head=HEAD.replace("[medicare,", "[medicare-advantage,")),
        ["6: medicare-advantage is listed twice; keep one"],
    ),
    (
        text(LEAF, head=HEAD + "prior_authorization: yes\n"),
        ["7: prior_authorization must be one of required, not-required, not 'yes'"],
    ),
    (text(LEAF, head=HEAD + "notes: one\n"), ["7: notes must be a list"]),
    (text(LEAF, orders="- {codes: the-order}"), ["9: orders is missing 'sections'"]),
    (text(LEAF, orders="- {codes: [a], sections: [I]}"), ["9: there is no value set named 'a'"]),
    (HEAD + "orders: []\nsections:\n  " + LEAF + "\n", ["7: orders must not be empty"]),
    (HEAD + "orders:\n  " + ENTRY + "\nsections: {}\n", ["9: sections must hold at least one section"]),
    (text("I I: {says: s, ask: q}"), ["10: sections is not valid: 'I I'; write it like 'II.D.faber'"]),
    (text("I: {ask: q}"), ["11: sections.I is missing 'says'"]),
    (text("I: {says: '', ask: q}"), ["11: sections.I.says must not be empty"]),
    (text("I: {says: [s], ask: q}"), ["11: sections.I.says must be text"]),
    (
        text("I: {says: s, asks: q}"),
        "11: sections.I has no key 'asks' (did you mean 'ask'?); known keys: about, all, ",
    ),
    (text("I: {says: s, ask: q, met_by: maybe}"), ["11: sections.I.met_by must be one of yes, no, not 'maybe'"]),
    (text("I: {says: s, ask: q, if_met: supported}"), ["11: sections.I.if_met must be 'case-review'"]),
    (text("I: {says: s, always: met}"), ["11: sections.I.always must be 'not-supported'"]),
    (
        text("I: {says: s, ask: q, role: x}"),
        ["11: sections.I.role must be one of advisory, post-procedure, information, not 'x'"],
    ),
    (text("I: {says: s, all: []}"), ["11: sections.I.all must not be empty"]),
    (text("I: {says: s, all: {id: I.A}}"), ["11: sections.I.all must be a list"]),
    (in_section("all:\n  - I.A"), ["14: sections.I.all must be a mapping"]),
    (in_section("all:\n  - {says: a, ask: q}"), ["14: sections.I.all is missing 'id'"]),
    (
        in_section("all:\n  - {id: I A, says: a, ask: q}"),
        ["14: sections.I.all.id is not valid: 'I A'; write it like 'II.D.faber'"],
    ),
    (
        in_section("all:\n  - {id: I.A, says: a, ask: q, always: not-supported}"),
        "14: sections.I.all has no key 'always'; ",
    ),
    (
        in_section("all:\n  - {id: I.A, same_as: I.B, says: a}"),
        ["14: sections.I.all has no key 'says'; known keys: id, same_as"],
    ),
    (
        in_section("at_least: 0\nof:\n  - {id: I.A, says: a, ask: q}"),
        ["13: sections.I.at_least is not valid: '0'; write it like '3'"],
    ),
    (in_section("ask: q\nmet_when: []"), ["14: sections.I.met_when must not be empty"]),
    (
        in_section("ask: q\nmet_when: {}"),
        [f"14: sections.I.met_when {ONLY_ONE}"],
    ),
    (
        in_section("ask: q\nmet_when: {condition: {in: alpha}, device: {in: alpha}}"),
        [f"14: sections.I.met_when {ONLY_ONE}"],
    ),
    (
        in_section("ask: q\nmet_when: {conditions: {in: alpha}}"),
        "14: sections.I.met_when has no key 'conditions' (did you mean 'condition'?); known keys: allergy, ",
    ),
    (in_section("ask: q\nmet_when: {condition: {}}"), ["14: sections.I.met_when.condition is missing 'in'"]),
    (
        in_section("ask: q\nmet_when: {condition: {in: alpha, since: x}}"),
        "14: sections.I.met_when.condition has no key 'since'; known keys: acute, encounter_diagnosis, in, ",
    ),
    (
        in_section("ask: q\nmet_when: {allergy: {in: alpha, to: x}}"),
        ["14: sections.I.met_when.allergy.to must be 'ordered-drug'"],
    ),
    (
        text(LEAF, pathway="ask: q\nchoices:\n  a: {says: A}"),
        ["12: pathway.choices must hold at least two pathways to choose from"],
    ),
    (
        text(LEAF, pathway="ask: q\nchoices:\n  a: {says: A}\n  B: {says: B}"),
        ["12: pathway.choices is not valid: 'B'; write it like 'first-diagnostic'"],
    ),
]


@pytest.mark.parametrize(("document", "told"), MISSHAPEN)
def test_a_mistake_of_form_is_told_once_with_its_line_and_what_is_right(document: str, told: list[str] | str) -> None:
    found = problems(document)
    assert found == told if isinstance(told, list) else (len(found) == 1 and found[0].startswith(told)), found


PHRASES = [
    ("condition: {in: alpha, lasting: six months}", "condition.lasting", "six months", "under 6 months"),
    ("condition: {in: alpha, lasting: exactly 6 months}", "condition.lasting", "exactly 6 months", "under 6 months"),
    ("imaging: {in: alpha, within: half a year}", "imaging.within", "half a year", "6 months"),
    ("observation: {in: alpha, within: 3}", "observation.within", "3", "6 months"),
    ("procedure: {in: alpha, within: under 3 months}", "procedure.within", "under 3 months", "3 months"),
    ("pain_relief: {after: alpha, occasions: two}", "pain_relief.occasions", "two", "2"),
    ("pain_relief: {after: alpha, before: 1 day}", "pain_relief.before", "1 day", "24 hours"),
    ("pain_relief: {after: alpha, measured_within: 1 day}", "pain_relief.measured_within", "1 day", "24 hours"),
    ("opioid_reduction: {by: over 50 %}", "opioid_reduction.by", "over 50 %", "at least 50 %"),
]


@pytest.mark.parametrize(
    ("clause", "place", "written", "right"),
    [
        (
            "condition: {in: alpha, lasting: 4 weeks}",
            "condition.lasting",
            "4 weeks",
            "at least 4 weeks' or 'under 4 weeks",
        ),
        (
            "procedure: {in: alpha, all: {gap: 4 weeks, count: at least 6}}",
            "procedure.all.gap",
            "4 weeks",
            "at most 4 weeks",
        ),
        ("condition: {in: alpha, lasting: '>= 6 months'}", "condition.lasting", ">= 6 months", "at least 6 months"),
        (
            "pain_relief: {after: alpha, relief: no less than 75%}",
            "pain_relief.relief",
            "no less than 75%",
            "at least 75 %",
        ),
    ],
)
def test_a_phrase_that_is_close_to_a_right_one_is_told_with_that(
    clause: str, place: str, written: str, right: str
) -> None:
    assert problems(in_section(f"ask: q\nmet_when: {{{clause}}}")) == [
        f"14: sections.I.met_when.{place} is not valid: '{written}'; write '{right}'"
    ]


@pytest.mark.parametrize(("clause", "place", "written", "right"), PHRASES)
def test_a_phrase_that_is_written_wrong_is_told_with_one_that_is_right(
    clause: str, place: str, written: str, right: str
) -> None:
    assert problems(in_section(f"ask: q\nmet_when: {{{clause}}}")) == [
        f"14: sections.I.met_when.{place} is not valid: '{written}'; write it like '{right}'"
    ]


def test_every_mistake_of_form_is_told() -> None:
    found = problems(text("I: {says: s, met_by: x, role: y}"))
    assert [each.split(" must")[0] for each in found] == ["11: sections.I.met_by", "11: sections.I.role"]


# --- mistakes of meaning ---------------------------------------------------------------------------------------------

TWO = "    - {id: I.A, says: a, ask: q}\n    - {id: I.B, says: b, ask: q}"
A_GROUP = "a group is written with one of `all`, `any`, or `at_least` together with `of`"
MEANINGLESS = [
    (f"I:\n  says: s\n  of:\n{TWO}", [f"11: I: {A_GROUP}"]),
    ("I: {says: s, ask: q, at_least: 2}", [f"11: I: {A_GROUP}"]),
    (f"I:\n  says: s\n  at_least: 1\n  all:\n{TWO}", [f"11: I: {A_GROUP}"]),
    (f"I:\n  says: s\n  all:\n{TWO}\n  any:\n    - {{id: I.C, says: c, ask: q}}", [f"11: I: {A_GROUP}"]),
    (f"I:\n  says: s\n  at_least: 3\n  of:\n{TWO}", ["11: I: at least 3 of 2 can never be met"]),
    (f"I:\n  says: s\n  all:\n{TWO.replace('I.B', 'I.A')}", ["15: the id 'I.A' is used twice"]),
    (
        "I:\n  says: s\n  all:\n    - {id: II, says: a, ask: q}\nII: {says: t, ask: q}",
        ["14: II: it is in section I but has another section's number", "15: the id 'II' is used twice"],
    ),
    (
        "I:\n  says: s\n  all:\n    - {id: II.A, says: a, ask: q}\nII: {says: t, ask: q}",
        ["14: II.A: it is in section I but has another section's number"],
    ),
    ("I: {says: s}", ["11: I: nothing can settle it; add an `ask`, or parts"]),
    (
        "I: {says: s, met_when: {condition: {in: alpha}}}",
        ["11: I: nothing can settle it; add an `ask`, or parts"],
    ),
    (
        f"I:\n  says: s\n  met_when: {{condition: {{in: alpha}}}}\n  all:\n{TWO}",
        ["11: I: a group is settled by its parts; give the clauses to a part"],
    ),
    (
        f"I:\n  says: s\n  show: {{condition: {{in: alpha}}}}\n  all:\n{TWO}",
        ["11: I: a group is settled by its parts; give the clauses to a part"],
    ),
    (
        f"I:\n  says: s\n  needs: II\n  all:\n{TWO}\nII: {{says: t, ask: q}}",
        ["11: I: a group is settled by its parts; give the clauses to a part"],
    ),
    ("I: {says: s, met_by: no, role: advisory}", ["11: I: met_by needs a question in `ask`"]),
    (
        "I: {says: s, ask: q, on_date_of: trial}",
        ["11: I: on_date_of needs the criteria it looks back at in `needs`"],
    ),
    ("I: {says: s, ask: q, for: malignant}", ["11: I: there is no pathway 'malignant'"]),
    ("I: {says: s, needs: I.Z}", ["11: I: needs: there is no criterion 'I.Z'"]),
    ("I: {says: s, needs: I}", ["11: I: needs: I needs I in turn; break the circle"]),
    (
        "I: {says: s, needs: II}\nII: {says: t, needs: I}",
        [
            "11: I: needs: II needs I in turn; break the circle",
            "12: II: needs: I needs II in turn; break the circle",
        ],
    ),
    (
        "I:\n  says: s\n  all:\n    - {id: I.A, says: a, needs: II}\nII: {says: t, needs: I}",
        [
            "14: I.A: needs: II needs I.A in turn; break the circle",
            "15: II: needs: I needs II in turn; break the circle",
        ],
    ),
    (
        "I:\n  says: s\n  all:\n    - {id: I.A, says: a, needs: I}",
        ["14: I.A: needs: I needs I.A in turn; break the circle"],
    ),
    (
        "I: {says: s, needs: II, met_when: {condition: {in: alpha}}}\nII: {says: t, ask: q}",
        ["11: I: `needs` and `always` settle it; leave the clauses out"],
    ),
    (
        "I: {says: s, always: not-supported, not_met_when: {condition: {in: alpha}}}",
        ["11: I: `needs` and `always` settle it; leave the clauses out"],
    ),
    (
        "I: {says: s, always: not-supported, needs: II}\nII: {says: t, ask: q}",
        ["11: I: `always` settles it; leave `needs` out"],
    ),
    (
        "I: {says: s, ask: q, met_when: {condition: {in: omega}}}",
        ["11: I: condition: there is no value set named 'omega'"],
    ),
    (
        "I:\n  says: s\n  ask: q\n  show:\n    - {condition: {in: alpha}}\n    - {device: {in: [alpha, omega]}}",
        ["16: I: device: there is no value set named 'omega'"],
    ),
    ("I: {says: s, needs: II, on_date_of: omega}\nII: {says: t, ask: q}", ["11: there is no value set named 'omega'"]),
    (
        "I: {says: s, ask: q, met_when: {procedure: {in: alpha, lasting: under 4 weeks}}}",
        [
            "11: I: procedure: 'under 4 weeks' cannot be proven because a visit may be missing; turn it round and "
            "put `lasting: at least 4 weeks` under `not_met_when` instead of `met_when`, or the other way round"
        ],
    ),
    (
        "I: {says: s, ask: q, met_when: {procedure: {in: alpha, lasting: at most 4 weeks}}}",
        [
            "11: I: procedure: 'at most 4 weeks' cannot be proven because a visit may be missing; turn it round and "
            "put `lasting: over 4 weeks` under `not_met_when` instead of `met_when`, or the other way round"
        ],
    ),
    (
        "I: {says: s, ask: q, met_when: {procedure: {in: alpha, within: 1 year, lasting: at least 4 weeks}}}",
        [
            "11: I: procedure: `within` and `lasting` are separate questions; give each its own clause, or ask them of "
            "one course: `all: {within: …, lasting: …, gap: at most 4 weeks}`"
        ],
    ),
    (
        "I:\n  says: s\n  all:\n    - {id: I.A, same_as: I.B}",
        ["14: I.A: same_as: 'I.B' does not name a criterion that is written out"],
    ),
    (
        "I:\n  says: s\n  all:\n    - {id: I.A, same_as: I.B}\n    - {id: I.B, same_as: I.C}\n"
        "    - {id: I.C, says: c, ask: q}",
        ["14: I.A: same_as: 'I.B' does not name a criterion that is written out"],
    ),
]


@pytest.mark.parametrize(("sections", "told"), MEANINGLESS)
def test_a_mistake_of_meaning_is_told_with_its_line_and_what_is_right(sections: str, told: list[str]) -> None:
    assert problems(text(sections)) == told


@pytest.mark.parametrize("name", ["pathway", "applies", "side"])
def test_the_names_of_answers_are_no_names_of_criteria(name: str) -> None:
    found = problems(text(f"{name}: {{says: s, ask: q}}", orders=f"- {{codes: the-order, sections: [{name}]}}"))
    assert found == [f"11: {name}: this id is reserved for an answer; choose another"]


@pytest.mark.parametrize(
    "sections",
    [
        "I:\n  says: s\n  all:\n    - {id: I.A, says: a, all: [{id: I.A.1, same_as: I.A}]}",
        "I:\n  says: s\n  all:\n    - {id: I.A, says: a, all: [{id: I.A.1, same_as: I.B}]}\n"
        "    - {id: I.B, says: b, all: [{id: I.B.1, same_as: I.A}]}",
    ],
)
def test_a_copy_inside_what_it_copies_is_refused(sections: str) -> None:
    assert any("is copied into itself; write it out" in each for each in problems(text(sections)))


def test_a_copy_of_parts_that_do_not_bear_its_number_is_told() -> None:
    found = problems(
        text(
            "I:\n  says: s\n  all:\n    - {id: I.A, says: a, all: [{id: NOTE, says: n, ask: q}]}\n"
            "    - {id: I.B, same_as: I.A}"
        )
    )
    assert found == ["14: the id 'NOTE' is used twice"]


@pytest.mark.parametrize(
    ("orders", "told"),
    [
        ("- {codes: omega, sections: [I]}", "9: there is no value set named 'omega'"),
        ("- {codes: the-order, sections: [V]}", "9: there is no section 'V'"),
        (
            "- {codes: the-order, sections: [I], unless: {order: {reason: omega}}}",
            "9: unless: order: there is no value set named 'omega'",
        ),
    ],
)
def test_a_mistake_in_the_orders_is_told_with_its_line(orders: str, told: str) -> None:
    assert problems(text(LEAF, orders=orders)) == [told]


def test_a_mistake_in_a_pathway_is_told_with_its_line() -> None:
    pathway = "ask: q\nchoices:\n  a: {says: A, presume_when: {condition: {in: omega}}}\n  b: {says: B}"
    assert problems(text("I: {says: s, ask: q, for: a}", pathway=pathway)) == [
        "13: presume_when: condition: there is no value set named 'omega'"
    ]


def test_mistakes_of_meaning_are_told_in_the_order_of_their_lines() -> None:
    found = problems(text("I: {says: s, ask: q, for: x}\nII: {says: t}", orders="- {codes: omega, sections: [V]}"))
    assert [each.split(":")[0] for each in found] == ["9", "9", "11", "12"]


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_problem_of_a_file_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "2025-01.yaml"
    path.write_text(text("I: {says: s}"), encoding="utf-8")
    with pytest.raises(DocumentError) as raised:
        load_policy(path, SETS)
    assert str(raised.value).startswith(f"{path}:11: I: nothing can settle it")


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    path = tmp_path / "2025-01.yaml"
    path.write_bytes(text("I: {says: Späte Schmerzen, ask: q}").encode("latin-1"))
    with pytest.raises(DocumentError) as raised:
        load_policy(path, SETS)
    assert str(raised.value) == f"{path}:1: the file is not UTF-8; save it as UTF-8"


def test_a_file_is_read_with_all_its_letters(tmp_path: Path) -> None:
    path = tmp_path / "2025-01.yaml"
    path.write_text(text("I: {says: Späte Schmerzen, ask: q}"), encoding="utf-8")
    assert load_policy(path, SETS).index["I"].says == "Späte Schmerzen"


NAMED = SETS | {"named": ValueSet("named", [Row("text", "test", "Test", "", None, None, True)])}


def test_words_decide_where_names_come_out_of_a_catalog() -> None:
    by = parse_policy(text("I: {says: s, ask: q, met_when: {imaging: {in: named}}}"), "test.yaml", NAMED)
    assert by.full_name == "CP.TEST@2025-01"


def test_words_decide_nowhere_else() -> None:
    with pytest.raises(DocumentError, match="named decides by words, and condition does not read names"):
        parse_policy(text("I: {says: s, ask: q, met_when: {condition: {in: named}}}"), "test.yaml", NAMED)
