"""The bridge to fairseq, the only part of the package that imports it.

fairseq imports this package by itself for ``--user-dir nmt_attn``; importing it registers all architectures and
the criterion, and replaces what fairseq's commands do where a result could be lost or wrong: saving, loading, the end
of a training, what is asked of the data, and the length limit of beam search.
"""

from nmt_attn.models import refusal
from nmt_attn.versions import check_versions

with refusal.refuses_in_one_line():
    check_versions()

from nmt_attn.models import checkpoints, criterion, resuming, saving, search, tasks, training, transformer

checkpoints.allow_fairseq_globals()
refusal.pass_on_exit_codes()
saving.replace_saving()
resuming.replace_loading()
training.replace_training()
tasks.check_data_first()
search.limit_by_own_length()

__all__ = ["checkpoints", "criterion", "transformer"]
