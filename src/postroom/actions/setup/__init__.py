"""The desk as code: a setup file is applied to the desk, and the desk is written as a setup file. Not a backup: no letters, no secrets."""

from postroom.actions.setup.apply import apply_text
from postroom.actions.setup.export import export_text
from postroom.actions.setup.problems import Problem, SetupErrors

__all__ = ["Problem", "SetupErrors", "apply_text", "export_text"]
