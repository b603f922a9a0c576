"""Finds the connectors: every module of this package that says NAME and has an Inbox or an Outbox. No list to edit."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType

import postroom.connectors as package
from postroom.connectors.base import Inbox, Outbox


@cache
def connectors() -> dict[str, ModuleType]:
    """The connector modules by NAME."""
    names = sorted(info.name for info in pkgutil.iter_modules(package.__path__))
    modules = [importlib.import_module(f"{package.__name__}.{name}") for name in names]
    return {module.NAME: module for module in modules if hasattr(module, "NAME")}


def labels() -> dict[str, str]:
    """What people call each connector, by NAME."""
    return {name: module.LABEL for name, module in connectors().items()}


def inboxes() -> dict[str, type[Inbox]]:
    """The classes that collect, by NAME."""
    return {name: m.Inbox for name, m in connectors().items() if _is(m, "Inbox", Inbox)}


def outboxes() -> dict[str, type[Outbox]]:
    """The classes that send, by NAME."""
    return {name: m.Outbox for name, m in connectors().items() if _is(m, "Outbox", Outbox)}


def _is(module: ModuleType, name: str, parent: type) -> bool:
    """A class of the module itself: an imported base class does not count."""
    found = getattr(module, name, None)
    return isinstance(found, type) and issubclass(found, parent) and found is not parent
