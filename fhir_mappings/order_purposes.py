"""The words by which orders state their purpose: a pump trial, a pump, relief at birth or after surgery, or a block.

A purpose counts only next to the procedure: a diagnostic MRI is no diagnostic injection, a therapeutic exercise no
therapeutic one, and pain that has lasted since an operation is no pain relief after one. A trial is one of a pain pump
only if a pump, an opioid, or the spinal canal is named beside it.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]
Finder: TypeAlias = Callable[[str], Iterable[Span]]
"""A function that returns where a phrase names a value."""

_BREAK = re.compile(r"[;\n]|\.(?!\d)|\bafter\b|\bfollowing\b|\bs/p\b|\bstatus[\s-]post\b", re.IGNORECASE)
"""What ends a clause: punctuation, or a word for what came before."""
_WORDS_ALONE = 4
"""The most words of a clause that says nothing but the purpose, as in `For diagnostic purposes`."""

_NEAR = 50
"""The most characters between a trial and what is tried."""
_TRIAL = re.compile(
    r"(?<!clinical )(?<!stimulator )(?<!stimulation )(?<!SCS )(?<!voiding )(?<!therapy )(?<!steroid )\btrial\b"
    r"(?!\s+of\s+(?:labou?r|voiding|conservative|physical|therapy|exercise|oral|nsaids?|steroids?|spinal\s+cord|SCS))",
    re.IGNORECASE,
)
_PUMP_OR_CANAL = re.compile(
    r"\bpumps?\b|\bintrathecal\w*|\bintraspinal\w*|\bneuraxial\b|\bsubarachnoid\b|\bdrug\s+delivery\b", re.IGNORECASE
)
_OPIOID = re.compile(
    r"\bopioids?\b|\bopiates?\b|\bmorphine\b|\bhydromorphone\b|\bfentanyl\b|\bsufentanil\b|\bdilaudid\b", re.IGNORECASE
)
_SYSTEMIC = re.compile(
    r"\boral(?:ly)?\b|\bsystemic\w*|\btransdermal\b|\bby\s+mouth\b|\btablets?\b|\bpatch\w*|\bmedications?\b",
    re.IGNORECASE,
)
_PAIN_PUMP = (
    r"\b(?:pain|intrathecal|epidural|intraspinal|spinal|neuraxial|morphine|opioid)\s+(?:\w+\s+){0,3}?pumps?\b"
    r"|\b(?:intrathecal|epidural|intraspinal|spinal|neuraxial)\s+(?:\w+\s+)?drug\s+delivery\b"
    r"|\bpumps?\s+for\s+(?:\w+\s+){0,2}?(?:pain|opioids?|morphine)\b"
)
_OTHER_INFUSION = (
    r"\bon-?\s?q\b|\belastomeric\b|\bpain\s?buster\b|\bambulatory\b|\bhepatic\b|\bintra-?arterial\b|\binsulin\b"
    r"|\bfeeding\b|\benteral\b|\bbreast\b|\bchemo\w*|\bwound\b|\bperipheral\b|\bnerve\s+(?:block|catheter)\b"
    r"|\bPCA\b|\bpatient-?\s?controlled\b|\bball\s+pump\b|\bsubcutaneous\s+(?:\w+\s+)?infusion\b"
)
_AFTER_SURGERY = (
    r"(?:post-?\s?(?:op(?:erative(?:ly)?)?|surg(?:ical|ery)|procedural)|(?:peri|intra)-?\s?operative(?:ly)?)"
)
_RELIEF = (
    r"(?:analges\w*|an(?:a)?esthe\w+|pain\s+(?:control|management|relief|treatment)|epidural|catheter|infusion|block\w*"
    r"|care|recovery|PCEA|PCA|pump)"
)
_BIRTH = r"(?:ca?esarean|c-?\s?section|vaginal\s+(?:birth|delivery)|childbirth)"
_OBSTETRIC = (
    rf"\b{_RELIEF}\s+(?:after|following)\s+(?:\w+\s+){{0,3}}?{_BIRTH}\b"
    rf"|\b{_BIRTH}\b|\blabou?r\b|\bobstetric\w*|\bparturi\w+|\bdelivery\s+room\b|\bTOLAC\b|\bVBAC\b"
)
_OPERATION = r"(?:surgery|operation|\w*tomy|\w*plasty|\w*ectomy|resection|procedure)"
_POST_OPERATIVE = (
    rf"\b{_AFTER_SURGERY}\s+(?:\w+\s+){{0,2}}?{_RELIEF}\b|\b{_RELIEF}\s{{0,3}}[,(]?\s{{0,3}}{_AFTER_SURGERY}\b"
    rf"|\b{_RELIEF}\s+(?:after|following)\s+(?:\w+\s+){{0,3}}?{_OPERATION}\b|\bacute\s+{_AFTER_SURGERY}\s+pain\b"
    rf"|^\W*{_AFTER_SURGERY}\W*$|^\W*{_AFTER_SURGERY}\s+pain\W*$|\bfor\s+{_AFTER_SURGERY}\s+pain\b"
    r"|\bsurgical\s+an(?:a)?esthe\w+"
)
_EPIDURAL_INJECTION = (
    r"\b(?:caudal|interlaminar|transforaminal)\s+(?:\w+\s+){0,2}?epidural\b(?!\s+catheter)"
    r"|\bepidural\s+(?:\w+\s+){0,2}?steroids?\b|\bsteroid\s+(?:\w+\s+){0,2}?epidural\b|\b(?:L|C|T|S|TF|IL|CL)?ESIs?\b"
)
_PROCEDURE = r"\binject\w*|\bblock\w*|\binfiltrat\w*|\barthrogra\w*|\bSIJ\b|\bjoints?\b|\bsacroiliac\b"
_SOMETHING_ELSE = (
    r"\bMR[IA]?\b|\bCT\b(?![\s-]+guid)|\bX-?\s?rays?\b|\bradiograph\w*|\bimag(?:e|es|ing)\b(?![\s-]+guid)|\bscans?\b"
    r"|\b(?:ultra)?sonogra\w*|\bultrasound\b(?![\s-]+guid)|\bstud(?:y|ies)\b|\bwork-?\s?up\b|\bevaluat\w*|\bassess\w*"
    r"|\bexam\w*|\btest\w*|\bcriteria\b|\bfindings?\b|\b(?:arthro|laparo|endo)scop\w*|\buncertain\w*|\bexercis\w*"
    r"|\btherap(?:y|ies)\b|\bactivit\w+|\bmassage\b|\bdos(?:e|es|age)\b|\blevels?\b|\brange\b|\bdrugs?\b"
)
_NOUN = re.compile(rf"(?P<procedure>{_PROCEDURE})|(?P<other>{_SOMETHING_ELSE})", re.IGNORECASE)
_DONE = re.compile(
    r"(?<!for )(?<!for pain )\brelie(?:f|ved)\b|\brespon[ds]\w*|\bpositive\b|\bbenefit\w*|\bimprov\w*|\bshow\w*"
    r"|\bconfirmed\b|\bcompleted\b|\bunderwent\b|\bhad\b|\breceived\b|\bsuccess\w*",
    re.IGNORECASE,
)


def tells_a_result(text: str) -> bool:
    """Return whether a phrase tells how a procedure went, so that the procedure is not the one that is ordered."""
    return bool(_DONE.search(text))


def _pattern(pattern: str) -> Finder:
    compiled = re.compile(pattern, re.IGNORECASE)
    return lambda text: (match.span() for match in compiled.finditer(text))


def _clauses(text: str) -> Iterator[Span]:
    begin = 0
    for match in _BREAK.finditer(text):
        yield begin, match.start()
        begin = match.end()
    yield begin, len(text)


def _pump_trial(text: str) -> Iterator[Span]:
    """Yield where a trial and a pump, the spinal canal, or an opioid are named close together in a clause.

    One pattern with both words and anything between them takes quadratic time where one of them is missing.
    """
    for start, end in _clauses(text):
        named = [match.span() for match in _PUMP_OR_CANAL.finditer(text, start, end)]
        if not named and not _SYSTEMIC.search(text, start, end):
            named = [match.span() for match in _OPIOID.finditer(text, start, end)]
        starts = [first for first, _ in named]
        for trial in _TRIAL.finditer(text, start, end):
            position = bisect_left(starts, trial.start())
            for first, last in named[max(0, position - 1) : position + 1]:
                if max(trial.start() - last, first - trial.end()) <= _NEAR:
                    yield min(first, trial.start()), max(last, trial.end())


def _next_to_procedure(pattern: str) -> Finder:
    """Return a finder of a word that counts next to an injection or block, or alone.

    The noun that follows decides, else one before it in the clause.
    """
    compiled = re.compile(pattern, re.IGNORECASE)

    def find(text: str) -> Iterator[Span]:
        nouns = [(match.start(), match.lastgroup == "procedure") for match in _NOUN.finditer(text)]
        starts = [start for start, _ in nouns]
        for begin, end in _clauses(text):
            first, last = bisect_left(starts, begin), bisect_left(starts, end)
            is_alone = first == last and len(text[begin:end].split()) <= _WORDS_ALONE
            before = any(is_procedure for _, is_procedure in nouns[first:last])
            for match in compiled.finditer(text, begin, end):
                following = bisect_right(starts, match.start())
                counts = nouns[following][1] if following < last else before or is_alone
                if counts:
                    yield match.span()

    return find


PURPOSES: Mapping[str, Finder] = {
    "pump-trial": _pump_trial,
    "obstetric": _pattern(_OBSTETRIC),
    "post-operative": _pattern(_POST_OPERATIVE),
    "epidural-injection": _pattern(_EPIDURAL_INJECTION),
    "diagnostic": _next_to_procedure(r"\bdiagnostic(?:ally)?\b|\bconfirmatory\b"),
    "therapeutic": _next_to_procedure(r"\btherapeutic(?:ally)?\b"),
}
"""Where a phrase names each purpose. Of values that overlap the first one counts."""
DEVICES: Mapping[str, Finder] = {"pain-pump": _pattern(_PAIN_PUMP)}
"""Where a phrase names an implanted pain pump."""
INDICATIONS: Mapping[str, Finder] = {
    "spasticity": _pattern(r"\bspastic\w*|\bdystoni\w+"),
    "other-infusion": _pattern(_OTHER_INFUSION),
}
"""Where a phrase names what else an infusion is for: spasticity, or a place outside the spinal canal."""
