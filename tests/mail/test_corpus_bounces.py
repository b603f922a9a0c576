"""Agreement of the bounce reader with what other readers' tests assert, over the shared corpus. Prints every disagreement.

Status codes 5.0.9xx and 4.0.9xx are sisimai's own, made where a letter states none: there only the class must agree.
"""

import csv
from functools import cache

import pytest

from postroom.mail.automatic import AutomaticKind, automatic_kind, is_automatic
from postroom.mail.bounces import Bounce, BouncedRecipient, BounceKind, read_bounce
from postroom.mail.letter import read
from tests.corpus import need, samples

pytestmark = pytest.mark.corpus

GOAL = 0.97

NOT_AGREED = {
    "bounces/flufl.bounce/simple_42.txt": "a bounce whose recipient is masked",
    "bounces/flufl.bounce/simple_43.txt": "a bounce that names no recipient",
    "bounces/perl-bounceparser/spam-lots-of-bogus-addresses.msg": "spam that lies in a folder of bounces",
    "bounces/perl-bounceparser/xt__corpus__virus-caused-multiple-weird-reports.msg": "a virus, not a report",
    "bounces/sisimai/bsd__lhost-fml-02.eml": "a list manager's refusal of a letter, in a form of its own",
    "bounces/stalwart-server/smtp__dsn__success.eml": "a success, which is no failure",
    "mime/sisimai/not__rb-issue-368-bug.eml": "labelled both ways; it says 'mailbox full' about an address",
}
"""Where we do not follow the table on whether a letter is a bounce, and why."""


def rows(table: str) -> list[dict[str, str]]:
    with (need() / "tables" / table).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


@cache
def bounce_of(name: str) -> Bounce | None:
    return read_bounce(read((need() / name).read_bytes()))


def recipients_of(name: str) -> dict[str, BouncedRecipient]:
    bounce = bounce_of(name)
    listed = bounce.recipients if bounce else ()
    return {key.lower(): one for one in reversed(listed) for key in (one.original, one.address) if key}


def report(what: str, total: int, wrong: list[str]) -> float:
    share = (total - len(wrong)) / total
    print(f"\n{what}: {total - len(wrong)} of {total} agree ({share:.1%})", *wrong, sep="\n  ")
    return share


def is_own_code(status: str) -> bool:
    return status[1:5] == ".0.9"


@pytest.mark.requirement("CA-10")
def test_recipients_agree() -> None:
    stated = [row for row in rows("bounces.tsv") if row["recipient"]]
    wrong = [
        f"{row['file']}: expected {row['recipient']}, got {', '.join(recipients_of(row['file'])) or 'nobody'}"
        for row in stated
        if row["recipient"].lower() not in recipients_of(row["file"])
    ]
    assert report("bounce recipients", len(stated), wrong) >= GOAL


@pytest.mark.requirement("CA-10")
def test_status_codes_agree() -> None:
    stated = [row for row in rows("bounces.tsv") if row["status"]]
    exact, wrong = 0, []
    for row in stated:
        found = recipients_of(row["file"])
        one = found.get(row["recipient"].lower())
        codes = {one.status} if one else {other.status for other in found.values()}
        exact += row["status"] in codes
        if row["status"] in codes or (
            is_own_code(row["status"]) and row["status"][0] in {code[:1] for code in codes}
        ):
            continue
        wrong.append(
            f"{row['file']}: expected {row['status']} ({row['reason']}), got {', '.join(codes) or 'nothing'}"
        )
    own = sum(is_own_code(row["status"]) for row in stated)
    print(f"\nbounce status: {exact} exactly; {own} rows state a code of sisimai's own")
    assert report("bounce status", len(stated), wrong) >= GOAL


def test_recipient_and_status_agree_together() -> None:
    stated = [row for row in rows("bounces.tsv") if row["recipient"] and row["status"]]
    wrong = []
    for row in stated:
        one = recipients_of(row["file"]).get(row["recipient"].lower())
        if one is None or (
            one.status != row["status"]
            and not (is_own_code(row["status"]) and one.status[:1] == row["status"][0])
        ):
            wrong.append(
                f"{row['file']}: expected {row['recipient']} {row['status']}, got {one.status if one else 'nobody'}"
            )
    assert report("bounce recipient and status", len(stated), wrong) >= GOAL


def test_nothing_else_is_taken_for_a_bounce() -> None:
    stated = [row for row in rows("bounces.tsv") if row["is_bounce"]]
    wrong = []
    for row in stated:
        bounce = bounce_of(row["file"])
        if (row["is_bounce"] == "True") != bool(bounce and bounce.is_failure):
            why = NOT_AGREED.get(row["file"], "NOT EXPLAINED")
            wrong.append(f"{row['file']}: expected {row['is_bounce']}, got {bounce and bounce.kind}: {why}")
    assert report("is it a bounce", len(stated), wrong) >= GOAL
    assert not [line for line in wrong if line.endswith("NOT EXPLAINED")]


def test_complaints_are_complaints() -> None:
    stated = [row for row in rows("bounces.tsv") if row["feedbacktype"]]
    wrong = [
        row["file"]
        for row in stated
        if (found := bounce_of(row["file"])) is None or found.kind is not BounceKind.COMPLAINT
    ]
    assert report("complaints", len(stated), wrong) == 1


def test_our_letter_is_named_where_another_reader_finds_it() -> None:
    total, wrong = 0, []
    for sample in samples("bounces"):
        for _, facts in sample.facts():
            told = facts.get("sisimai")
            listed = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
            ids = {str(one["messageid"]) for one in listed if one.get("messageid")}
            if not ids:
                continue
            total += 1
            bounce = bounce_of(sample.name)
            if bounce is None or bounce.original_message_id not in ids:
                wrong.append(
                    f"{sample.name}: expected {', '.join(ids)}, got {bounce and bounce.original_message_id}"
                )
    assert report("message id of our letter", total, wrong) >= GOAL


@pytest.mark.requirement("AU-02")
def test_automatic_replies_agree() -> None:
    stated = rows("autoreplies.tsv")
    wrong = []
    for row in stated:
        letter = read((need() / row["file"]).read_bytes())
        found = automatic_kind(letter)
        if (found is AutomaticKind.AUTO_REPLY) != (row["is_autoreply"] == "True"):
            wrong.append(f"{row['file']}: expected {row['is_autoreply']}, got {found or 'a person'}")
    assert report("automatic replies", len(stated), wrong) == 1


def test_letters_of_people_in_other_kinds_are_no_bounces() -> None:
    """Letters of the kinds 'replies', 'calendar', 'crypto', 'html' and 'tnef' hold no report; none may be seen in them."""
    files = samples("replies", "calendar", "crypto", "html", "tnef", "spam")
    wrong = [sample.name for sample in files if bounce_of(sample.name) is not None]
    assert report("letters that are no reports", len(files), wrong) == 1


def test_every_file_is_judged_without_an_exception() -> None:
    judged = [is_automatic(read(sample.read())) for sample in samples()]
    print(f"\nautomatic: {sum(judged)} of {len(judged)} letters of the corpus")
    assert judged
