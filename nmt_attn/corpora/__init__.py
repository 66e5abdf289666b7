"""Corpora that the toolkit makes or reads.

`fragment` generates an English-German corpus with word alignments that are right by construction.
"""
