"""Errors that the command line prints as one message."""


class InputError(Exception):
    """Rules, tests, excuses or options that cannot be used; the text says which and why."""
