"""Figures of what is seen inside a model: the heads of a layer (heads), all layers and heads at once (summary)."""
