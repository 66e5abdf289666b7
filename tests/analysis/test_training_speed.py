"""The time of an update, and costs of trained models."""

import torch

from nmt_attn.analysis.training_speed import update_seconds


def test_an_update_takes_longer_with_more_tokens_and_leaves_the_threads_as_they_were() -> None:
    before = torch.get_num_threads()
    short = update_seconds("nmt_attn_tiny", tokens=40, vocabulary=100, threads=1, updates=3)
    long = update_seconds("nmt_attn_tiny", tokens=4000, vocabulary=100, threads=1, updates=3)
    assert 0 < short < long
    assert torch.get_num_threads() == before
