"""Secrets at rest: AES-256-GCM with key ids, bound to the row they belong to. The key is never in the database.

Sealed text is `v1.<key id>.<base64 of nonce and ciphertext>`; the associated data is table|row|field, so that a ciphertext
moved to another row does not open. The key file has one `<id> <base64 of 32 bytes>` per line; the first line seals, all open.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import models

from postroom.conf.deployment import deployment, write_private


class KeyMissing(RuntimeError):
    """The key file is not there, is damaged, or holds other keys than the ones this database was sealed with."""


class KeyCheck(models.Model):
    """A known text sealed at first start: proves at each later start that the right key file is in place."""

    sealed = models.TextField()

    class Meta:
        db_table = "post_keycheck"


CHECK_TEXT = "postroom key check"


def seal(text: str, *, place: str) -> str:
    """Encrypt `text` for one place (table|row|field); the empty text stays empty."""
    if not text:
        return ""
    key_id, key = next(iter(_keys().items()))
    nonce = os.urandom(12)
    sealed = nonce + AESGCM(key).encrypt(nonce, text.encode(), place.encode())
    return f"v1.{key_id}.{base64.b64encode(sealed).decode()}"


def unseal(sealed: str, *, place: str) -> str:
    """Decrypt. Raises KeyMissing if the key is unknown or the text was moved or changed."""
    if not sealed:
        return ""
    try:
        version, key_id, body = sealed.split(".", 2)
        if version != "v1":
            raise ValueError(version)
        blob = base64.b64decode(body, validate=True)
        return AESGCM(_keys()[key_id]).decrypt(blob[:12], blob[12:], place.encode()).decode()
    except KeyError:
        raise KeyMissing(
            f"The key {key_id!r} is not in {deployment.key_file}. Put the key file of this database back."
        ) from None
    except (ValueError, InvalidTag, binascii.Error):
        raise KeyMissing(
            f"A secret at {place} does not open with the keys in {deployment.key_file}."
        ) from None


def make_key_file(path: Path) -> None:
    """A new key file with one key; refuses to overwrite."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, f"k1 {base64.b64encode(os.urandom(32)).decode()}\n")
    _keys.cache_clear()


def message_key() -> bytes:
    """The key that signs Message-IDs: derived from the oldest stored key, so that it survives rotation."""
    return b"message-id|" + list(_keys().values())[-1]


def verify_key() -> None:
    """Called at start: makes the key at the very first start, and refuses to start later without the right one."""
    check = KeyCheck.objects.first()
    if check is None:
        if not deployment.key_file.exists():
            make_key_file(deployment.key_file)
        KeyCheck.objects.create(sealed=seal(CHECK_TEXT, place="check"))
        return
    if not deployment.key_file.exists():
        raise KeyMissing(
            f"The key file {deployment.key_file} is missing, and this database holds secrets sealed with it. "
            "Put the file back from your backup; it cannot be made anew."
        )
    if unseal(check.sealed, place="check") != CHECK_TEXT:
        raise KeyMissing(f"The key file {deployment.key_file} belongs to another database.")


@lru_cache(maxsize=1)
def _keys() -> dict[str, bytes]:
    path = deployment.key_file
    if not path.exists():
        raise KeyMissing(f"The key file {path} is missing.")
    keys: dict[str, bytes] = {}
    # A ValueError is a line that is not base64 or not text at all: the same damage as a key of the wrong length.
    with contextlib.suppress(ValueError):
        for line in path.read_text().splitlines():
            if line.strip():
                key_id, _, body = line.strip().partition(" ")
                keys[key_id] = b""
                keys[key_id] = base64.b64decode(body)
    if not keys or any(len(key) != 32 for key in keys.values()):
        raise KeyMissing(f"The key file {path} is damaged: each line is an id and 32 bytes in base64.")
    return keys
