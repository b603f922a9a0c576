"""Finds the shared corpus of real letters and its facts. Not a copy of it: the corpus never enters this repository.

Looked for in POSTROOM_CORPUS, then in `shared/corpus` beside the checkout. Where it is missing, tests that need it are
skipped, unless CI=true: there it is a failure.
"""

import functools
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Sample:
    """One file of the corpus and what others assert about it."""

    path: Path
    kind: str
    source: str

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.source}/{self.path.name}"

    def read(self) -> bytes:
        return self.path.read_bytes()

    def expectations(self) -> list[dict[str, Any]]:
        facts = self.path.with_name(self.path.name + ".expected.json")
        return json.loads(facts.read_text(encoding="utf-8"))["expectations"] if facts.exists() else []

    def facts(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """(basis, facts) of every expectation."""
        for expectation in self.expectations():
            yield expectation["basis"], expectation["facts"]


def shared(name: str) -> Path | None:
    """The folder `name` of the shared material, or None."""
    places = [HERE.parent / "shared" / name]
    if name == "corpus" and os.environ.get("POSTROOM_CORPUS"):
        places.insert(0, Path(os.environ["POSTROOM_CORPUS"]))
    return next((place for place in places if place.is_dir()), None)


def need(name: str = "corpus") -> Path:
    """The folder, or skip the test; under CI=true its absence fails."""
    found = shared(name)
    if found is not None:
        return found
    if os.environ.get("CI") == "true":
        pytest.fail(f"shared/{name} is missing: set POSTROOM_CORPUS or put it beside the checkout")
    pytest.skip(f"shared/{name} is not here")


@functools.cache
def _samples(folder: Path) -> tuple[Sample, ...]:
    found = []
    for path in sorted(folder.glob("*/*/*")):
        if path.is_file() and not path.name.endswith((".expected.json", ".cases.json")):
            found.append(Sample(path, path.parts[-3], path.parts[-2]))
    return tuple(found)


def samples(*kinds: str) -> tuple[Sample, ...]:
    """Every file of the given kinds (all kinds if none given), in a fixed order."""
    everything = _samples(need())
    return tuple(sample for sample in everything if not kinds or sample.kind in kinds)
