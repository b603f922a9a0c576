"""The documents say what the code does: options, commands, settings, states, events, tables, links and paths are compared with it."""

from __future__ import annotations

import argparse
import ast
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import load_command_class
from django.core.management.base import BaseCommand

import postroom
from postroom.connectors.registry import inboxes, outboxes
from postroom.mail.describe import describe_bytes
from postroom.models import (
    CaseState,
    Health,
    InteractionState,
    LetterState,
    OfferState,
    OutState,
    Presence,
    RecipientState,
)
from tests.layout.documents import REFERENCE, ROOT, TABLES, filled, first_cells, links, pages, sections

SOURCE = Path(postroom.__file__).parent
COMMANDS = sorted(path.stem for path in (SOURCE / "management" / "commands").glob("[a-z]*.py"))
STATES = (LetterState, CaseState, InteractionState, OfferState, OutState, RecipientState, Presence, Health)
LINE = re.compile(r"^\| ([0-9]+) \|.*\| ([^|]+) \|$", re.M)


@pytest.mark.parametrize("page", TABLES)
def test_tables_made_from_the_code_are_up_to_date(page: str) -> None:
    text = (REFERENCE / page).read_text(encoding="utf-8")
    assert text == filled(page, text), "run: python -m tests.layout.write_docs"


def test_every_protocol_has_its_settings_on_the_page() -> None:
    text = (REFERENCE / "connectors.md").read_text(encoding="utf-8")
    missing = [name for name in (*inboxes(), *outboxes()) if f"(`{name}`)" not in text]
    assert not missing, missing


def test_every_command_has_a_section_and_every_section_a_command() -> None:
    told = {
        heading.split("`")[1].split()[1]
        for heading in sections("commands.md")
        if heading.startswith("`postroom ")
    }
    assert told == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_of_a_command_are_the_ones_documented(name: str) -> None:
    command = load_command_class("postroom", name)
    assert isinstance(command, BaseCommand)
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)  # type: ignore[arg-type]
    real = {
        option for action in parser._actions for option in action.option_strings if option.startswith("--")
    } - {"--help"}
    section = next(
        text
        for heading, text in sections("commands.md").items()
        if heading.split("`")[1].split()[:2] == ["postroom", name]
    )
    assert set(re.findall(r"^\| `(--[a-z-]+)` \|", section, re.M)) == real


def test_the_fields_of_read_are_the_ones_documented() -> None:
    raw = b"Subject: x\nContent-Type: application/pdf\n\nx"
    described = describe_bytes(raw)
    assert first_cells("read.md", "fields of read") == list(described)
    text = (REFERENCE / "read.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `([a-z_0-9]+)` \|", text.split("### `attachments[]`")[1].split("###")[0], re.M)
    assert told == list(described["attachments"][0])


def test_the_defects_of_read_are_the_ones_the_reader_raises() -> None:
    raised = {"empty"}
    for path in (SOURCE / "mail").glob("*.py"):
        raised |= set(re.findall(r'flags\.add\("([a-z-]+)"\)', path.read_text()))
    text = (REFERENCE / "read.md").read_text(encoding="utf-8").split("### `defects`")[1]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", text, re.M)) == raised


@pytest.mark.parametrize("states", STATES, ids=lambda one: one.__name__)
def test_every_state_is_documented_with_its_label(states: type[LetterState]) -> None:
    text = (REFERENCE / "states.md").read_text(encoding="utf-8")
    inside = text.split(f"<!-- states of {states.__name__} -->")[1].split("<!-- end -->")[0]
    assert re.findall(r"^\| `([a-z-]+)` \| ([^|]*) \|", inside, re.M) == list(states.choices)


def test_every_kind_of_event_is_documented() -> None:
    literal, patterns = kinds_in_code()
    told = set(first_cells("events.md", "events"))
    assert literal <= told, sorted(literal - told)
    possible = {
        f"{noun}.{state}"
        for noun, states in {"letter": LetterState, "message": OutState, "offer": OfferState}.items()
        for state in states.values
    }
    possible |= {f"{noun}.{verb}" for noun in ("channel", "sender") for verb in ("health", "recovered")}
    assert patterns == {"letter.", "message.", "offer.", ".health", ".recovered"}
    assert told <= literal | possible, sorted(told - literal - possible)


def kinds_in_code() -> tuple[set[str], set[str]]:
    """Kinds of events written in the code: whole ones, and the fixed part of those that are put together."""
    literal: set[str] = set()
    patterns: set[str] = set()
    for room in ("actions", "flow", "engine"):
        for path in (SOURCE / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_kind(node.value):
                    literal.add(node.value)
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id == "record"
                ):
                    patterns |= _fixed(node.args[0])
                if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
                    patterns |= _fixed(node.value.elts[0])
    return literal, patterns


NOUNS = "letter|offer|interaction|case|note|message|presence|channel|sender|queue|disposition|person"


def _is_kind(text: str) -> bool:
    return re.fullmatch(rf"(?:{NOUNS})\.[a-z-]+", text) is not None


def _fixed(node: ast.expr) -> set[str]:
    if not isinstance(node, ast.JoinedStr):
        return set()
    text = "".join(str(piece.value) for piece in node.values if isinstance(piece, ast.Constant))
    return {text} if re.fullmatch(r"[a-z]*\.[a-z]*", text) else set()


def test_every_table_is_documented() -> None:
    real = {model._meta.db_table for model in apps.get_app_config("postroom").get_models()}
    assert set(first_cells("database.md", "tables")) == real


@pytest.mark.parametrize("page", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = [
        target
        for target in links(page)
        if target.partition("#")[0] and not (page.parent / target.partition("#")[0]).exists()
    ]
    assert not broken, broken


@pytest.mark.parametrize("page", ["standards.md", "quirks.md", "glossary.md"])
def test_files_named_are_there(page: str) -> None:
    named = re.findall(
        r"`([a-z_0-9]+/[a-z_0-9/]*(?:\.py)?)`", (ROOT / "docs" / page).read_text(encoding="utf-8")
    )
    assert named
    assert not [one for one in named if not (SOURCE / one).exists()]


def test_names_beside_a_file_are_in_it() -> None:
    """A quirk points to the function that copes."""
    wrong = []
    for line in (ROOT / "docs" / "quirks.md").read_text(encoding="utf-8").splitlines():
        source = ""
        for name in re.findall(r"`([^`]+)`", line.rpartition(" | ")[2]):
            if name.endswith(".py"):
                source = (SOURCE / name).read_text()
            elif not re.search(rf"\b{re.escape(name)}\b", source):
                wrong.append(name)
    assert not wrong, wrong


def test_standards_are_named_in_the_files_that_follow_them() -> None:
    rows = LINE.findall((ROOT / "docs" / "standards.md").read_text(encoding="utf-8"))
    assert len(rows) > 30
    silent = [
        f"{number}: {name}"
        for number, cell in rows
        for name in re.findall(r"`([^`]+)`", cell)
        if not re.search(rf"\b{number}\b", (SOURCE / name).read_text())
    ]
    assert not silent, silent


def test_every_package_to_run_has_its_reason() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = project.split("\ndependencies = [")[1].split("[project.scripts]")[0]
    names = set(re.findall(r'"([a-z0-9-]+)(?:\[[a-z,]+\])?[=<>]', block))
    text = (ROOT / "docs" / "decisions" / "dependencies.md").read_text(encoding="utf-8")
    assert names
    assert not [name for name in names if f"| {name} |" not in text]


def test_the_readme_has_exactly_two_make_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^ +make ([a-z-]+)", text, re.M) == ["run", "test"]


def test_no_document_names_this_machine_or_a_package_index() -> None:
    """A document is read elsewhere: paths of whoever wrote it, and the index they install from, say nothing there."""
    here = [str(place) for place in (ROOT, Path.home()) if len(place.parts) > 2]
    for page in pages():
        text = page.read_text(encoding="utf-8")
        assert not [place for place in here if place in text], page
        assert not re.search(r"\b(?:pypi\.org|pythonhosted\.org|registry\.npmjs\.org)\b", text), page
