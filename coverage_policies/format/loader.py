"""Load a policy from a YAML document: check its shape by the schema, then its meaning; report every problem's place."""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from coverage_policies.format.changes import order_change
from coverage_policies.format.model import (
    APPLIES,
    CODE,
    PATHWAY,
    SIDE,
    Choice,
    Clause,
    Companion,
    Criterion,
    OrderEntry,
    OrderSuggestion,
    Pathway,
    Policy,
    Role,
    Section,
)
from coverage_policies.format.operator import as_list, value_set, written_values
from coverage_policies.format.problems import DocumentError, Problem, read_text
from coverage_policies.format.registry import operators
from coverage_policies.format.schema import document_check, document_validator
from coverage_policies.format.schema_errors import explain
from coverage_policies.format.strict_yaml import YamlSource, read_yaml
from coverage_policies.format.terms import About, LineOfBusiness, Outcome, PolicyKind, PriorAuthorization, RequestType
from coverage_policies.format.value_sets import TEXT, ValueSet, ValueSets

GROUPS = ("all", "any", "of")


def load_policy(path: Path, sets: Mapping[str, ValueSet]) -> Policy:
    """Load one document. Raises DocumentError with everything that is wrong with it."""
    return parse_policy(read_text(path), str(path), sets)


def parse_policy(text: str, file: str, sets: Mapping[str, ValueSet]) -> Policy:
    """Parse the text of one document; `file` is the name that problems are reported under."""
    source = read_yaml(text, file)
    problems = list(_shape_problems(source))
    if problems:
        raise DocumentError(problems)
    builder = _Builder(source, sets)
    policy = builder.policy()
    builder.problems += list(_meaning_problems(source, policy))
    if builder.problems:
        raise DocumentError(sorted(dict.fromkeys(builder.problems), key=lambda problem: problem.line))
    return policy


def _shape_problems(source: YamlSource) -> Iterator[Problem]:
    if document_check()(source.data):
        return
    errors = sorted(
        document_validator().iter_errors(source.data), key=lambda error: list(map(str, error.absolute_path))
    )
    yield from dict.fromkeys(source.problem(*explain(error), rule="schema") for error in errors)


class _Builder:
    """Builds the model of one document and collects the problems that the schema cannot see."""

    def __init__(self, source: YamlSource, sets: Mapping[str, ValueSet]) -> None:
        self.source = source
        self.sets = sets if isinstance(sets, ValueSets) else ValueSets(sets)
        self.problems: list[Problem] = []
        self.raw: dict[str, tuple[dict[str, Any], tuple[str | int, ...]]] = {}
        self.index: dict[str, Criterion] = {}
        self._copying: list[str] = []

    def policy(self) -> Policy:
        data = self.source.data
        for key, section in data["sections"].items():
            self._collect(section, ("sections", key))
        sections = {key: self._section(key, raw) for key, raw in data["sections"].items()}
        return Policy(
            name=data["policy"],
            revision=data["revision"],
            edition=int(data["edition"]),
            title=data["title"],
            owner=data["owner"],
            lines_of_business=tuple(map(LineOfBusiness, data["lines_of_business"])),
            kind=PolicyKind(data.get("kind", PolicyKind.PLAN)),
            url=data.get("url", ""),
            effective=self._day("effective"),
            until=self._day("until"),
            states=tuple(data.get("states", ())),
            prior_authorization=PriorAuthorization(data["prior_authorization"])
            if "prior_authorization" in data
            else None,
            notes=tuple(data.get("notes", ())),
            orders=tuple(self._entry(raw, ("orders", i)) for i, raw in enumerate(data["orders"])),
            sections=sections,
            history=tuple(data.get("history", ())),
            pathway=self._pathway(data["pathway"]) if "pathway" in data else None,
            source=self.source.file,
            document=data,
            index=self.index,
            order_terms=self.sets.order_terms,
        )

    def _day(self, key: str) -> date | None:
        if key not in self.source.data:
            return None
        try:
            return date.fromisoformat(self.source.data[key])
        except ValueError:
            self._problem((key,), f"{self.source.data[key]} is not a calendar date")
            return None

    def _collect(self, raw: dict[str, Any], path: tuple[str | int, ...]) -> None:
        if "id" in raw:
            if raw["id"] in self.raw:
                self._problem(path, f"the id {raw['id']!r} is used twice")
            self.raw[raw["id"]] = raw, path
        for group in GROUPS:
            for i, child in enumerate(raw.get(group, ())):
                self._collect(child, (*path, group, i))

    def _section(self, key: str, raw: dict[str, Any]) -> Section:
        consequence = raw.get("if_not_met", "not-supported" if "always" in raw else "criteria-not-met")
        root = self._criterion(raw | {"id": key}, ("sections", key))
        outcome = Outcome.CRITERIA_NOT_MET if consequence == "case-review" else Outcome(consequence)
        return Section(root, outcome)

    def _criterion(self, raw: dict[str, Any], path: tuple[str | int, ...], about: str = "") -> Criterion:
        if "same_as" in raw:
            self._copying.append(raw["same_as"])
            found = self._written_out(*self._copied(raw, path), about)
            self._copying.pop()
            return found
        return self._written_out(raw, path, about)

    def _written_out(self, raw: dict[str, Any], path: tuple[str | int, ...], about: str) -> Criterion:
        """Build a criterion and all below it; `about` is what the group above says its questions are about."""
        about = raw.get("about", about)
        group = next((name for name in GROUPS if name in raw), None)
        children = (
            [self._criterion(child, (*path, group, i), about) for i, child in enumerate(raw.get(group, ()))]
            if group
            else []
        )
        required = {"all": None, "any": 1, "of": int(raw.get("at_least", "1"))}[group] if group else None
        if (group == "of") != ("at_least" in raw) or sum(name in raw for name in GROUPS) > 1:
            self._problem(
                path, f"{raw['id']}: a group is written with one of `all`, `any`, or `at_least` together with `of`"
            )
        if required is not None and required > len(children):
            self._problem(path, f"{raw['id']}: at least {required} of {len(children)} can never be met")
        place = self.source.place(path)
        met_when, not_met_when = self._clauses(raw, "met_when", path), self._clauses(raw, "not_met_when", path)
        found = Criterion(
            id=raw["id"],
            says=raw["says"],
            says_when_not_met=raw.get("says_when_not_met", ""),
            override=raw.get("override", ""),
            children=tuple(children),
            required=required,
            met_when=met_when,
            not_met_when=not_met_when,
            show=self._clauses(raw, "show", path),
            suggest=self._suggestion(raw["suggest"], (*path, "suggest")) if "suggest" in raw else None,
            ask=raw.get("ask", ""),
            asked=int(raw["asked"]) if "asked" in raw else None,
            met_by=raw.get("met_by", "yes"),
            about=About(about) if about else _about(met_when + not_met_when),
            needs=tuple(as_list(raw.get("needs", []))),
            on_date_of=self._value_set(raw["on_date_of"], (*path, "on_date_of")) if "on_date_of" in raw else None,
            is_never_met="always" in raw,
            case_review_if_met=raw.get("if_met") == "case-review",
            case_review_if_not_met=raw.get("if_not_met") == "case-review",
            role=Role(raw["role"]) if "role" in raw else None,
            pathways=frozenset(as_list(raw.get("for", []))),
            rules_out=frozenset(as_list(raw.get("rules_out", []))),
            interpretation=raw.get("interpretation", ""),
            note=raw.get("note", ""),
            line=place.line,
            column=place.column,
        )
        if found.id in self.index:
            self._problem(path, f"the id {found.id!r} is used twice")
        self.index[found.id] = found
        return found

    def _copied(self, raw: dict[str, Any], path: tuple[str | int, ...]) -> tuple[dict[str, Any], tuple[str | int, ...]]:
        """Return the definition that `same_as` names under the new id; ids below it change with it."""
        original, original_path = self.raw.get(raw["same_as"], (None, ()))
        if original is None or "same_as" in original:
            wrong = "does not name a criterion that is written out"
        elif self._copying.count(raw["same_as"]) > 1:
            wrong = "is copied into itself; write it out"
        else:
            renamed = copy.deepcopy(original)
            _rename(renamed, raw["same_as"], raw["id"])
            return renamed, original_path
        self._problem(path, f"{raw['id']}: same_as: {raw['same_as']!r} {wrong}")
        return {"id": raw["id"], "says": "?", "ask": "?"}, path

    def _entry(self, raw: dict[str, Any], path: tuple[str | int, ...]) -> OrderEntry:
        place = self.source.place(path)
        return OrderEntry(
            codes=self._value_set(raw["codes"], (*path, "codes")),
            sections=tuple(raw["sections"]),
            only_if=self._clauses(raw, "only_if", path),
            unless=self._clauses(raw, "unless", path),
            never_if=self._clauses(raw, "never_if", path),
            ask_if=self._clauses(raw, "ask_if", path),
            ask=raw.get("ask", ""),
            companions=tuple(
                found
                for i, companion in enumerate(raw.get("companions", ()))
                if (found := self._companion(companion, (*path, "companions", i)))
            ),
            line=place.line,
            column=place.column,
        )

    def _companion(self, raw: dict[str, Any], path: tuple[str | int, ...]) -> Companion | None:
        codes = self._value_set(raw["in"], (*path, "in"))
        added = next((row for row in codes.rows if row.code == raw["add"] and row.decides), None)
        if added is None:
            if codes.rows:
                self._problem((*path, "add"), f"{raw['add']!r} is no code of {raw['in']} that decides")
            return None
        return Companion(codes, added, RequestType(raw.get("as", RequestType.SERVICE)), raw["says"])

    def _pathway(self, raw: dict[str, Any]) -> Pathway:
        choices = []
        for name, choice in raw["choices"].items():
            path = ("pathway", "choices", name)
            keys = ("chosen_when", "keep_when", "exclude_when", "presume_when")
            clauses = {key: self._clauses(choice, key, path) for key in keys}
            place = self.source.place(path)
            choices.append(Choice(name, choice["says"], **clauses, line=place.line, column=place.column))
        return Pathway(raw["ask"], tuple(choices))

    def _clauses(self, raw: dict[str, Any], key: str, path: tuple[str | int, ...]) -> tuple[Clause, ...]:
        written = raw.get(key, [])
        found = []
        for i, clause in enumerate([written] if isinstance(written, dict) else written):
            ((name, arguments),) = clause.items()
            place = (*path, key) if isinstance(written, dict) else (*path, key, i)
            try:
                found.append(Clause(name, arguments, operators()[name].parse(arguments, self.sets)))
            except ValueError as error:
                self._problem(place, f"{raw.get('id', key)}: {name}: {error}")
            for wordy in self._sets_deciding_by_words(name, arguments):
                what = f"{wordy} decides by words, and {name} does not read names out of a catalog; let the words ask"
                self._problem(place, f"{raw.get('id', key)}: {name}: {what}")
        return tuple(found)

    def _suggestion(self, raw: Mapping[str, str], path: tuple[str | int, ...]) -> OrderSuggestion | None:
        (name,) = raw.keys() - {"says"}
        try:
            return OrderSuggestion(raw["says"], order_change(name, raw[name], self.sets))
        except ValueError as error:
            self._problem((*path, name), str(error))
            return None

    def _sets_deciding_by_words(self, name: str, arguments: Mapping[str, Any]) -> Iterator[str]:
        operator = operators()[name]
        if operator.reads_names:
            return
        for key, argument in written_values(arguments):
            for each in as_list(argument) if key not in operator.plain_words else ():
                if each in self.sets and any(row.system == TEXT and row.decides for row in self.sets[each].rows):
                    yield each

    def _value_set(self, names: Any, path: tuple[str | int, ...]) -> ValueSet:
        try:
            return value_set(names, self.sets)
        except ValueError as error:
            self._problem(path, str(error))
            return ValueSet(" or ".join(as_list(names)), ())

    def _problem(self, path: Sequence[str | int], what: str) -> None:
        self.problems.append(self.source.problem(path, what))


def _about(clauses: Iterable[Clause]) -> About:
    """Return what a question is about if the document does not say: what its clauses read."""
    if any(not operators()[clause.operator].resource_types for clause in clauses):
        return About.ORDER
    return About.SITE if any("side" in clause.arguments for clause in clauses) else About.PATIENT


def _rename(raw: dict[str, Any], old: str, new: str) -> None:
    if raw["id"].startswith(old):  # else it is reported as used twice
        raw["id"] = new + raw["id"][len(old) :]
    for group in GROUPS:
        for child in raw.get(group, ()):
            _rename(child, old, new)


def _meaning_problems(source: YamlSource, policy: Policy) -> Iterator[Problem]:
    """Yield what is wrong with the meaning of a document: open leaves, missing references, circles, unknown names."""
    pathways = {choice.name for choice in policy.pathway.choices} if policy.pathway else set()
    for key, section in policy.sections.items():
        for criterion in section.root.walk():
            for what in _criterion_problems(criterion, policy, pathways, key):
                yield Problem(source.file, criterion.line, f"{criterion.id}: {what}", criterion.column)
    for i, entry in enumerate(policy.orders):
        for name in entry.sections:
            if name not in policy.sections:
                yield source.problem(("orders", i), f"there is no section {name!r}")
        if entry.is_by_words and (entry.sections or not entry.ask):
            what = "no section can judge orders found by words; give the entry `sections: []` and an `ask` for the code"
            yield source.problem(("orders", i), what)
    for month in policy.history:
        if month == policy.revision:
            yield source.problem(("history",), f"{month} is this revision; list only the others")
    for key, values in (("lines_of_business", policy.lines_of_business), ("states", policy.states)):
        for value in sorted({each for each in values if values.count(each) > 1}):
            yield source.problem((key,), f"{value} is listed twice; keep one")
    if policy.effective and policy.until and policy.until < policy.effective:
        yield source.problem(("until",), f"the last day, {policy.until}, is before the first, {policy.effective}")


def _criterion_problems(c: Criterion, policy: Policy, pathways: set[str], section: str) -> Iterator[str]:
    if c.id in (PATHWAY, APPLIES, SIDE, CODE):
        yield "this id is reserved for an answer; choose another"
    if c.id.split(".")[0] in policy.sections.keys() - {section}:
        yield f"it is in section {section} but has another section's number"
    if c.children and (c.met_when or c.not_met_when or c.show or c.needs):
        yield "a group is settled by its parts; give the clauses to a part"
    if (c.needs or c.is_never_met) and (c.met_when or c.not_met_when):
        yield "`needs` and `always` settle it; leave the clauses out"
    if c.needs and c.is_never_met:
        yield "`always` settles it; leave `needs` out"
    settled = c.children or c.ask or c.is_never_met or c.needs or c.role or c.rules_out
    if not settled:
        yield "nothing can settle it; add an `ask`, or parts"
    if c.met_by == "no" and not c.ask:
        yield "met_by needs a question in `ask`"
    if c.on_date_of is not None and not c.needs:
        yield "on_date_of needs the criteria it looks back at in `needs`"
    for name in sorted((c.pathways | c.rules_out) - pathways):
        yield f"there is no pathway {name!r}"
    for name in c.needs:
        if name not in policy.index:
            yield f"needs: there is no criterion {name!r}"
        elif c.id in _reached(policy, name, set()):
            yield f"needs: {name} needs {c.id} in turn; break the circle"


def _reached(policy: Policy, name: str, seen: set[str]) -> set[str]:
    """Return every criterion whose status that of `name` depends on."""
    if name in seen or name not in policy.index:
        return seen
    seen.add(name)
    criterion = policy.index[name]
    for child in criterion.children:
        _reached(policy, child.id, seen)
    for needed in criterion.needs:
        _reached(policy, needed, seen)
    return seen
