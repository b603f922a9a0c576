"""Bounces in the forms servers write them: who did not get it, with which status, for good or not; and what is no bounce."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail.bounces import Bounce, BouncedRecipient, BounceKind, read_bounce
from postroom.mail.letter import read

DAEMON = "From: Mail Delivery System <MAILER-DAEMON@mx.example>\nTo: desk@example.org\n"
RETURNED = "Return-Path: <desk@example.org>\nMessage-ID: <c1.m2.token@example.org>\nTo: joe@customer.example\nSubject: Your order\n\nHi\n"


def letter_of(head: str, body: str) -> bytes:
    return f"{head}MIME-Version: 1.0\n\n{body}".encode()


def report(
    status: str,
    *,
    returned: str = RETURNED,
    head: str = DAEMON,
    prose: str = "Not delivered.\n",
    kind: str = "delivery-status",
) -> bytes:
    return (
        f"{head}Subject: Undelivered Mail Returned to Sender\nMIME-Version: 1.0\n"
        f'Content-Type: multipart/report; report-type={kind}; boundary="b"\n\n'
        f"--b\n\n{prose}\n--b\nContent-Type: message/{kind}\n\n{status}\n"
        f"--b\nContent-Type: message/rfc822\n\n{returned}\n--b--\n"
    ).encode()


def bounce_in(raw: bytes) -> Bounce:
    found = read_bounce(read(raw))
    assert found is not None
    return found


def only(raw: bytes) -> BouncedRecipient:
    (recipient,) = bounce_in(raw).recipients
    return recipient


STANDARD = """Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; joe@customer.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <joe@customer.example>
    User unknown
"""


@pytest.mark.requirement("CA-10")
def test_a_standard_report_names_the_recipient_and_our_letter() -> None:
    bounce = bounce_in(report(STANDARD))
    assert bounce.kind is BounceKind.BOUNCE
    assert bounce.is_failure
    assert bounce.original_message_id == "c1.m2.token@example.org"
    assert bounce.original_to == ("joe@customer.example",)
    assert bounce.reporting_mta == "mx.example"
    assert bounce.recipients == (
        BouncedRecipient(
            address="joe@customer.example",
            action="failed",
            status="5.1.1",
            diagnostic="550 5.1.1 <joe@customer.example> User unknown",
            final=True,
        ),
    )


@pytest.mark.parametrize(
    "status",
    [
        STANDARD.replace("\n\n", "\n"),
        STANDARD.replace("\nAction", "\n\nAction"),
        STANDARD.replace("\nStatus", "\n\n\nStatus"),
        STANDARD.replace("rfc822; joe", "RFC822;joe"),
        STANDARD.replace("rfc822; joe@customer.example", "<joe@customer.example>"),
        STANDARD.replace("\n", "\r\n"),
        STANDARD.replace("Action: failed", "action : Failed (permanent)"),
        STANDARD.replace("Status: 5.1.1", "Status: 5.1.1 (user unknown)"),
        "\n\n" + STANDARD,
    ],
)
def test_a_report_with_its_blank_lines_and_fields_astray_is_read_all_the_same(status: str) -> None:
    recipient = only(report(status))
    assert (recipient.address, recipient.action, recipient.status) == (
        "joe@customer.example",
        "failed",
        "5.1.1",
    )


def test_two_recipients_without_a_blank_line_between_them_are_two() -> None:
    status = "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\nFinal-Recipient: rfc822; b@x.example\nAction: delayed\nStatus: 4.4.1\n"
    first, second = bounce_in(report(status)).recipients
    assert (first.address, first.final) == ("a@x.example", True)
    assert (second.address, second.final) == ("b@x.example", False)


def test_the_action_and_not_the_status_says_whether_it_is_final() -> None:
    failed = only(report(STANDARD.replace("5.1.1", "4.4.7")))
    assert (failed.status, failed.action, failed.final) == ("4.4.7", "failed", True)
    delayed = bounce_in(
        report(STANDARD.replace("Action: failed", "Action: delayed").replace("5.1.1", "4.4.1"))
    )
    assert delayed.kind is BounceKind.DELAYED
    assert delayed.recipients[0].final is False


@pytest.mark.parametrize(
    ("field", "diagnostic", "status"),
    [
        ("5.0.0", "550 5.1.1 User unknown", "5.1.1"),
        ("5.0.0", "550 no such user", "5.0.0"),
        ("5.1.1", "550 5.7.1 IP address blacklisted", "5.7.1"),
        ("5.1.1", "550 #5.1.0 Address rejected", "5.1.1"),
        ("", "550 sorry, no mailbox here by that name (#5.1.1 - chkusr)", "5.1.1"),
        ("", "550-5.2.2 The email account is over quota", "5.2.2"),
        ("", "450 mailbox full", "4.2.2"),
        ("", "550 user unknown", "5.1.1"),
        ("", "host 10.5.1.1[10.5.1.1] said: 554 delivery error", "5.0.0"),
        ("", "", "5.0.0"),
    ],
)
def test_the_status_is_what_is_written_before_what_is_guessed(
    field: str, diagnostic: str, status: str
) -> None:
    written = f"Final-Recipient: rfc822; a@x.example\nAction: failed\n{f'Status: {field}' if field else 'X-Nothing: here'}\nDiagnostic-Code: smtp; {diagnostic}\n"
    assert only(report(written)).status == status


def test_the_address_we_wrote_to_is_kept_beside_the_one_it_was_sent_on_to() -> None:
    recipient = only(
        report(STANDARD.replace("\nAction", "\nOriginal-Recipient: rfc822; office@customer.example\nAction"))
    )
    assert (recipient.address, recipient.original) == ("joe@customer.example", "office@customer.example")


def test_a_recipient_the_report_hides_is_taken_from_its_prose() -> None:
    status = "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; |/usr/bin/procmail\nAction: failed\nStatus: 5.3.0\n"
    recipient = only(
        report(status, prose="The following addresses had permanent fatal errors:\n<joe@customer.example>\n")
    )
    assert (recipient.address, recipient.status) == ("joe@customer.example", "5.3.0")


def test_a_delivery_is_a_success_and_no_failure() -> None:
    bounce = bounce_in(report(STANDARD.replace("failed", "delivered").replace("5.1.1", "2.0.0")))
    assert bounce.kind is BounceKind.SUCCESS
    assert not bounce.is_failure
    assert bounce.recipients[0].status == "2.0.0"


def test_a_report_in_the_text_is_read_when_a_server_wrote_it() -> None:
    body = (
        "An error occurred while trying to deliver the mail:\n\njoe@customer.example\n\nTechnical report:\n\n"
        + STANDARD
    )
    assert (
        only(letter_of(DAEMON + "Subject: Delivery Status Notification (Failure)\n", body)).status == "5.1.1"
    )
    assert read_bounce(read(letter_of("From: Joe <joe@customer.example>\nSubject: my mail\n", body))) is None


# Complaints and receipts


def test_a_complaint_names_who_complained_about_which_letter() -> None:
    feedback = "Feedback-Type: abuse\nUser-Agent: FBL/1\nVersion: 1\nOriginal-Rcpt-To: <joe@customer.example>\nOriginal-Rcpt-To: ann@customer.example\n"
    bounce = bounce_in(report(feedback, head="From: fbl@isp.example\n", kind="feedback-report"))
    assert bounce.kind is BounceKind.COMPLAINT
    assert [one.address for one in bounce.recipients] == ["joe@customer.example", "ann@customer.example"]
    assert bounce.recipients[0].action == "abuse"
    assert bounce.original_message_id == "c1.m2.token@example.org"


def test_a_complaint_that_hides_the_recipient_is_about_whom_we_wrote_to() -> None:
    bounce = bounce_in(
        report("Feedback-Type: abuse\nVersion: 1\n", head="From: fbl@isp.example\n", kind="feedback-report")
    )
    assert [one.address for one in bounce.recipients] == ["joe@customer.example"]


def test_a_receipt_says_what_was_done() -> None:
    disposition = (
        "Reporting-UA: mail.example; App\nFinal-Recipient: rfc822; joe@customer.example\n"
        "Original-Message-ID: <c1.m2.token@example.org>\nDisposition: manual-action/MDN-sent-manually; displayed\n"
    )
    bounce = bounce_in(
        report(
            disposition,
            head="From: Joe <joe@customer.example>\n",
            returned="",
            kind="disposition-notification",
        )
    )
    assert (bounce.kind, bounce.recipients[0].action, bounce.original_message_id) == (
        BounceKind.MDN,
        "displayed",
        "c1.m2.token@example.org",
    )


# Prose

PROSE = {
    "qmail": (
        "Subject: failure notice\n",
        "Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n"
        "This is a permanent error; I've given up. Sorry it didn't work out.\n\n<joe@customer.example>:\n192.0.2.1 does not like recipient.\n"
        "Remote host said: 550 5.2.1 mailbox disabled\nGiving up on 192.0.2.1.\n\n--- Below this line is a copy of the message.\n\n",
        "5.2.1",
    ),
    "exim": (
        "Subject: Mail delivery failed: returning message to sender\n",
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\n"
        "recipients. This is a permanent error. The following address(es) failed:\n\n  joe@customer.example\n"
        "    (generated from office@customer.example)\n    SMTP error from remote mail server after RCPT TO:<joe@customer.example>:\n"
        "    host mx.customer.example [192.0.2.1]: 550 5.1.1 User unknown\n\n------ This is a copy of the message, including all the headers. ------\n\n",
        "5.1.1",
    ),
    "postfix": (
        "Subject: Undelivered Mail Returned to Sender\n",
        "This is the mail system at host mx.example.\n\nI'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients.\n\n"
        "For further assistance, please send mail to <postmaster@mx.example>\n\n<joe@customer.example>: host mx.customer.example[192.0.2.1] said: 550 5.7.1\n"
        "    Rejected (in reply to RCPT TO command)\n\n",
        "5.7.1",
    ),
    "sendmail 5": (
        "Subject: Returned mail: User unknown\n",
        "   ----- Transcript of session follows -----\nWhile talking to mx.customer.example:\n>>> RCPT To:<joe@customer.example>\n"
        "<<< 550 <joe@customer.example>... User unknown\n550 <joe@customer.example>... User unknown\n\n   ----- Unsent message follows -----\n",
        "5.1.1",
    ),
    "exchange 2003": (
        "Subject: Undeliverable: Your order\n",
        "Your message\n\n  To:      joe@customer.example\n  Subject: Your order\n  Sent:    Thu, 29 Apr 2025 16:51:29 -0500\n\ndid not reach the following recipient(s):\n\n"
        "joe@customer.example on Thu, 29 Apr 2025 16:51:51 -0500\n    The recipient name is not recognized\n\tMSEXCH:IMS:EXAMPLE 0 (000C05A6) Unknown Recipient\n",
        "5.1.1",
    ),
    "domino": (
        "Subject: DELIVERY FAILURE: User joe not listed\n",
        "Your message\n\n  Subject: Your order\n\nwas not delivered to:\n\n  joe@customer.example\n\nbecause:\n\n  User joe (joe@customer.example) not listed in Domino Directory\n\n",
        "5.1.1",
    ),
    "gateway": (
        "Subject: Undeliverable Mail\n",
        "User mailbox exceeds allowed size: joe@customer.example\n\nOriginal message follows.\n\n",
        "5.2.2",
    ),
    "bullet": (
        "Subject: Delivery status notification\n",
        "=====================\n  This is an automatically generated Delivery Status Notification.\n\nDelivery to the following recipients failed permanently:\n\n"
        "   * joe@customer.example\n\n=====================\nTechnical details:\n\nSMTP:RCPT host 192.0.2.8: 553 5.3.0 No such user here\n=====================\n",
        "5.3.0",
    ),
    "sentence": (
        "Subject: Mail delivery failed\n",
        "This is the DragonFly Mail Agent v0.13 at df.example.\n\nThere was an error delivering your mail to <joe@customer.example>.\n\n"
        "Could not deliver for the last 432000 seconds. Giving up.\n\nMessage headers follow.\n\n",
        "5.4.7",
    ),
}  # fmt: skip


@pytest.mark.requirement("CA-10")
@pytest.mark.parametrize("server", PROSE)
def test_prose_of_servers_is_read(server: str) -> None:
    head, body, status = PROSE[server]
    raw = letter_of(
        DAEMON + head,
        body + ("Received: by mx.example\n" + RETURNED if "copy" in body or "follow" in body else ""),
    )
    recipient = only(raw)
    assert (recipient.address, recipient.status, recipient.action, recipient.final) == (
        "joe@customer.example",
        status,
        "failed",
        True,
    )
    if "copy" in body or "follow" in body:
        assert bounce_in(raw).original_message_id == "c1.m2.token@example.org"


def test_two_recipients_in_prose_keep_their_own_status() -> None:
    body = "I wasn't able to deliver your message to the following addresses.\n\n<a@x.example>:\n550 5.2.2 full\n\n<b@x.example>:\n550 5.1.1 unknown\n"
    found = bounce_in(letter_of(DAEMON + "Subject: failure notice\n", body)).recipients
    assert [(one.address, one.status) for one in found] == [
        ("a@x.example", "5.2.2"),
        ("b@x.example", "5.1.1"),
    ]


def test_a_warning_is_a_delay_and_not_final() -> None:
    body = "THIS IS A WARNING MESSAGE ONLY.\n\nYOU DO NOT NEED TO RESEND YOUR MESSAGE.\n\nDelivery to the following recipient has been delayed:\n\n     joe@customer.example\n\nMessage will be retried for 2 more day(s)\n"
    bounce = bounce_in(letter_of(DAEMON + "Subject: Delivery Status Notification (Delay)\n", body))
    assert bounce.kind is BounceKind.DELAYED
    assert (bounce.recipients[0].final, bounce.recipients[0].status[0]) == (False, "4")


def test_x_failed_recipients_beats_the_prose() -> None:
    body = "A message that you sent could not be delivered.\n\n  an undisclosed address\n    (generated from office@customer.example)\n"
    raw = letter_of(
        DAEMON
        + "X-Failed-Recipients: joe@customer.example,\n  ann@customer.example\nSubject: Mail delivery failed\n",
        body,
    )
    assert [one.address for one in bounce_in(raw).recipients] == [
        "joe@customer.example",
        "ann@customer.example",
    ]


def test_a_report_inside_what_a_gateway_sent_on_is_found() -> None:
    inner = report(STANDARD).decode()
    head = f'{DAEMON}Subject: Delivery Status Notification (Failure)\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="o"\n\n'
    raw = f"{head}--o\nContent-Type: message/rfc822\n\n{inner}\n--o\n\nThis mail was checked for viruses.\n--o--\n".encode()
    assert only(raw).address == "joe@customer.example"


def test_a_notification_written_as_json_is_read() -> None:
    body = (
        '{"notificationType":"Bounce","bounce":{"bouncedRecipients":[{"emailAddress":"joe@customer.example","action":"failed","status":"5.1.1",'
        '"diagnosticCode":"smtp; 550 5.1.1 unknown"}]},"mail":{"commonHeaders":{"messageId":"<c1.m2.token@example.org>"}}}\n\n--\nunsubscribe\n'
    )
    raw = letter_of("From: no-reply@sns.amazonaws.com\nSubject: AWS Notification Message\n", body)
    assert only(raw).status == "5.1.1"
    assert bounce_in(raw).original_message_id == "c1.m2.token@example.org"
    assert read_bounce(read(raw.replace(b'{"not', b'{"not' * 3000))) is None


# What is no bounce


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("From: Joe <joe@customer.example>\nSubject: Delivery problem\n", "My parcel was not delivered to ann@customer.example. What failed?\n"),
        ("From: Joe <joe@customer.example>\nSubject: Fwd: failure notice\n", "Why?\n\n<ann@customer.example>:\n550 5.1.1 User unknown\n"),
        ("From: Joe <joe@customer.example>\nSubject: failure notice\n", "I wasn't able to deliver your message to the following addresses.\n<ann@x.example>:\n550 5.1.1\n"),
        ("From: postmaster@customer.example\nSubject: Invoice 7\n", "Hello, please send us invoice 7 again.\n"),
        ("From: postmaster@customer.example\nSubject: Re: Your order\nReferences: <a@b>\n", "It was not delivered to us yet.\n"),
        ("From: Joe <joe@customer.example>\nReturn-Path: <>\nAuto-Submitted: auto-replied\nSubject: Automatic reply: failed delivery\n", "I am away. Not delivered.\n"),
        ("From: Parcels <noreply@parcels.example>\nAuto-Submitted: auto-generated\nSubject: Delivery failed\n", "Your parcel for joe@customer.example could not be delivered. 450 EUR are due.\n"),
        ("From: Joe <joe@customer.example>\nSubject: \n", ""),
        ("Subject: no sender at all\n", "could not be delivered to joe@customer.example"),
        ("", ""),
    ],
)  # fmt: skip
def test_letters_of_people_are_no_bounces(head: str, body: str) -> None:
    assert read_bounce(read(letter_of(head, body))) is None


def test_a_bounce_that_a_person_forwards_is_a_letter_of_that_person() -> None:
    head = 'From: Joe <joe@customer.example>\nSubject: FW: Undeliverable\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="o"\n\n'
    raw = f"{head}--o\n\nlook at this\n--o\nContent-Type: message/rfc822\n\n{report(STANDARD).decode()}\n--o--\n".encode()
    assert read_bounce(read(raw)) is None


def test_a_challenge_dressed_as_a_failure_is_no_bounce() -> None:
    status = STANDARD.replace("smtp; 550 5.1.1 <joe@customer.example>", "X-Notice; Sender not pre-approved.")
    assert read_bounce(read(report(status, head="From: noreply@guard.example\n"))) is None


# Hostile input


@given(st.binary(max_size=500))
def test_any_bytes_are_read_without_an_exception(raw: bytes) -> None:
    for head in (
        b"",
        b"From: MAILER-DAEMON@x\nSubject: failure notice\n\n",
        b"Content-Type: message/delivery-status\n\n",
    ):
        found = read_bounce(read(head + raw))
        assert found is None or isinstance(found, Bounce)


PIECES = ["x", " ", "<", "9", "@", "a@", "a@b ", "-", "5.1.1", "550 ", "user ", "mailbox ", ">>> <a@b.c>:\n", "recipient: ", "=", "(", "Final-Recipient: rfc822; a@b.c\n", "Action: failed\n", "\t", "\n", "{", '{"a":', "exceed a "]  # fmt: skip


@pytest.mark.parametrize("piece", PIECES)
def test_a_megabyte_of_anything_is_read_in_a_moment(piece: str) -> None:
    body = piece * (1_000_000 // len(piece))
    long_line = body.replace("\n", " ")
    start = time.perf_counter()
    for raw in (
        letter_of(DAEMON + "Subject: failure notice\n", body),
        letter_of(DAEMON + f"X-Failed-Recipients: {long_line}\nSubject: {long_line}\n", body),
        report(body),
        report(STANDARD.replace("550 5.1.1", long_line)),
        report(STANDARD, returned=body),
        report(body, kind="feedback-report"),
        report(body, kind="disposition-notification"),
    ):
        read_bounce(read(raw))
    assert time.perf_counter() - start < 5, piece
