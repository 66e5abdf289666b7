"""The counts of comparisons that tests/attention makes, at the end of any run."""

from tests.attention.conftest import pytest_terminal_summary

__all__ = ["pytest_terminal_summary"]
