"""The part of a form that says how to reach a server: provider, protocol, the connector's own settings, password.

Everything is derived from the connector's declaration. What a provider fixes is not asked and not taken from the form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from postroom.actions import protocols
from postroom.actions.protocols import Protocol, Provider
from postroom.models.sender import Reachable
from postroom.web.setup.inputs import Input, from_setting

PREFIX = "settings."
# Settings that few people need are folded away; an error opens the fold.
CERTIFICATE = ("accept_any_certificate", "pin", "ca")
FIRST = ("host", "port", "security", "sign_in", "login")


@dataclass(frozen=True)
class ConnectionForm:
    """What the template draws. `fixed` is what the provider says instead of asking."""

    protocols: list[Protocol]
    protocol: Protocol
    providers: list[Provider]
    provider: Provider
    server: list[Input]
    certificate: list[Input]
    more: list[Input]
    password: Input
    fixed: str
    errors: Mapping[str, str]

    @property
    def unusable(self) -> bool:
        """True when the provider takes no kind of sign-in that this protocol offers; the form says so before anybody tries."""
        return bool(self.provider.fixes) and not self.provider.usable(self.protocol)

    @property
    def opens_certificate(self) -> bool:
        """True when the fold must not hide something that matters."""
        return any(one.error or one.value for one in self.certificate)

    @property
    def opens_more(self) -> bool:
        return any(one.error for one in self.more)


def build(
    known: Mapping[str, Protocol], values: Mapping[str, Any], errors: Mapping[str, str], row: Reachable | None
) -> ConnectionForm:
    """The form of these values: what was typed, else what is stored, else what is usual."""
    protocol = known.get(str(values.get("connector") or (row.connector if row else ""))) or _first(known)
    provider = _provider(str(values.get("preset") or (row.preset if row else "custom")))
    fixes = provider.fixes.get(protocol.name, {})
    settings = {**(row.settings if row else {}), **values.get("settings", {})}
    inputs = {
        one.name: from_setting(one, settings.get(one.name), errors.get(PREFIX + one.name, ""))
        for one in protocol.settings
        if one.name not in fixes
    }
    return ConnectionForm(
        protocols=list(known.values()),
        protocol=protocol,
        providers=[one for one in protocols.providers() if protocol.name in one.fixes or not one.fixes],
        provider=provider,
        server=[inputs.pop(name) for name in FIRST if name in inputs],
        certificate=[inputs.pop(name) for name in CERTIFICATE if name in inputs],
        more=list(inputs.values()),
        password=_password(errors, row, protocol),
        fixed=_words(fixes),
        errors=errors,
    )


def typed_connection(post: QueryDict, known: Mapping[str, Protocol]) -> dict[str, Any]:
    """The connection of a submitted form, as the actions take it."""
    protocol = known.get(post.get("connector", "")) or _first(known)
    provider = _provider(post.get("preset", "custom"))
    fixes = provider.fixes.get(protocol.name, {})
    names = [one.name for one in protocol.settings if PREFIX + one.name in post and one.name not in fixes]
    settings = {**fixes, **{name: post.get(PREFIX + name, "") for name in names}}
    return {
        "connector": protocol.name,
        "preset": provider.name,
        "settings": settings,
        "password": post.get("password", ""),
    }


def after_choice(values: dict[str, Any], known: Mapping[str, Protocol]) -> dict[str, Any]:
    """The values after another provider or protocol was chosen: a port that is another protocol's becomes this one's."""
    defaults = {name: _default(one, "port") for name, one in known.items()}
    settings = dict(values["settings"])
    others = {str(port) for name, port in defaults.items() if name != values["connector"]}
    if str(settings.get("port", "")) in others:
        settings["port"] = defaults[values["connector"]]
    return {**values, "settings": settings}


def suggested(values: dict[str, Any]) -> dict[str, Any] | None:
    """The values with the provider that the typed address suggests; None when there is nothing to change.

    A server that was named already is left alone.
    """
    guess = protocols.guess_provider(str(values.get("address", "")))
    if guess == values["preset"] or guess == "custom" or values["settings"].get("host"):
        return None
    return {**values, "preset": guess}


def _password(errors: Mapping[str, str], row: Reachable | None, protocol: Protocol) -> Input:
    kept = bool(row and row.secret_sealed)
    help = (
        "Stored encrypted and never shown again. Leave it empty to keep it."
        if kept
        else "Stored encrypted, never shown again."
    )
    asks = next((one for one in protocol.settings if one.name == "sign_in"), None)
    shown_if = (PREFIX + "sign_in", ("password",)) if asks else None
    return Input(
        name="password",
        label="Password",
        type="password",
        help=help,
        error=errors.get("password", ""),
        autocomplete="new-password",
        shown_if=shown_if,
    )


def _provider(name: str) -> Provider:
    found = protocols.providers()
    return next((one for one in found if one.name == name), found[-1])


def _first(known: Mapping[str, Protocol]) -> Protocol:
    return known.get("imap") or known.get("smtp") or next(iter(known.values()))


def _default(protocol: Protocol, name: str) -> Any:
    return next((one.default for one in protocol.settings if one.name == name), None)


def _words(fixes: Mapping[str, Any]) -> str:
    """What the provider fixes, in one line: imap.example.com:993, TLS."""
    if not fixes:
        return ""
    security = {"tls": "TLS", "starttls": "STARTTLS", "none": "not encrypted"}.get(
        str(fixes.get("security")), ""
    )
    return ", ".join(part for part in (f"{fixes.get('host')}:{fixes.get('port')}", security) if part)
