"""Postroom: the email channel of a contact centre as one self-hosted product."""

__version__ = "0.1.0"
