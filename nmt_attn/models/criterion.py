"""fairseq's label-smoothed cross entropy without the logits of all tokens: engine/loss.py.

fairseq-train --user-dir nmt_attn --criterion fused_label_smoothed_cross_entropy, with the flags of its
label_smoothed_cross_entropy, for our architectures and fairseq's own Transformers.
"""

from typing import Any

from fairseq import utils
from fairseq.criterions import register_criterion
from fairseq.criterions.label_smoothed_cross_entropy import (
    LabelSmoothedCrossEntropyCriterion,
    LabelSmoothedCrossEntropyCriterionConfig,
)
from fairseq.models.transformer import TransformerDecoderBase
from torch import Tensor, nn

from nmt_attn.engine import FastLinear, count_correct, label_smoothed_loss
from nmt_attn.models.refusal import refuses_in_one_line
from nmt_attn.spec import SpecError

NAME = "fused_label_smoothed_cross_entropy"


@register_criterion(NAME, dataclass=LabelSmoothedCrossEntropyCriterionConfig)
class FusedLabelSmoothedCrossEntropyCriterion(LabelSmoothedCrossEntropyCriterion):
    """The model gives features; their projection to words, which must have no bias, is part of the loss.

    The output matrix so takes part outside the model's forward. Data parallelism waits for its gradient all the same,
    because it counts gradients in the backward pass; only its search for unused parameters would miss it.
    """

    def forward(self, model: nn.Module, sample: dict[str, Any], reduce: bool = True) -> tuple[Tensor, Any, dict]:
        if not reduce:  # a loss for each token: nothing to fuse
            return super().forward(model, sample, reduce)
        with refuses_in_one_line():
            projection = _output_projection(model)
        features = model(**sample["net_input"], features_only=True)[0][:, self.ignore_prefix_size :]
        target = sample["target"][:, self.ignore_prefix_size :].reshape(-1)
        operands = (features.reshape(len(target), -1), projection.weight, target)
        fast = isinstance(projection, FastLinear)
        loss, nll = label_smoothed_loss(*operands, self.eps, self.padding_idx, fast)
        sample_size = sample["target"].size(0) if self.sentence_avg else sample["ntokens"]
        logging_output = {
            "loss": loss.data,
            "nll_loss": nll.data,
            "ntokens": sample["ntokens"],
            "nsentences": sample["target"].size(0),
            "sample_size": sample_size,
        }
        if self.report_accuracy:
            correct, total = count_correct(*operands, self.padding_idx)
            logging_output |= {"n_correct": utils.item(correct), "total": utils.item(total)}
        return loss, sample_size, logging_output


def _output_projection(model: Any) -> nn.Linear:
    """The matrix from features to words; raises SpecError if the model, wrapped or not, makes words otherwise."""
    decoder = getattr(model, "decoder", None)
    kind: Any = type(decoder)
    if not isinstance(decoder, TransformerDecoderBase) or kind.output_layer is not TransformerDecoderBase.output_layer:
        raise SpecError(f"--criterion {NAME} must have a Transformer with fairseq's output layer, not {kind.__name__}")
    if decoder.adaptive_softmax is not None:
        raise SpecError(f"--criterion {NAME} must have a model without --adaptive-softmax-cutoff")
    projection: nn.Linear = decoder.output_projection
    if projection.bias is not None:
        raise SpecError(f"--criterion {NAME} must have an output projection without bias")
    if getattr(model, "find_unused_parameters", False) and projection.weight is not decoder.embed_tokens.weight:
        raise SpecError(
            f"--criterion {NAME} must have --share-decoder-input-output-embed to go with --find-unused-parameters"
        )
    return projection
