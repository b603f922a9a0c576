"""The desk as code: applying and exporting a setup file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from postroom.actions import channels
from postroom.actions.refusals import NotAllowed
from postroom.actions.setup import SetupErrors, apply_text, export_text
from postroom.actions.setup.reference import rewritten
from postroom.models import Channel, Disposition, Event, Queue, Sender, User
from tests.actions.desk import administrator, agent

pytestmark = pytest.mark.django_db
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "setup-file.md"

DESK = """
[[channel]]
name = "Support"
key = "SUP"
address = "support@desk.test"
aliases = ["help@desk.test", "info@desk.test"]
queue = "Support"
sender = "Support"
connector = "imap"
host = "imap.desk.test"
port = 143
security = "starttls"
user = "support"
password = "mailbox-secret"
folder = "Work"
after_collect = "move"
move_to = "Done"
start = "since"
start_since = 2026-01-01
max_size_mb = 20
recipient_only = true
poll_seconds = 30
accept_any_certificate = true
enabled = true

[[channel]]
name = "Old mailbox"
address = "old@desk.test"
protocol = "pop3"
host = "pop.desk.test"
sign_in = "shared"
default_queue = "Sales"
after_collect = "delete-later"
delete_days = 14

[[sign_in]]
name = "shared"
username = "shared-login"
password = "shared-secret"

[[sender]]
name = "Support"
address = "support@desk.test"
display_name = "Desk"
signature = '''
{{ agent.name }}
"Desk" \\ Brno'''
host = "smtp.desk.test"
sign_in = "shared"

[[queue]]
name = "Support"
default_sender = "Support"
priority = 2
members = ["max@desk.test"]

[[queue]]
name = "Sales"
open = false

[[person]]
email = "ada@desk.test"
name = "Ada"
role = "administrator"
password = "a lamp in the harbour"

[[person]]
email = "max@desk.test"
name = "Max"
capacity = 3
queues = ["Support", "Sales"]

[[disposition]]
name = "By phone"
parent = "Solved"
queue = "Support"

[[disposition]]
name = "Solved"
queue = "Support"
"""


def problems(text: str, **how: object) -> list[str]:
    events = Event.objects.count()
    with pytest.raises(SetupErrors) as wrong:
        apply_text(text, **how)  # type: ignore[arg-type]
    assert Event.objects.count() == events
    return [str(problem) for problem in wrong.value.problems]


def test_a_file_makes_the_desk() -> None:
    lines = apply_text(DESK)
    assert 'channel "Support": created' in lines
    assert 'channel "Support": switched on' in lines
    support, old = Channel.objects.get(name="Support"), Channel.objects.get(name="Old mailbox")
    assert support.enabled
    assert (support.secret, support.settings["login"], support.settings["security"]) == (
        "mailbox-secret",
        "support",
        "starttls",
    )
    assert support.start_since == datetime(2026, 1, 1, tzinfo=UTC)
    assert (support.default_queue, support.default_sender) == (
        Queue.objects.get(name="Support"),
        Sender.objects.get(),
    )
    assert not old.enabled
    assert (old.connector, old.secret, old.settings["login"]) == ("pop3", "shared-secret", "shared-login")
    assert Sender.objects.get().enabled
    assert {place.name for place in User.objects.get(name="Max").queues.all()} == {"Support", "Sales"}
    assert User.objects.get(name="Ada").check_password("a lamp in the harbour")
    assert Disposition.objects.get(name="By phone").parent == Disposition.objects.get(name="Solved")


def test_a_second_time_nothing_changes() -> None:
    apply_text(DESK)
    events = Event.objects.count()
    assert apply_text(DESK) == []
    assert Event.objects.count() == events


def test_each_change_is_told_in_a_line_without_the_secret() -> None:
    apply_text(DESK)
    text = (
        DESK.replace("priority = 2", "priority = 3")
        .replace("mailbox-secret", "new-secret")
        .replace("capacity = 3", "capacity = 4")
    )
    text = text.replace("a lamp in the harbour", "another lamp at sea").replace(
        "enabled = true", "enabled = false"
    )
    assert apply_text(text) == [
        'queue "Support": priority 2 -> 3',
        'person "ada@desk.test": password changed',
        'person "max@desk.test": capacity 3 -> 4',
        'channel "Support": password changed',
        'channel "Support": switched off',
    ]
    assert Channel.objects.get(name="Support").secret == "new-secret"


def test_what_the_file_leaves_out_stays() -> None:
    apply_text(DESK)
    assert apply_text('[[channel]]\nname = "Support"\n[[queue]]\nname = "Support"\n') == []
    assert Channel.objects.get(name="Support").secret == "mailbox-secret"


def test_an_export_changes_nothing_here_and_makes_the_same_desk_elsewhere() -> None:
    apply_text(DESK)
    text = export_text()
    for secret in ("mailbox-secret", "shared-secret", "harbour", "v1.", "argon2"):
        assert secret not in text
    assert "password is not exported" in text
    assert apply_text(text) == []
    for model in (Channel, Disposition, Queue, Sender, User):
        for row in sorted(
            model.objects.all(), key=lambda one: getattr(one, "parent_id", 0) or 0, reverse=True
        ):
            row.delete()
    apply_text(text)
    again = export_text()
    bare = [line for line in text.splitlines() if "not exported" not in line]
    assert [line for line in again.splitlines() if "not exported" not in line] == bare


def test_a_dry_run_tells_and_writes_nothing() -> None:
    lines = apply_text(DESK, dry_run=True)
    assert 'queue "Support": created' in lines
    assert not Queue.objects.exists()
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[queue]", "This is not TOML"),
        ("[[chanel]]\nname = 'x'", "There is no section 'chanel'. Known are: [[sign_in]]"),
        ("[queue]\nname = 'x'", "Write [[queue]]"),
        ("name = 'x'", "There is no section 'name'"),
        ("[[queue]]\ncolour = 'red'", "[[queue]]: name: This key is missing."),
        (
            "[[queue]]\nname = 'A'\nprio = 1",
            '[[queue]] "A": prio: There is no such key. Known are: name, description',
        ),
        ("[[queue]]\nname = 'A'\n[[queue]]\nname = 'a'", '[[queue]] "a": This is in the file twice'),
        ("[[queue]]\nname = 'A'\nopen = true\nis_open = true", '[[queue]] "A": is_open: This says the same'),
        ("[[queue]]\nname = 'A'\npriority = [1]", '[[queue]] "A": priority: Write one value, not a list.'),
        ("[[queue]]\nname = 'A'\npriority = {a = 1}", '[[queue]] "A": priority: Write one value here.'),
        ("[[queue]]\nname = 'A'\nmembers = [1]", '[[queue]] "A": members: Write a list of texts.'),
        ("[[queue]]\nname = 'A'\nmembers = ['x@y.test']", '[[queue]] "A": members: There is no person'),
        ("[[queue]]\nname = 'A'\nsender = 'S'", '[[queue]] "A": sender: There is no sender'),
        ("[[person]]\nname = 'Max'", "[[person]]: email: This key is missing."),
        ("[[person]]\nemail = 'm@d.test'", '[[person]] "m@d.test": name: Name is missing.'),
        (
            "[[person]]\nemail = 'm@d.test'\nname = 'M'\npassword = 'short'",
            '[[person]] "m@d.test": password: ',
        ),
        (
            "[[person]]\nemail = 'm@d.test'\nname = 'M'\nqueues = ['Q']",
            '[[person]] "m@d.test": queues: There is no queue',
        ),
        (
            "[[person]]\nemail = 'm@d.test'\nname = 'M'\nactive = 'no'",
            '[[person]] "m@d.test": active: Write true or false.',
        ),
        ("[[disposition]]\nname = 'D'\nparent = 'P'", '[[disposition]] "D": parent: There is no disposition'),
        ("[[disposition]]\nname = 'D'\nqueue = 'Q'", '[[disposition]] "D": queue: There is no queue'),
        ("[[sender]]\nname = 'S'\naddress = 's@d.test'", '[[sender]] "S": host: Server is missing.'),
        (
            "[[sender]]\nname = 'S'\naddress = 's@d.test'\nhost = 'h'\nport = 99999",
            '[[sender]] "S": port: 99999 is too large',
        ),
        (
            "[[sender]]\nname = 'S'\naddress = 's@d.test'\nhost = 'h'\nsign_in = 'x'",
            '[[sender]] "S": sign_in: There is no [[sign_in]]',
        ),
        ("[[sign_in]]\nname = 'x'\n", '[[sign_in]] "x": login: This key is missing.'),
        ("[[sign_in]]\nname = 'none'\nlogin = 'y'", '[[sign_in]] "none": name: '),
        (
            "[[channel]]\nname = 'C'\naddress = 'c@d.test'\nhost = 'h'\nenabled = true",
            '[[channel]] "C": queue: Choose a default queue first',
        ),
        (
            "[[channel]]\nname = 'C'\naddress = 'c@d.test'\nhost = 'h'\nmax_size_mb = 99",
            '[[channel]] "C": max_size_mb: ',
        ),
        (
            "[[channel]]\nname = 'C'\naddress = 'c@d.test'\npassword_env = 'POSTROOM_TEST_UNSET'",
            '[[channel]] "C": password_env: The environment variable',
        ),
        (
            "[[channel]]\nname = 'C'\naddress = 'c@d.test'\npassword_file = 'gone.txt'",
            '[[channel]] "C": password_file: The file gone.txt cannot be read',
        ),
        (
            "[[channel]]\nname = 'C'\naddress = 'c@d.test'\npassword = 'a'\npassword_env = 'B'",
            "keep only one of",
        ),
        (
            "[[channel]]\nname = 'C'\naddress = 'c@d.test'\npreset = 'gmail'\nconnector = 'imap'\nhost = 'imap.desk.test'",
            '[[channel]] "C": host: The preset gmail sets this',
        ),
    ],
)
def test_a_fault_names_section_row_and_key_and_nothing_is_written(text: str, told: str) -> None:
    found = problems(text)
    assert any(told in problem for problem in found), found
    assert not any(model.objects.exists() for model in (Channel, Disposition, Queue, Sender, User))


def test_all_faults_are_told_at_once() -> None:
    text = "[[queue]]\nname = 'A'\npriority = 99\n[[queue]]\nname = 'B'\ncolour = 'beige'\n"
    assert len(problems(text)) == 2


def test_a_good_section_is_not_written_beside_a_bad_one() -> None:
    problems(DESK + "\n[[queue]]\nname = 'Bad'\npriority = 99\n")
    assert not Queue.objects.exists()


def test_secrets_come_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPPORT_PASSWORD", "from the environment")
    (tmp_path / "secret.txt").write_text("from a file\n")
    one = DESK.replace('password = "mailbox-secret"', 'password_env = "SUPPORT_PASSWORD"')
    apply_text(one)
    assert Channel.objects.get(name="Support").secret == "from the environment"
    two = DESK.replace('password = "mailbox-secret"', 'password_file = "secret.txt"')
    assert apply_text(two, folder=tmp_path) == ['channel "Support": password changed']
    assert Channel.objects.get(name="Support").secret == "from a file"


def test_a_new_server_in_the_file_asks_for_the_password_again() -> None:
    apply_text(DESK)
    text = '[[channel]]\nname = "Support"\nhost = "evil.test"\n'
    assert problems(text) == [
        '[[channel]] "Support": password: The server or the login changed: type the password again.'
    ]


def test_pruning_takes_out_of_service_and_deletes_nothing() -> None:
    apply_text(DESK)
    apply_text('[[queue]]\nname = "Extra"\n[[person]]\nemail = "eve@desk.test"\nname = "Eve"\n')
    lines = apply_text(DESK, prune=True)
    assert lines == [
        'person "eve@desk.test": not in the file, taken out of service',
        'queue "Extra": not in the file, taken out of service',
    ]
    assert not Queue.objects.get(name="Extra").is_open
    assert not User.objects.get(name="Eve").is_active
    assert apply_text(DESK, prune=True) == []


def test_pruning_everything_stops_at_the_last_administrator() -> None:
    apply_text(DESK)
    assert any("last active administrator" in problem for problem in problems("", prune=True))
    assert Channel.objects.get(name="Support").enabled
    keep = '[[person]]\nemail = "ada@desk.test"\n'
    apply_text(keep, prune=True)
    assert not Channel.objects.filter(enabled=True).exists()
    assert list(User.objects.filter(is_active=True).values_list("name", flat=True)) == ["Ada"]


def test_only_an_administrator_applies_and_exports() -> None:
    max_ = agent()
    with pytest.raises(NotAllowed):
        apply_text(DESK, by=max_)
    with pytest.raises(NotAllowed):
        export_text(by=max_)
    ada = administrator()
    apply_text('[[queue]]\nname = "Help"\n', by=ada)
    assert Event.objects.get(kind="queue.created").actor == ada


def test_the_reference_page_tells_every_key_as_the_code_declares_it() -> None:
    assert rewritten(PAGE.read_text()) == PAGE.read_text(), "run: python -m tests.actions.write_reference"
    for key in ("password_env", "start_since", "poll_seconds", "members", "parent"):
        assert f"| `{key}`" in PAGE.read_text()


def test_everything_that_is_set_is_exported() -> None:
    apply_text(DESK)
    row = Channel.objects.get(name="Support")
    text = export_text()
    for name, value in channels.facts(row).items():
        if value not in ("", None, []) and name != "password":
            key = {"default_queue": "queue", "default_sender": "sender"}.get(
                name, name.removeprefix("settings.")
            )
            assert f"\n{key} = " in text


def test_the_administrator_is_handed_over_in_one_file() -> None:
    apply_text(DESK)
    text = DESK.replace('role = "administrator"', 'role = "agent"').replace(
        "capacity = 3", 'role = "administrator"'
    )
    apply_text(text)
    assert list(User.objects.filter(role="administrator").values_list("name", flat=True)) == ["Max"]


def test_a_refused_person_is_told_once_not_again_by_the_queues() -> None:
    text = "[[queue]]\nname = 'A'\nmembers = ['max@desk.test']\n[[person]]\nemail = 'max@desk.test'\nname = 'M'\ncapacity = 0\n"
    assert problems(text) == [
        '[[person]] "max@desk.test": capacity: 0 is outside 1 to 100: write a number between them.'
    ]
