"""What can be connected: protocols and providers as a form needs them. It changes nothing; the connectors themselves stay below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from postroom.conf.setting import Declared, declared
from postroom.connectors import presets, registry


@dataclass(frozen=True)
class Protocol:
    """One way to reach a server. `settings` are declared by the connector; what it cannot do, the form leaves out."""

    name: str
    label: str
    settings: Sequence[Declared]
    can_folders: bool = False
    can_mark: bool = False
    can_move: bool = False


@dataclass(frozen=True)
class Provider:
    """A known provider: what it fixes for each protocol, by setting, and what a person should know before."""

    name: str
    label: str
    note: str
    fixes: Mapping[str, Mapping[str, Any]]
    sign_ins: Sequence[str]

    def usable(self, protocol: Protocol) -> bool:
        """True when some kind of sign-in that works there is one this protocol offers."""
        offered = next((one.choices for one in protocol.settings if one.name == "sign_in"), ())
        return bool({value for value, _ in offered} & set(self.sign_ins))


def inboxes() -> dict[str, Protocol]:
    """Protocols that collect, by name."""
    labels = registry.labels()
    return {
        name: Protocol(
            name, labels[name], declared(kind.Settings), kind.can_folders, kind.can_mark, kind.can_move
        )
        for name, kind in registry.inboxes().items()
    }


def outboxes() -> dict[str, Protocol]:
    """Protocols that send, by name."""
    labels = registry.labels()
    return {
        name: Protocol(name, labels[name], declared(kind.Settings))
        for name, kind in registry.outboxes().items()
    }


def providers() -> list[Provider]:
    """Known providers in the order to show them; the last one fixes nothing."""
    return [Provider(one.name, one.label, one.note, one.fills, one.sign_ins) for one in presets.PRESETS]


def guess_provider(address: str) -> str:
    """The name of the provider an address suggests."""
    return presets.guess(address).name
