"""The bridge to fairseq, the only part of the package that imports it.

fairseq imports this package by itself for ``--user-dir nmt_attn``; importing it registers all architectures and
the criterion, and replaces what fairseq's commands do where a result could be lost or wrong: saving, loading, the end
of a training, and the length limit of beam search.
"""

from nmt_attn.models import checkpoints, criterion, resuming, saving, search, training, transformer

checkpoints.allow_fairseq_globals()
saving.replace_saving()
resuming.replace_loading()
training.replace_training()
search.limit_by_own_length()

__all__ = ["checkpoints", "criterion", "transformer"]
