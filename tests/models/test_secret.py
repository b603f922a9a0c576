"""Secrets: sealed to their row, opened with every key of the file, sealed with the first; no start without the right key."""

from __future__ import annotations

import base64
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from postroom.conf.deployment import deployment
from postroom.models import secret
from postroom.models.secret import KeyCheck, KeyMissing, make_key_file, message_key, seal, unseal, verify_key
from tests.desk import make_desk

PLACE = "post_channel|1|secret"
CANARY = "canary-4711-hunter2"
ROOT = Path(__file__).resolve().parents[2]


def key_line(name: str) -> str:
    return f"{name} {base64.b64encode(os.urandom(32)).decode()}\n"


@pytest.fixture
def key_file(tmp_path, monkeypatch):
    """A key file of the test's own."""
    path = tmp_path / "keys" / "secrets.key"
    monkeypatch.setattr(type(deployment), "key_file", property(lambda self: path))
    secret._keys.cache_clear()
    yield path
    monkeypatch.undo()
    secret._keys.cache_clear()


def write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    secret._keys.cache_clear()


@pytest.mark.requirement("SI-12")
def test_what_is_sealed_opens_only_in_its_own_place(key_file):
    make_key_file(key_file)
    sealed = seal(CANARY, place=PLACE)
    assert CANARY not in sealed
    assert unseal(sealed, place=PLACE) == CANARY
    assert seal(CANARY, place=PLACE) != sealed
    for other in ("post_channel|2|secret", "post_sender|1|secret", ""):
        with pytest.raises(KeyMissing):
            unseal(sealed, place=other)


@pytest.mark.django_db
def test_the_password_of_one_channel_does_not_open_in_another():
    one, other = make_desk().channel, make_desk().channel
    one.set_secret(CANARY)
    one.save()
    assert one.secret == CANARY
    other.secret_sealed = one.secret_sealed
    other.save()
    with pytest.raises(KeyMissing):
        _ = other.secret


@pytest.mark.parametrize("change", ["flip", "cut", "version", "key id", "junk"])
def test_what_was_changed_does_not_open(key_file, change):
    make_key_file(key_file)
    version, key_id, body = seal(CANARY, place=PLACE).split(".")
    raw = bytearray(base64.b64decode(body))
    raw[-1] ^= 1
    bad = {
        "flip": f"v1.{key_id}.{base64.b64encode(raw).decode()}", "cut": f"v1.{key_id}.{body[:-8]}", "version": f"v9.{key_id}.{body}",
        "key id": f"v1.k99.{body}", "junk": "not sealed at all",
    }[change]  # fmt: skip
    assert version == "v1"
    with pytest.raises(KeyMissing):
        unseal(bad, place=PLACE)


def test_the_first_key_seals_and_every_key_opens(key_file):
    old, new = key_line("k1"), key_line("k2")
    write(key_file, old)
    first, signature = seal(CANARY, place=PLACE), message_key()
    write(key_file, new + old)
    second = seal(CANARY, place=PLACE)
    assert (first.split(".")[1], second.split(".")[1]) == ("k1", "k2")
    assert unseal(first, place=PLACE) == unseal(second, place=PLACE) == CANARY
    assert message_key() == signature, "ids of messages that were sent before must still be known"
    write(key_file, new)
    assert unseal(second, place=PLACE) == CANARY
    with pytest.raises(KeyMissing, match="k1"):
        unseal(first, place=PLACE)


@pytest.mark.parametrize(
    "text", ["", "k1 short\n", "k1\n", "k1 " + base64.b64encode(b"x" * 31).decode(), "\x00\x01\x02", "k1 é"]
)
def test_a_damaged_key_file_is_told_in_words(key_file, text):
    write(key_file, text)
    with pytest.raises(KeyMissing, match="damaged"):
        seal(CANARY, place=PLACE)


def test_a_key_file_is_private_and_never_overwritten(key_file):
    make_key_file(key_file)
    assert key_file.stat().st_mode & 0o077 == 0
    before = key_file.read_bytes()
    with pytest.raises(FileExistsError):
        make_key_file(key_file)
    assert key_file.read_bytes() == before


@pytest.mark.requirement("SI-12")
@pytest.mark.django_db
def test_a_start_without_the_key_or_with_another_is_refused(key_file):
    KeyCheck.objects.all().delete()
    verify_key()
    verify_key()
    kept = key_file.read_text()
    key_file.unlink()
    secret._keys.cache_clear()
    with pytest.raises(KeyMissing, match="missing"):
        verify_key()
    assert not key_file.exists(), "a new key must not be made in place of the lost one"
    write(key_file, key_line("k1"))
    with pytest.raises(KeyMissing):
        verify_key()
    write(key_file, key_line("k2"))
    with pytest.raises(KeyMissing, match="k1"):
        verify_key()
    write(key_file, key_line("k2") + kept)
    verify_key()


@pytest.mark.requirement("SI-12")
def test_the_engine_does_not_start_without_the_key(tmp_path):
    environment = {**os.environ, "POSTROOM_HOME": str(tmp_path), "POSTROOM_DATABASE_URL": "", "PYTHONPATH": str(ROOT / "src"), "DJANGO_SETTINGS_MODULE": "postroom.conf.django"}  # fmt: skip
    prepare = "import django; django.setup(); from django.core.management import call_command; call_command('migrate', verbosity=0)\nfrom postroom.models.secret import verify_key; verify_key()"
    assert subprocess.run([sys.executable, "-c", prepare], env=environment, check=False).returncode == 0
    (tmp_path / "secrets.key").unlink()
    refused = subprocess.run(
        [sys.executable, "-m", "postroom", "engine"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode != 0
    said = refused.stdout + refused.stderr
    assert "secrets.key is missing" in said
    assert "Put the file back" in said
    assert not (tmp_path / "secrets.key").exists()


@pytest.mark.django_db
def test_a_secret_is_never_printed(caplog, capsys):
    desk = make_desk()
    with caplog.at_level(logging.DEBUG):
        desk.channel.set_secret(CANARY)
        desk.channel.save()
        logging.getLogger("postroom").debug(
            "channel %s %r %s", desk.channel, desk.channel, desk.channel.__dict__
        )
        try:
            unseal(desk.channel.secret_sealed, place="elsewhere")
        except KeyMissing as wrong:
            logging.getLogger("postroom").exception("refused: %s", wrong)
    printed = capsys.readouterr()
    assert CANARY not in caplog.text + printed.out + printed.err
    assert CANARY not in repr(desk.channel)
