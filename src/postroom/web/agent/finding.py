"""Finding what an address names, for the person who asks: what they may not see is not there (404)."""

from __future__ import annotations

from django.http import Http404
from django.shortcuts import get_object_or_404

from postroom.models import Attachment, Case, Message, OutState, User
from postroom.models.rights import visible_cases


def find_case(user: User, pk: int) -> Case:
    """A case this person may read."""
    rows = (
        visible_cases(user)
        .select_related("contact", "channel__default_sender", "queue__default_sender", "linked_to__channel")
        .prefetch_related("contact__addresses")
    )
    return get_object_or_404(rows, pk=pk)


def find_message(user: User, pk: int) -> Message:
    """A message of a case this person may read; a draft only for its author."""
    message = get_object_or_404(Message.objects.select_related("case", "letter"), pk=pk)
    if not visible_cases(user).filter(pk=message.case_id).exists():
        raise Http404
    if message.state == OutState.DRAFT and message.author_id != user.pk:
        raise Http404
    return message


def find_file(user: User, pk: int) -> Attachment:
    """A file of such a message."""
    attachment = get_object_or_404(Attachment.objects.select_related("message__letter"), pk=pk)
    find_message(user, attachment.message_id)
    return attachment
