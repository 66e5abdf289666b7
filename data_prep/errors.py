"""The one error of data preparation."""


class DataError(Exception):
    """What must be what, and how to mend it, in one line."""
