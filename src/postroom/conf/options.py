"""The options of an installation: one line each. Environment first, then postroom.toml, then the default.

The environment name is POSTROOM_ and the option in capitals; POSTROOM_<NAME>_FILE reads the value from a file.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from postroom.conf.setting import SettingErrors, declared, parse, setting


@dataclass(frozen=True)
class Options:
    """Everything the operator of an installation may set outside the pages."""

    home: str = setting("Home", "", help="Folder of the database, the letters, the key and the log")
    database_url: str = setting(
        "Database", "", help="postgresql://user:password@host/name; empty is SQLite in the home"
    )
    secret_key: str = setting(
        "Web secret", "", secret=True, help="Signs sessions; empty makes one in the home"
    )
    key_file: str = setting(
        "Key file", "", help="Keys that encrypt stored passwords; empty is secrets.key in the home"
    )
    host: str = setting("Listen on", "127.0.0.1", help="Address the pages are served on")
    port: int = setting("Port", 8025, min=1, max=65535, help="Port the pages are served on")
    base_url: str = setting(
        "Public address", "", help="How people reach the pages; empty is http://host:port"
    )
    allowed_hosts: str = setting(
        "Host names", "", help="Comma separated; empty allows loopback and the public address"
    )
    node: str = setting("Node", "", help="Name of this host among several; channels may be pinned to it")
    log_level: str = setting(
        "Log level", "info", choices=(("debug", "debug"), ("info", "info"), ("warning", "warning"))
    )
    collect_workers: int = setting("Collectors", 8, min=1, max=64, help="Mailboxes read at the same time")
    send_workers: int = setting("Senders at work", 4, min=1, max=32, help="Messages sent at the same time")
    undo_seconds: int = setting(
        "Undo window", 10, min=0, max=30, help="Seconds a reply is held before it leaves"
    )
    upload_megabytes: int = setting(
        "Upload limit", 20, min=1, max=150, help="MB of attachments in one outgoing message"
    )
    letter_megabytes: int = setting(
        "Letter limit", 20, min=5, max=150, help="MB; the most a channel may allow for an incoming letter"
    )
    blob_segment_megabytes: int = setting(
        "Segment size", 256, min=1, max=4096, help="MB after which a new segment is begun"
    )


def load(environ: Mapping[str, str] = os.environ) -> Options:
    """Read the options. Raises SettingErrors for unknown keys and impossible values."""
    home = Path(environ.get("POSTROOM_HOME") or default_home(environ)).expanduser().absolute()
    values = _from_toml(home / "postroom.toml")
    for one in declared(Options):
        found = _from_environment(one.name, environ)
        if found is not None:
            values[one.name] = found
    values["home"] = str(home)
    return parse(Options, values)


def default_home(environ: Mapping[str, str]) -> str:
    """~/.local/share/postroom, or below XDG_DATA_HOME."""
    return str(Path(environ.get("XDG_DATA_HOME") or "~/.local/share") / "postroom")


def _from_environment(name: str, environ: Mapping[str, str]) -> str | None:
    variable = f"POSTROOM_{name.upper()}"
    if variable in environ:
        return environ[variable]
    path = environ.get(f"{variable}_FILE")
    # POSTROOM_KEY_FILE is an option of its own, not the file that holds an option `key`.
    return Path(path).read_text().strip() if path else None


def _from_toml(path: Path) -> dict[str, object]:
    if not path.exists():
        return {}
    try:
        return dict(tomllib.loads(path.read_text()))
    except tomllib.TOMLDecodeError as wrong:
        raise SettingErrors({path.name: f"This is not TOML: {wrong}"}) from None
