"""Optional speed-ups of a training step around the attention: the same numbers up to rounding, in less time."""

from nmt_attn.engine.loss import count_correct, label_smoothed_loss
from nmt_attn.engine.products import FAST, FastLinear, fast_matmul, fast_products_pay, speed_up

__all__ = ["FAST", "FastLinear", "count_correct", "fast_matmul", "fast_products_pay", "label_smoothed_loss", "speed_up"]
