"""A desk to work in: people, queues, a channel, a sender, and letters filed the way the product files them. Names are made up.

For trying the pages by hand in a throw-away home: `postroom shell -c "from tests.web.seed import seed; seed()"`.
"""

from __future__ import annotations

import base64
import itertools
import uuid
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from postroom.actions import work
from postroom.actions.notes import add_note
from postroom.flow.file import file_next
from postroom.models import (
    Case,
    Channel,
    Disposition,
    Message,
    Presence,
    Queue,
    QueueMember,
    RawMessage,
    Role,
    Sender,
    User,
)
from postroom.models.blob import blobs
from postroom.models.secret import verify_key

PASSWORD = "correct horse battery"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNk+M9Qz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC"
)
_numbers = itertools.count(1)


@dataclass
class Desk:
    """What tests of the workspace need."""

    maya: User
    ben: User
    sam: User
    ada: User
    billing: Queue
    orders: Queue
    returns: Queue
    channel: Channel
    sender: Sender
    solved: Disposition


@cache
def hashed_password() -> str:
    """Everybody's password, hashed once: it takes long on purpose."""
    return make_password(PASSWORD)


def make_desk() -> Desk:
    """People of each role, three queues, a channel and a sender that points nowhere."""
    verify_key()
    people = {
        "maya": User.objects.create_user("maya@desk.example", "Maya Lindqvist", language="en"),
        "ben": User.objects.create_user("ben@desk.example", "Ben Okafor"),
        "sam": User.objects.create_user("sam@desk.example", "Sam Supervisor", role=Role.SUPERVISOR),
        "ada": User.objects.create_user("ada@desk.example", "Ada Admin", role=Role.ADMINISTRATOR),
    }
    User.objects.update(password=hashed_password())
    billing = Queue.objects.create(name="Billing", colour="red")
    orders = Queue.objects.create(name="Orders", colour="green")
    returns = Queue.objects.create(name="Returns", colour="amber")
    for queue in (billing, orders):
        QueueMember.objects.create(queue=queue, user=people["maya"])
    QueueMember.objects.create(queue=returns, user=people["ben"])
    User.objects.filter(pk=people["maya"].pk).update(presence=Presence.AVAILABLE)
    signature = "{{ agent.name }} · Nordlys Billing"
    sender = Sender.objects.create(
        name="Nordlys Billing",
        display_name="Nordlys",
        address="billing@nordlys.example",
        connector="smtp",
        enabled=True,
        signature=signature,
    )
    Sender.objects.create(
        name="Nordlys Orders", address="orders@nordlys.example", connector="smtp", enabled=True
    )
    channel = Channel.objects.create(
        name="Billing mail",
        key="BIL",
        address="billing@nordlys.example",
        connector="imap",
        enabled=True,
        default_queue=billing,
        default_sender=sender,
    )
    solved = Disposition.objects.create(name="Solved")
    Disposition.objects.create(name="Refund", parent=solved)
    Disposition.objects.create(name="Spam")
    for user in people.values():
        user.refresh_from_db()
    return Desk(
        **people,
        billing=billing,
        orders=orders,
        returns=returns,
        channel=channel,
        sender=sender,
        solved=solved,
    )


def letter(
    subject: str = "Charged twice for order 48213",
    text: str = "Hello,\n\nI can see two payments of €129.00 on my card. Could you please return the second one?\n\nKind regards,\nJonas\n",
    *,
    name: str = "Jonas Weber",
    address: str = "jonas.weber@mailbox.example",
    html: str = "",
    files: dict[str, bytes] | None = None,
    answers: str = "",
    to: str = "billing@nordlys.example",
    cc: str = "",
    age: timedelta = timedelta(minutes=14),
) -> EmailMessage:
    """A letter from a customer."""
    message = EmailMessage()
    message["From"] = f"{name} <{address}>"
    message["To"] = to
    if cc:
        message["Cc"] = cc
    message["Subject"] = subject
    message["Date"] = format_datetime(timezone.now() - age)
    message["Message-ID"] = f"<n{next(_numbers)}.{timezone.now().timestamp()}@mailbox.example>"
    if answers:
        message["In-Reply-To"] = message["References"] = answers
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
        message.get_payload()[1].add_related(PIXEL, "image", "png", cid="<logo@here>")  # type: ignore[union-attr, index]
    for file, content in (files or {}).items():
        kind, _, sub = ("image/png" if file.endswith(".png") else "application/pdf").partition("/")
        message.add_attachment(content, maintype=kind, subtype=sub, filename=file)
    return message


def receive(desk: Desk, message: EmailMessage, *, queue: Queue | None = None) -> Case:
    """Put a letter in the ledger and file it; returns its case."""
    raw = message.as_bytes()
    if queue is not None:
        desk.channel.default_queue = queue
        desk.channel.save(update_fields=["default_queue"])
    blob, digest = blobs().store(raw)
    row = RawMessage.objects.create(
        channel=desk.channel,
        uid=uuid.uuid4().hex,
        validity="1",
        size=len(raw),
        blob=blob,
        sha256=digest.hex(),
        arrived=timezone.now(),
    )
    while file_next():
        pass
    if queue is not None:
        desk.channel.default_queue = desk.billing
        desk.channel.save(update_fields=["default_queue"])
    return Message.objects.get(letter=row).case


HTML = (
    '<div style="font-family:sans-serif"><p>Hello,</p><p>please see <b>my invoice</b> with <a href="https://shop.example/a">the order</a>.</p>'
    '<p><img src="cid:logo@here" alt="logo"><img src="https://images.example/banner.png" width="200" height="40" alt="">'
    '<img src="https://track.example/open/1.gif" width="1" height="1" alt=""></p><script>document.title="owned"</script></div>'
)


def seed() -> Desk:
    """A desk with work of every kind for Maya."""
    desk = make_desk()
    first = receive(desk, letter(files={"statement-nov.pdf": b"%PDF-1.4 made up", "IMG_2041.png": PIXEL}))
    taken = work.pull(by=desk.maya, interaction=first.interactions.get())
    add_note(
        taken.case,
        by=desk.sam,
        text="@Maya the second line is only a reservation, the bank drops it after three working days.",
    )
    second = receive(
        desk,
        letter(
            "Invoice 2026-1107: wrong VAT ID",
            "Please see my invoice.",
            name="Hotel Alpenblick",
            address="office@alpenblick.example",
            html=HTML,
        ),
    )
    work.pull(by=desk.maya, interaction=second.interactions.get())
    third = receive(
        desk,
        letter(
            "Where is my parcel?",
            "It still says “label created”, that was six days ago.",
            name="Priya Nair",
            address="priya@mailbox.example",
        ),
    )
    work.park(
        work.pull(by=desk.maya, interaction=third.interactions.get()),
        by=desk.maya,
        until=timezone.now() + timedelta(hours=20),
    )
    fourth = receive(desk, letter("Size exchange, Fjell jacket", "Can I swap it for M?"))
    work.finish(
        work.pull(by=desk.maya, interaction=fourth.interactions.get()), by=desk.maya, disposition=desk.solved
    )
    fifth = receive(
        desk,
        letter(
            "Discount code not accepted",
            "AUTUMN15 shows as expired.",
            name="Emma Clarke",
            address="emma@mailbox.example",
        ),
    )
    work.finish(
        work.pull(by=desk.maya, interaction=fifth.interactions.get()), by=desk.maya, waiting_on_customer=True
    )
    for subject, name, text, queue in WAITING:
        receive(
            desk,
            letter(subject, text, name=name, address=f"c{next(_numbers)}@mailbox.example"),
            queue={"B": desk.billing, "O": desk.orders, "R": desk.returns}[queue],
        )
    return desk


WAITING = (
    (
        "Re: Return label does not print",
        "Lukas Brandt",
        "The second PDF works, thank you. One more question.",
        "B",
    ),
    ("استفسار عن استرداد المبلغ", "عمر حداد", "مرحبًا، لم يصلني المبلغ بعد إرجاع الطلب.", "B"),
    (
        "Damaged zip on Trek 45 backpack",
        "Kenji Watanabe",
        "Please see the three photos attached. The zip is broken.",
        "O",
    ),
    ("Dvakrát stržená platba", "Eva Nováková", "Dobrý den, platba mi odešla dvakrát.", "B"),
    ("Wrong size sent, flying on Friday", "Camille Roux", "Bonjour, la taille est fausse.", "R"),
)
