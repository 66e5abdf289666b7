"""Study toolkit for spatial attention in neural machine translation, on fairseq."""

__version__ = "0.1.0"
