"""Patterns: published constraints on E4, the term of position alone, each a small file."""

from nmt_attn.attention.patterns.alibi import Alibi
from nmt_attn.attention.patterns.fixed import FixedPatterns
from nmt_attn.attention.patterns.gaussian import Gaussian
from nmt_attn.attention.patterns.pattern import Pattern
from nmt_attn.attention.patterns.synthesizer import Synthesizer
from nmt_attn.attention.patterns.t5 import T5Bias
from nmt_attn.spec import AttentionSpec, Positions

PATTERNS: dict[Positions, type[Pattern]] = {
    Positions.ALIBI: Alibi,
    Positions.FIXED: FixedPatterns,
    Positions.GAUSSIAN: Gaussian,
    Positions.SYNTHESIZER: Synthesizer,
    Positions.T5: T5Bias,
}


def build_pattern(spec: AttentionSpec) -> Pattern:
    return PATTERNS[spec.positions](spec)


__all__ = ["Pattern", "build_pattern"]
