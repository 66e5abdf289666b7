"""The figures of a study's report, a kind a file; nmt_attn.study.figures offers them all."""
