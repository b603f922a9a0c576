"""Conversations out of loose letters: the REFERENCES algorithm of RFC 5256 (Jamie Zawinski's). Not case filing.

Works on plain values, so it needs neither bodies nor a mailbox. It never fails on what letters claim about each other:
circles are refused, missing parents are stood in for, two letters with one Message-ID both stay, and no letter is ever
lost or shown twice. Work grows with the number of letters and references, not with the depth of what they build.
"""

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from .subjects import base_subject

REFERENCE_LIMIT = 1000
"""References read per letter: the oldest and the newest halves. Writers keep the ends when they cut, and so do we."""

_BEGINNING = datetime.min.replace(tzinfo=UTC)


class SubjectMerging(StrEnum):
    """Whether conversations that no reference ties are joined because their subjects agree.

    RFC 5256 step 5 (`EVERY`) joins even two fresh letters both called "Invoice": right for browsing one mailbox, wrong
    for cases of strangers. `REPLIES` joins only a "Re: x" whose original is not here to an older "x".
    """

    NEVER = "never"
    REPLIES = "replies"
    EVERY = "every"


@dataclass(frozen=True, kw_only=True)
class Threadable:
    """What threading needs to know of a letter. Ids are without angle brackets; `date` is Date or else time of arrival."""

    message_id: str
    references: tuple[str, ...] = ()
    in_reply_to: tuple[str, ...] = ()
    subject: str = ""
    date: datetime | None = None


@dataclass(frozen=True)
class Place:
    """Where a letter stands: its position in the sequence given to `thread`, and how deep it hangs (0 = first)."""

    position: int
    depth: int


Conversation = tuple[Place, ...]
"""One conversation in reading order: every letter after the one it answers, siblings by date. The first letter of a
conversation whose original is missing may stand at depth 1, when several answers to it are known."""


@dataclass(eq=False, slots=True)
class _Node:
    """A letter, or the stand-in for one that is only referred to (position None)."""

    position: int | None = None
    parent: "_Node | None" = None
    children: dict["_Node", None] = field(default_factory=dict)
    order: tuple[datetime, int] = (_BEGINNING, 0)


def thread(
    letters: Sequence[Threadable], *, subjects: SubjectMerging = SubjectMerging.NEVER
) -> tuple[Conversation, ...]:
    """The conversations of these letters, oldest first. Every position appears exactly once."""
    nodes = _link(letters)
    roots = _prune([node for node in nodes if node.parent is None])
    _sort(roots, letters)
    if subjects is not SubjectMerging.NEVER:
        roots = _merge_subjects(roots, letters, subjects)
        _sort(roots, letters)
    roots.sort(key=lambda node: node.order)
    return tuple(tuple(_places(root)) for root in roots)


def stand_in_id(raw: bytes) -> str:
    """The id of a letter that has none: stable, from its content. `sha256-<32 hex digits>@without-message-id.invalid`."""
    return f"sha256-{hashlib.sha256(raw).hexdigest()[:32]}@without-message-id.invalid"


# Steps 1 and 2: who answers whom


def _link(letters: Sequence[Threadable]) -> list[_Node]:
    known: dict[str, _Node] = {}
    nodes: list[_Node] = []

    def node_of(message_id: str) -> _Node:
        node = known.get(message_id)
        if node is None:
            node = known[message_id] = _Node()
            nodes.append(node)
        return node

    for position, letter in enumerate(letters):
        chain = [node_of(reference) for reference in _references(letter)]
        for parent, child in itertools.pairwise(chain):
            if child.parent is None:
                _adopt(parent, child)
        if not letter.message_id or node_of(letter.message_id).position is not None:
            node = _Node()  # no id, or a second letter with it: its own node nobody can refer to
            nodes.append(node)
        else:
            node = known[letter.message_id]
        node.position = position
        _leave(node)  # what others guessed about this letter's parent gives way to what it says itself
        if chain:
            _adopt(chain[-1], node)
    return nodes


def _references(letter: Threadable) -> Iterator[str]:
    named = letter.references or letter.in_reply_to[:1]
    if len(named) > REFERENCE_LIMIT:
        named = named[: REFERENCE_LIMIT // 2] + named[-REFERENCE_LIMIT // 2 :]
    return (reference for reference in dict.fromkeys(named) if reference and reference != letter.message_id)


def _adopt(parent: _Node, child: _Node) -> None:
    if parent is child or _is_below(parent, child):
        return
    child.parent = parent
    parent.children[child] = None


def _leave(child: _Node) -> None:
    if child.parent is not None:
        del child.parent.children[child]
        child.parent = None


def _is_below(node: _Node, above: _Node) -> bool:
    """Whether `above` is an ancestor of `node`.

    Climbs from `node` and searches down from `above` in step, and stops with whichever ends first. Climbing alone would
    be quadratic on a long chain; in step the cost is that of the smaller side, as in a union-find.
    """
    climbing: _Node | None = node.parent
    waiting: list[Iterator[_Node]] = [iter(above.children)]
    while climbing is not None:
        if climbing is above:
            return True
        climbing = climbing.parent
        child = next(waiting[-1], None)
        if child is node:
            return True
        if child is not None:
            waiting.append(iter(child.children))
            continue
        while waiting and child is None:
            waiting.pop()
            child = next(waiting[-1], None) if waiting else None
        if child is None:
            return False
        if child is node:
            return True
        waiting.append(iter(child.children))
    return False


# Step 3: stand-ins that tell nothing


def _prune(roots: list[_Node]) -> list[_Node]:
    """Removes stand-ins: empty ones vanish, others give their children upwards, but only an only child becomes a root."""
    top = _Node(children=dict.fromkeys(roots))
    for node in reversed(list(_descend(top))):  # children before their parents
        children: dict[_Node, None] = {}
        for child in node.children:
            if child.position is not None:
                children[child] = None
            elif node is not top or len(child.children) <= 1:
                children.update(child.children)
            else:
                children[child] = None
        node.children = children
        for child in children:
            child.parent = node
    for root in top.children:
        root.parent = None
    return list(top.children)


def _descend(top: _Node) -> Iterator[_Node]:
    """All nodes, parents first."""
    waiting = [top]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.children)


# Steps 4 and 6: order


def _sort(roots: Iterable[_Node], letters: Sequence[Threadable]) -> None:
    top = _Node(children=dict.fromkeys(roots))
    for node in reversed(list(_descend(top))):
        if len(node.children) > 1:
            node.children = dict.fromkeys(sorted(node.children, key=lambda child: child.order))
        if node.position is not None:
            node.order = (_moment(letters[node.position]), node.position)
        elif node.children:
            node.order = next(iter(node.children)).order


def _moment(letter: Threadable) -> datetime:
    date = letter.date
    if date is None:
        return _BEGINNING
    try:
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (OverflowError, ValueError):  # year 1 or 9999 with an offset
        return date.replace(tzinfo=UTC)


# Step 5: joining by subject


def _merge_subjects(roots: list[_Node], letters: Sequence[Threadable], how: SubjectMerging) -> list[_Node]:
    table: dict[str, _Node] = {}
    subjects: dict[_Node, tuple[str, bool]] = {}
    ordered = sorted(roots, key=lambda node: node.order)
    for root in ordered:
        subject, is_reply = subjects[root] = _subject_of(root, letters)
        if not subject:
            continue
        chosen = table.get(subject)
        if chosen is None or _is_better_head(root, is_reply, chosen, subjects[chosen][1]):
            table[subject] = root
    result: dict[_Node, None] = dict.fromkeys(ordered)
    for root in ordered:
        subject, is_reply = subjects[root]
        head = table.get(subject)
        if head is None or head is root or root not in result:
            continue
        head_is_reply = subjects[head][1]
        if how is SubjectMerging.REPLIES:
            if is_reply and not head_is_reply and head.order <= root.order:
                _hang(root, head, result)
        elif head.position is None and root.position is None:
            _pour(root, head, result)
        elif head.position is None or (is_reply and not head_is_reply):
            _hang(root, head, result)
        else:
            joint = _Node()
            result[joint] = None
            _hang(head, joint, result)
            _hang(root, joint, result)
            subjects[joint] = (subject, head_is_reply)
            table[subject] = joint
    return list(result)


def _pour(root: _Node, into: _Node, roots: dict[_Node, None]) -> None:
    for child in root.children:
        child.parent = into
    into.children.update(root.children)
    root.children = {}
    del roots[root]


def _hang(root: _Node, below: _Node, roots: dict[_Node, None]) -> None:
    root.parent = below
    below.children[root] = None
    del roots[root]


def _subject_of(root: _Node, letters: Sequence[Threadable]) -> tuple[str, bool]:
    node = root
    while node.position is None:
        node = next(iter(node.children))
    return base_subject(letters[node.position].subject)


def _is_better_head(root: _Node, is_reply: bool, chosen: _Node, chosen_is_reply: bool) -> bool:
    return chosen.position is not None and (root.position is None or (chosen_is_reply and not is_reply))


def _places(root: _Node) -> Iterator[Place]:
    waiting = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        if node.position is not None:
            yield Place(position=node.position, depth=depth)
        waiting.extend((child, depth + 1) for child in reversed(node.children))
