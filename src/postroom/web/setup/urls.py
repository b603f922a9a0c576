"""Addresses of the set-up pages, the outbox and the ledger."""

from django.urls import URLPattern, path

from postroom.web.setup import channels, dispositions, mailboxes, people, queues, senders
from postroom.web.supervisor import letters, outbox

urlpatterns: list[URLPattern] = [
    path("setup/mailboxes", mailboxes.table, name="mailboxes"),
    path("setup/mailboxes/channels/<int:pk>/reconcile", mailboxes.reconcile, name="channel-reconcile"),
    path("setup/mailboxes/switch", mailboxes.switch, name="mailbox-switch"),
    path("setup/mailboxes/bulk", mailboxes.bulk, name="mailbox-bulk"),
    path("setup/mailboxes/delete", mailboxes.delete, name="mailbox-delete"),
    path("setup/mailboxes/channels/new", channels.new, name="channel-new"),
    path("setup/mailboxes/channels/check", channels.check, name="channel-check-new"),
    path("setup/mailboxes/channels/<int:pk>", channels.edit, name="channel"),
    path("setup/mailboxes/channels/<int:pk>/check", channels.check, name="channel-check"),
    path("setup/mailboxes/channels/<int:pk>/check-saved", channels.check_saved, name="channel-check-saved"),
    path("setup/mailboxes/senders/new", senders.new, name="sender-new"),
    path("setup/mailboxes/senders/check", senders.check, name="sender-check-new"),
    path("setup/mailboxes/senders/<int:pk>", senders.edit, name="sender"),
    path("setup/mailboxes/senders/<int:pk>/check", senders.check, name="sender-check"),
    path("setup/mailboxes/senders/<int:pk>/check-saved", senders.check_saved, name="sender-check-saved"),
    path("setup/queues", queues.table, name="queues"),
    path("setup/queues/new", queues.new, name="queue-new"),
    path("setup/queues/<int:pk>", queues.edit, name="queue"),
    path("setup/queues/<int:pk>/delete", queues.delete, name="queue-delete"),
    path("setup/dispositions", dispositions.tree, name="dispositions"),
    path("setup/dispositions/<int:pk>", dispositions.change, name="disposition"),
    path("setup/people", people.table, name="people"),
    path("setup/people/new", people.new, name="person-new"),
    path("setup/people/<int:pk>", people.edit, name="person"),
    path("setup/people/<int:pk>/switch", people.switch, name="person-switch"),
    path("setup/people/<int:pk>/link", people.link, name="person-link"),
    path("setup/people/<int:pk>/password", people.password, name="person-password"),
    path("setup/people/<int:pk>/delete", people.delete, name="person-delete"),
    path("outbox", outbox.table, name="outbox"),
    path("outbox/<int:pk>", outbox.act, name="outbox-act"),
    path("letters", letters.table, name="letters"),
    path("letters/<int:pk>", letters.one, name="letter"),
    path("letters/<int:pk>/act", letters.act, name="letter-act"),
    path("letters/<int:pk>/raw", letters.raw, name="letter-raw"),
]
