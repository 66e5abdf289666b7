"""Controlled corpora: one question a file, words without meaning, alignments that are right by construction."""
