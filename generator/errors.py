"""What ends a command with one message and without a traceback."""

from __future__ import annotations


class InputError(Exception):
    """What a command was given, or what it asked, is of no use; the text says what and why."""
