"""Attention mechanisms in plain torch: one a file, all with the call signature of GeneralizedAttention."""

from nmt_attn.attention.cache import KeyValueCache
from nmt_attn.attention.generalized import GeneralizedAttention

__all__ = ["GeneralizedAttention", "KeyValueCache"]
