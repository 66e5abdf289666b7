"""How the plugin refuses bad input inside fairseq's commands."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from nmt_attn.spec import SpecError


@contextmanager
def refuses_in_one_line() -> Iterator[None]:
    """Turns a SpecError into one line on standard error and exit code 2, as argparse does for bad options.

    fairseq would show a traceback, or another message in the place of ours.
    """
    try:
        yield
    except SpecError as error:
        print(f"nmt_attn: error: {error}", file=sys.stderr)
        raise SystemExit(2) from error
