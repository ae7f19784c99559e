"""Which entries of a chart are copies of one resource, and which copy counts.

A URN in Bundle.entry.fullUrl identifies its entry (FHIR R4, 2.36.4): two URNs are two resources, even under one id. An
entry without a full URL may be a copy of one that has one. Of copies that differ, the one that was updated last counts;
where that cannot be told, nothing in which they differ is certain.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import TypeAlias

from fhir_mappings.bundle import Entry
from fhir_mappings.dates import parse_leniently
from fhir_mappings.fhir_json import Resource, canonical
from fhir_mappings.references import address_of, urn_of

Key: TypeAlias = tuple[str, str]
"""What a resource is known by: its reference, and its place (a server or a URN) if another one has that reference."""
_Moments: TypeAlias = tuple[datetime, datetime]

_NOT_COMPARED = frozenset({"meta", "text"})
"""What a server may write anew without a change of the content: its own data about the resource, and the narrative."""
_ANY_TIME: _Moments = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
_EAST, _WEST = timedelta(hours=14), timedelta(hours=12)
"""How far ahead of UTC, and behind it, a local time may be."""


def without_copies(
    keys: Iterable[Key], found: Iterable[Entry], zone: tzinfo
) -> tuple[list[Key], dict[Key, Entry], dict[Key, tuple[str, ...]]]:
    """Return the key of each entry, the entry that counts of each key, and those elements of it that are not certain.

    Different resources under one key get keys of their own, with their URN as place. The element "" is all of an entry.
    """
    entries, apart = list(found), list(keys)
    alike: dict[Key, list[int]] = {}
    for position, key in enumerate(apart):
        alike.setdefault(key, []).append(position)
    kept: dict[Key, Entry] = {}
    uncertain: dict[Key, tuple[str, ...]] = {}
    for key, positions in alike.items():
        if len(positions) == 1:
            kept[key] = entries[positions[0]]
            continue
        same = [entries[position] for position in positions]
        copies: dict[Key, list[Entry]] = {}
        for position, urn in zip(positions, _urns_that_identify(same), strict=True):
            apart[position] = key[0], urn or key[1]
            copies.setdefault(apart[position], []).append(entries[position])
        for each, of_one in copies.items():
            kept[each], differing = _latest(of_one, zone)
            if len(copies) > 1 and each == key and _has_no_address(same):
                differing = ("",)  # it may be an older copy of one that has a URN
            if differing:
                uncertain[each] = differing
    return apart, kept, uncertain


def _urns_that_identify(alike: Sequence[Entry]) -> list[str]:
    """Return the URN that tells each entry from the others of its type and id; empty for the server's own resource.

    Equal content is a copy, whatever the full URL. All are empty if there is only one resource.
    """
    urns = [urn_of(url) for url, _ in alike]
    stated = sorted(set(urns))
    if len(stated) == 1 or (len(stated) == 2 and _has_no_address(alike)):
        return [""] * len(alike)
    contents: dict[str, list[bytes]] = {}
    for urn, (_, resource) in zip(urns, alike, strict=True):
        contents.setdefault(urn, []).append(_content(resource))
    seen: dict[bytes, str] = {}
    same: dict[str, str] = {}
    for urn in stated:
        same[urn] = next((seen[each] for each in contents[urn] if each in seen), urn)
        for each in contents[urn]:
            seen.setdefault(each, same[urn])
    return [same[urn] for urn in urns] if len(set(same.values())) > 1 else [""] * len(alike)


def _has_no_address(entries: Collection[Entry]) -> bool:
    """Return whether some entries have no full URL that identifies them, and none has one with a server."""
    bases = {address_of(url).base for url, _ in entries if not urn_of(url)}
    return bases == {""}


def _latest(copies: Sequence[Entry], zone: tzinfo) -> tuple[Entry, tuple[str, ...]]:
    """Return the copy that was updated last, and the elements in which another one that may be as late differs.

    It is the same copy in any order of them.
    """
    first = copies[0]
    if all(resource == first[1] for _, resource in copies):
        return first, ()
    contents = [_content(resource) for _, resource in copies]
    updated = [_updated(resource, zone) for _, resource in copies]
    at = max(range(len(copies)), key=lambda each: (updated[each], contents[each], canonical(copies[each][1])))
    kept = copies[at][1]
    rivals = [
        resource
        for (_, resource), content, (_, until) in zip(copies, contents, updated, strict=True)
        if content != contents[at] and until >= updated[at][0]
    ]
    differing = {
        name
        for rival in rivals
        for name in (kept.keys() | rival.keys()) - _NOT_COMPARED
        if kept.get(name) != rival.get(name)
    }
    return copies[at], tuple(sorted({name.removeprefix("_") for name in differing}))


def _content(resource: Resource) -> bytes:
    """Return the content of a resource in one form, whatever the order of its members."""
    return canonical({name: value for name, value in resource.items() if name not in _NOT_COMPARED})


def _updated(resource: Resource, zone: tzinfo) -> _Moments:
    """Return the earliest and the latest moment of the last update; any time if it is not stated."""
    meta = resource.get("meta")
    found = parse_leniently(meta.get("lastUpdated"), zone) if isinstance(meta, Mapping) else None
    if found is None:
        return _ANY_TIME
    if found.instant is not None:
        return found.instant, found.instant
    try:
        since = datetime.combine(found.earliest, time(), UTC) - _EAST
        return since, datetime.combine(found.latest, time(), UTC) + timedelta(days=1) + _WEST
    except OverflowError:
        return _ANY_TIME
