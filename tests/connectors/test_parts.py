"""The small parts of the connectors that need no server: guard, names, sets, presets, registry, steps."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.conf.setting import SettingErrors, declared, parse
from postroom.connectors import registry
from postroom.connectors.base import ConnectorError, Folder, Inbox, Kind, Outbox, Secret
from postroom.connectors.folder_names import name_of, receiving, role_of, wire_of
from postroom.connectors.guard import clean, resolve
from postroom.connectors.imap_answers import compress, date_of, expand
from postroom.connectors.pop3_lines import read_letter
from postroom.connectors.presets import PRESETS, guess, sign_in_hint
from postroom.connectors.smtp_message import normalised, path_of, stuffed
from postroom.connectors.steps import Outcome, run_steps
from postroom.connectors.tls import Trust, context, plain_pin
from postroom.connectors.wire import Wire


def test_every_connector_is_found_with_its_settings() -> None:
    assert set(registry.inboxes()) >= {"imap", "pop3"}
    assert set(registry.outboxes()) >= {"smtp"}
    assert set(registry.labels()) == set(registry.connectors())
    for kind in (*registry.inboxes().values(), *registry.outboxes().values()):
        assert issubclass(kind, Inbox | Outbox)
        names = {d.name for d in declared(kind.Settings)}
        assert {"host", "port", "security", "sign_in", "login", "connect_timeout", "sign_in_timeout"} <= names
        assert all(d.label for d in declared(kind.Settings))


@pytest.mark.requirement("CH-13")
def test_the_time_limits_have_the_promised_defaults() -> None:
    for kind in (*registry.inboxes().values(), *registry.outboxes().values()):
        settings = parse(kind.Settings, {"host": "mail.example.test"})
        assert (settings.connect_timeout, settings.sign_in_timeout) == (10, 5)


@pytest.mark.requirement("CH-14")
def test_certificates_are_verified_unless_a_setting_says_otherwise() -> None:
    for kind in (*registry.inboxes().values(), *registry.outboxes().values()):
        settings = parse(kind.Settings, {"host": "mail.example.test"})
        made = context(settings.trust)
        assert made.check_hostname
        assert made.verify_mode.name == "CERT_REQUIRED"
    assert context(Trust(accept_any=True)).verify_mode.name == "CERT_NONE"
    with pytest.raises(ConnectorError) as wrong:
        context(Trust(ca="not a certificate"))
    assert (wrong.value.kind, wrong.value.field) == (Kind.CONFIGURATION, "ca")


@pytest.mark.requirement("CH-03")
def test_each_preset_fills_values_that_its_connector_takes() -> None:
    assert [p.label for p in PRESETS] == [
        "Outlook 365",
        "Gmail",
        "Yahoo",
        "Hotmail/Outlook.com",
        "Other server",
    ]
    for preset in PRESETS:
        for name, values in preset.fills.items():
            kind = (registry.inboxes() | registry.outboxes())[name]
            assert parse(kind.Settings, {**values, "login": "anna"}).host == values["host"]
            assert values["security"] != "none"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("a@gmail.com", "gmail"),
        ("a@hotmail.co.uk", "outlook"),
        ("a@yahoo.fr", "yahoo"),
        ("a@firma.test", "custom"),
        ("", "custom"),
    ],
)
def test_an_address_suggests_its_preset(address: str, name: str) -> None:
    assert guess(address).name == name


def test_the_hint_for_a_refused_password_knows_the_provider() -> None:
    assert "app password" in sign_in_hint("imap.gmail.com")
    assert "Microsoft" in sign_in_hint("outlook.office365.com")
    assert sign_in_hint("notgmail.com.example.test") == ""


@pytest.mark.parametrize("char", ["\r", "\n", "\0", "\x7f", "\x1b"])
def test_no_control_character_passes_the_guard(char: str) -> None:
    with pytest.raises(ConnectorError) as wrong:
        clean(f"a{char}b", "login", field="login")
    assert (wrong.value.kind, wrong.value.field) == (Kind.CONFIGURATION, "login")


def test_an_address_is_looked_up_once_and_without_a_name_server() -> None:
    assert [str(a) for a in resolve("127.0.0.1", 25, within=1)] == ["127.0.0.1"]
    assert [str(a) for a in resolve("[::1]", 25, within=1)] == ["::1"]
    with pytest.raises(ConnectorError):
        resolve("", 25, within=1)


def test_a_secret_does_not_print_itself() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"


@given(st.binary(min_size=1, max_size=40))
def test_every_folder_name_goes_back_to_the_same_bytes(wire: bytes) -> None:
    name = name_of(wire)
    assert wire_of(name) == wire
    assert name.encode("utf-8")


@given(st.text(min_size=1, max_size=20, alphabet=st.characters(exclude_categories=("Cs", "Cc"))))
def test_every_text_can_be_a_folder_name(name: str) -> None:
    assert wire_of(name_of(wire_of(name))) == wire_of(name)


@pytest.mark.requirement("CH-08")
@pytest.mark.parametrize(
    ("name", "attributes", "role"),
    [
        ("Gesendete Elemente", (), "sent"),
        ("Papierkorb", (), "trash"),
        ("INBOX.Trash", (), "trash"),
        ("Entwürfe", (), "drafts"),
        ("Courrier indésirable", (), "junk"),
        ("Отправленные", (), "sent"),
        ("ごみ箱", (), "trash"),
        ("x", ("\\sent",), "sent"),
        ("[Gmail]/Alle Nachrichten", ("\\All",), "all"),
        ("inbox", (), "inbox"),
        ("Bestellungen", (), ""),
    ],
)
def test_roles_are_known_by_attribute_or_by_name_in_many_languages(
    name: str, attributes: tuple[str, ...], role: str
) -> None:
    assert role_of(name, attributes, "." if "." in name else "/") == role


@pytest.mark.requirement("CH-08")
def test_folders_inside_the_trash_receive_nothing() -> None:
    folders = [
        Folder("INBOX", "inbox"),
        Folder("Trash", "trash"),
        Folder("Trash/Old"),
        Folder("Trashy"),
        Folder("x", "", False),
    ]
    assert [f.name for f in receiving(folders)] == ["INBOX", "Trashy"]


@given(st.sets(st.integers(1, 200), min_size=1))
def test_a_set_of_uids_names_each_and_no_other(uids: set[int]) -> None:
    assert set(expand(compress(list(uids)).encode())) == uids
    assert "*" not in compress(list(uids))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        (b"20-Nov-2026 10:00:00 +0100", datetime(2026, 11, 20, 9, tzinfo=UTC)),
        (b" 1-jan-2026 00:00:00 -0030", datetime(2026, 1, 1, 0, 30, tzinfo=UTC)),
        (b"31-Feb-2026 10:00:00 +0000", None),
        (b"nonsense", None),
    ],
)
def test_internal_dates_are_read_or_given_up(text: bytes, moment: datetime | None) -> None:
    assert date_of(text) == moment


@given(st.binary(max_size=200))
def test_what_goes_out_has_only_whole_line_ends_and_no_bare_dot(raw: bytes) -> None:
    lines = stuffed(normalised(raw)).split(b"\r\n")
    assert lines[-1] == b""
    assert all(line != b"." and b"\r" not in line and b"\n" not in line for line in lines)


@given(st.binary(max_size=200), st.integers(1, 7))
def test_a_dotted_letter_comes_back_as_it_was(raw: bytes, slice_: int) -> None:
    """POP3's dots undone, however the bytes are cut on the way."""
    raw = normalised(raw)
    sock = _Slices(stuffed(raw) + b".\r\n+OK next\r\n", slice_)
    wire = Wire(sock, "test", idle=1)  # type: ignore[arg-type]
    assert read_letter(wire) == raw
    assert wire.line() == b"+OK next"


class _Slices:
    """A socket that hands its bytes out in small pieces."""

    def __init__(self, data: bytes, size: int) -> None:
        self.pieces = [data[i : i + size] for i in range(0, len(data), size)]

    def settimeout(self, seconds: float) -> None:
        pass

    def recv(self, count: int) -> bytes:
        return self.pieces.pop(0)


@pytest.mark.parametrize("address", ["a b@x.test", "a@", "@x.test", "no-at", "<a@x.test>", "a@x.test>"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ConnectorError) as wrong:
        path_of(address)
    assert wrong.value.kind is Kind.MESSAGE


def test_the_empty_sender_and_quoted_local_parts_are_addresses() -> None:
    assert path_of("").text == ""
    assert path_of('"a b"@x.test').text == '"a b"@x.test'
    assert path_of("jürgen@bücher.test").needs_utf8


@pytest.mark.parametrize("written", ["AB:CD", "ab cd", "SHA256:AbCd", "sha256=abcd"])
def test_a_fingerprint_may_be_written_in_any_common_way(written: str) -> None:
    assert plain_pin(written) == "abcd"


def test_a_certificate_may_have_lines_and_a_host_may_not() -> None:
    kind = registry.inboxes()["imap"].Settings
    assert "\n" in parse(kind, {"host": "h", "ca": "-----BEGIN\nx\n-----END"}).ca
    with pytest.raises(SettingErrors) as wrong:
        parse(kind, {"host": "h\nx"})
    assert list(wrong.value.errors) == ["host"]


@pytest.mark.requirement("CH-16")
def test_a_check_ends_in_time_and_never_raises() -> None:
    def boom() -> Outcome:
        raise ZeroDivisionError

    steps = list(
        run_steps([("a", "A", lambda: Outcome("fine")), ("b", "B", boom), ("c", "C", lambda: Outcome())])
    )
    assert [(s.name, s.state) for s in steps] == [("a", "ok"), ("b", "fail")]
    start = time.monotonic()
    late = list(run_steps([("a", "A", lambda: Outcome()), ("b", "B", lambda: Outcome())], whole=-1))
    assert (late[0].state, "ended" in late[0].detail) == ("fail", True)
    assert time.monotonic() - start < 1
