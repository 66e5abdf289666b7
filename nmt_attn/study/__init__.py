"""From translations to results: hypotheses, scores, tables. Imports neither torch nor fairseq."""
