"""The bridge to fairseq, the only part of the package that imports it.

fairseq imports this package by itself for ``--user-dir nmt_attn``; importing it registers all architectures and
the criterion.
"""

from nmt_attn.models import checkpoints, criterion, transformer

checkpoints.allow_fairseq_globals()

__all__ = ["checkpoints", "criterion", "transformer"]
