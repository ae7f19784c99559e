"""A diagnosis as a chart or an order gives it: its codes and its words, and what these are understood as."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from fhir_mappings.codings import ICD10CM, CodeMatcher, Coding, Match, codings, items
from fhir_mappings.diagnoses.icd10cm import codes_named, codes_titled, is_code
from fhir_mappings.fhir_json import Json, canonical
from fhir_mappings.short_texts import Kept

_BEFORE = (
    r"rule[ -]?out|r/o|possibl[ey]|probabl[ey]|likely|unlikely|suspect(?:ed)?|questionable|query|presumed|provisional"
    r"|unconfirmed|working (?:diagnosis|dx)|differential|ddx|consider|exclude|cannot|concern for|at risk"
    r"|risk (?:of|for)|screen\w* for|evaluat\w* for|no|not|without|denies|negative for"
    r"|family|fhx?|(?:grand)?(?:mother|father)|sister|brother|aunt|uncle"
    r"|history of|hx|h/o|remote|past|prior|previous|s/p|status post"
)
_ANYWHERE = r"ruled out|resolved|rule[ -]?out|r/o|unlikely|not confirmed|(?<!graft )(?:vs|versus)(?!-)"
_AFTER = r"possible|probable|likely|suspected|presumed|provisional|unconfirmed|excluded|(?<!not )in remission"
_DOUBT = re.compile(
    rf"\A\W*(?:{_BEFORE})\b|\A\s*\?|(?<![\w-])(?:{_ANYWHERE})\b|\b(?:{_AFTER})\W*\Z|\?\s*\Z",
    re.IGNORECASE,
)
"""Words of a diagnosis that is not certain, not the patient's, or over."""
_DENIAL = re.compile(
    r"\b(?:no|not|without|w/o|negative(?: work-?up)? for|denies|possible|probable|likely|suspected|suspicious for"
    r"|exclude|rule out)\b|\?",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.;\n]+")
_TELLING_WORD = re.compile(r"[a-z]{8,}", re.IGNORECASE)
"""A word of a label that is long enough to name a disease rather than a place or a degree."""
_LONGEST_WORDS = 200
_LONGEST_NOTE = 2_000
_HISTORIES = (
    (
        re.compile(r"\bfamily\b", re.IGNORECASE),
        re.compile(r"\A\W*(?:(?:family|fhx?|history|hx|of)\b\W*)+", re.IGNORECASE),
    ),
    (
        re.compile(r"\b(?:history|old|in the past)\b", re.IGNORECASE),
        re.compile(r"\A\W*(?:(?:personal|old|past|prior|previous|remote|history|hx|h/o|of)\b\W*)+", re.IGNORECASE),
    ),
)
"""What the label of a history says, and the words that begin its name in a chart."""

_LASTING = re.compile(
    r"\b(?:chronic|long[- ]?standing|(?:\d+|an?|one|two|three|four|five|six|seven|eight|nine|ten|twenty|many|several"
    r"|for)\s*\+?[- ]*(?:years?|yrs?|decades?)|(?:\d{2,3}|ten|eleven|twelve|eighteen)[- ]*(?:months?|mos?)"
    r"|since\s+(?:[a-z]+\s+)?(?:19|20)\d\d)\b",
    re.IGNORECASE,
)
_AGE = re.compile(r"\b\d+[- ]*(?:years?|yrs?)[- ]*old\b", re.IGNORECASE)
_SAYS_NOTHING = "R69"
"""The code of ICD-10-CM for an illness that is not specified."""


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """The codes and words of a diagnosis. The words are read only if the codes do not tell."""

    coded: tuple[Coding, ...]
    words: tuple[str, ...]

    @cached_property
    def named(self) -> tuple[Coding, ...]:
        """The codes of ICD-10-CM that the words may mean."""
        found = dict.fromkeys(code for text in self.words for code in codes_named(text) if code != _SAYS_NOTHING)
        return tuple(Coding(ICD10CM, code) for code in found)

    @cached_property
    def is_titled(self) -> bool:
        """Whether the words are nothing but titles or common names of diagnoses."""
        return bool(self.words) and all(codes_titled(text) for text in self.words)

    @cached_property
    def _unlabeled(self) -> tuple[Coding, ...]:
        return tuple(replace(each, display="") for each in self.coded)

    @cached_property
    def _in_words(self) -> tuple[Coding, ...]:
        return tuple(Coding("", "", each) for each in self.words)

    @cached_property
    def _doubted(self) -> dict[str, bool]:
        """What `_is_doubted` found so far, by label: kept diagnoses are asked for the same labels again."""
        return {}

    def _is_doubted(self, label: str) -> bool:
        """Return whether its words say that the patient may not have what a label names, or not any more.

        Where the label itself names a history, words that name that history put nothing in doubt.
        """
        if label not in self._doubted:
            texts = [text[:_LONGEST_WORDS] for text in self.words]
            naming = next((words for named, words in _HISTORIES if named.search(label)), None)
            self._doubted[label] = any(
                _DOUBT.search(naming.sub("", text) if naming else text) or is_only_denied(text, label) for text in texts
            )
        return self._doubted[label]

    @cached_property
    def is_called_lasting(self) -> bool:
        """Whether its words say that the patient has had it for long, such as `Chronic knee pain`."""
        return any(map(says_it_lasts, self.words))

    @cached_property
    def has_icd_code(self) -> bool:
        """Return whether it has a code that ICD-10-CM has and that says something."""
        return any(each.system == ICD10CM and each.code != _SAYS_NOTHING and is_code(each.code) for each in self.coded)

    def is_understood(self, is_listed: Callable[[Coding], bool]) -> bool:
        """Return whether it is understood: by ICD-10-CM, by words, or by a code for which `is_listed` is True."""
        return self.has_icd_code or any(is_listed(each) for each in self.coded) or bool(self.named)

    def match(self, codes: CodeMatcher) -> Match | None:
        """Return its match with a set: by its codes, else by its words, which only ask.

        Words may put a code in doubt. A code of ICD-10-CM says more than words, and words that are a title say more
        than some of them.
        """
        if codes(self._unlabeled):
            found = codes((*self.coded, *self._in_words))
            return replace(found, decides=False) if found and self._is_doubted(found.label) else found
        if self.has_icd_code:
            return None
        if not self.words:
            return None
        found = (codes(self._in_words) if not self.is_titled else None) or codes(self.named)
        return replace(found, decides=False) if found else None


def is_only_denied(text: str, label: str) -> bool:
    """Return whether words name what a label names, and only after a word of denial or doubt in the same sentence.

    `Low back pain without radiculopathy` denies a lumbar radiculopathy, and `dementia without agitation` no dementia.
    """
    named = {word.lower() for word in _TELLING_WORD.findall(label)}
    denied = False
    for sentence in _SENTENCE.findall(text[:_LONGEST_NOTE]):
        denial = _DENIAL.search(sentence)
        for word in _TELLING_WORD.finditer(sentence):
            if word[0].lower() in named:
                if denial is None or word.start() < denial.start():
                    return False
                denied = True
    return denied


def says_it_lasts(text: str) -> bool:
    """Return whether words say that something has lasted for long: that it is chronic, or for how many years."""
    return _LASTING.search(_AGE.sub("", text[:_LONGEST_NOTE])) is not None


_READ: Kept[Diagnosis] = Kept()


def read_diagnosis(concepts: Json, *more_words: str) -> Diagnosis:
    """Read a CodeableConcept or several as one diagnosis, with the displays of references to it, if there are any."""
    return _READ.of(canonical((concepts, more_words)), None, lambda: _read(concepts, more_words))


def _read(concepts: Json, more_words: Iterable[str]) -> Diagnosis:
    words = dict.fromkeys([*_words(concepts), *(each.strip() for each in more_words if each.strip())])
    return Diagnosis(codings(concepts), tuple(words))


def _words(concepts: Json) -> list[str]:
    """Return the texts of a concept, and of its codings the labels; a coding without a code may have one, too."""
    texts = []
    for concept in items(concepts):
        texts.append(concept.get("text"))
        texts += [coding.get("display") for coding in items(concept.get("coding"))]
    return [text.strip() for text in texts if isinstance(text, str) and text.strip()]
