"""Notifications that a sending service writes as JSON into a letter (Amazon SES by way of SNS). Not its web hooks."""

import json
from typing import Any

from .bounce_reports import Report, kind_of
from .bounce_status import settle
from .bounce_values import BouncedRecipient, BounceKind

TEXT_LIMIT = 1_000_000

_ACTIONS = {"Bounce": "failed", "Delivery": "delivered", "DeliveryDelay": "delayed"}


def read_notification(text: str) -> Report | None:
    """The report in a text that begins with a JSON object; None when it does not."""
    text = text[:TEXT_LIMIT].lstrip()
    if not text.startswith("{"):
        return None
    notification = _parse(text)
    if isinstance(notification.get("Message"), str):
        notification = _parse(notification["Message"])
    kind = notification.get("notificationType") or notification.get("eventType")
    if kind == "Complaint":
        return _complaint(notification)
    if kind not in _ACTIONS:
        return None
    recipients = tuple(_recipients(notification, _ACTIONS[kind]))
    return (
        Report(kind_of(recipients), recipients, original_message_id=_message_id(notification))
        if recipients
        else None
    )


def _parse(text: str) -> dict[str, Any]:
    try:
        value, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _recipients(notification: dict[str, Any], action: str) -> list[BouncedRecipient]:
    bounce = _object(notification.get("bounce") or notification.get("deliveryDelay"))
    delivery = _object(notification.get("delivery"))
    listed = [
        _object(one) for one in _list(bounce.get("bouncedRecipients") or bounce.get("delayedRecipients"))
    ]
    listed += [
        {"emailAddress": one, "diagnosticCode": delivery.get("smtpResponse", "")}
        for one in _list(delivery.get("recipients"))
    ]
    return [_recipient(one, action) for one in listed if isinstance(one.get("emailAddress"), str)]


def _recipient(listed: dict[str, Any], action: str) -> BouncedRecipient:
    diagnostic = " ".join(str(listed.get("diagnosticCode", "")).removeprefix("smtp;").split())
    field = str(listed.get("status", ""))
    return BouncedRecipient(
        address=listed["emailAddress"].strip("<> "),
        action=action,
        status=settle(
            field=field if field[:1] in ("2", "4", "5") else "", diagnostic=diagnostic, action=action
        ),
        diagnostic=diagnostic,
        final=action != "delayed",
    )


def _complaint(notification: dict[str, Any]) -> Report:
    complaint = _object(notification.get("complaint"))
    feedback = str(complaint.get("complaintFeedbackType") or "abuse")
    recipients = tuple(
        BouncedRecipient(address=one["emailAddress"], action=feedback, status="", diagnostic="", final=True)
        for one in map(_object, _list(complaint.get("complainedRecipients")))
        if isinstance(one.get("emailAddress"), str)
    )
    return Report(BounceKind.COMPLAINT, recipients, original_message_id=_message_id(notification))


def _message_id(notification: dict[str, Any]) -> str:
    headers = _object(_object(notification.get("mail")).get("commonHeaders"))
    return str(headers.get("messageId", "")).strip("<> ")


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
