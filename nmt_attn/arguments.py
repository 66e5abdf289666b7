"""Types of command-line arguments. Standard library only."""

import argparse


def positive(text: str) -> int:
    """A whole number from 1 on."""
    if not text.isascii() or not text.isdigit() or len(text) > 18 or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text[:20]!r}")
    return int(text)


def number_range(text: str) -> tuple[int, int]:
    """Two whole numbers, LOW-HIGH, or one for both."""
    low, dash, high = text.partition("-")
    try:
        numbers = positive(low), positive(high if dash else low)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"must be two whole numbers, LOW-HIGH, not {text[:20]!r}") from None
    return numbers
