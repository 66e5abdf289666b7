"""Looks inside trained models: attention weights, the terms of their logits, what is lost without each."""
