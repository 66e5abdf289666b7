"""Equation: three codes are what other people's attention computes."""

import pytest
import torch
from torch import nn
from torch.nn.functional import linear, scaled_dot_product_attention

from nmt_attn.spec import Site

from .cases import SITES, error, generator, gradients, make_inputs, make_mixer, make_padding, site_name

LENGTHS = (1, 2, 5, 17)


def randomise(module: nn.Module) -> None:
    with torch.no_grad():
        for number, parameter in enumerate(module.parameters()):
            noise = torch.randn(parameter.shape, generator=generator(number))
            parameter.copy_(noise / parameter.shape[-1] ** 0.5)


def as_lists(memory, padding, keys):
    """Pairs of sentences to compare: rows that have a real token (stock attention gives NaN elsewhere)."""
    if padding is None:
        return torch.ones(memory.shape[0], dtype=torch.bool)
    return (~padding[:, :keys]).any(dim=1)


@pytest.mark.parametrize("site", SITES, ids=site_name)
def test_code_1010_is_the_attention_of_fairseq_with_its_query_bias_as_saliency(site, record_property):
    attention = pytest.importorskip("fairseq.modules.multihead_attention").MultiheadAttention
    count = 0
    key_dim = 12 if site.is_self else 7
    theirs = attention(
        12,
        3,
        kdim=key_dim,
        vdim=key_dim,
        self_attention=site.is_self,
        encoder_decoder_attention=not site.is_self,
    )
    randomise(theirs)
    theirs = theirs.double().eval()
    ours = make_mixer("1010", site, 12, 3, key_dim)
    with torch.no_grad():
        ours.query_projection.weight.copy_(theirs.q_proj.weight)
        ours.key_projection.weight.copy_(theirs.k_proj.weight)
        ours.key_saliency.copy_(theirs.q_proj.bias.view(3, 4))
        ours.value_projection.weight.copy_(theirs.v_proj.weight)
        ours.output_projection.weight.copy_(theirs.out_proj.weight)
        folded = theirs.out_proj.weight @ theirs.v_proj.bias + theirs.out_proj.bias
        ours.output_projection.bias.copy_(folded)
    for length in LENGTHS:
        for kind in ("no", "right", "left"):
            if site.is_causal and kind == "left":
                continue  # a query before the first token: NaN in fairseq
            query, memory = make_inputs(site, 3, 6, length, 12, key_dim)
            padding = make_padding(kind, 3, length)
            rows = as_lists(memory, padding, length)
            query, memory = query[rows], memory[rows]
            memory = query if site.is_self else memory
            padding = None if padding is None else padding[rows]
            mask = None
            if site.is_causal:
                mask = torch.ones(length, length, dtype=torch.bool).triu(1)
            time_first = memory.transpose(0, 1)
            wanted, wanted_weights = theirs(
                query.transpose(0, 1),
                time_first,
                time_first,
                key_padding_mask=padding,
                attn_mask=mask,
                need_weights=True,
            )
            output, weights = ours(query, memory, padding=padding, need_weights=True)
            real = torch.ones(query.shape[:2], dtype=torch.bool)
            if site.is_self and padding is not None:
                real = ~padding
            assert error(output[real], wanted.transpose(0, 1)[real]) <= 1e-12
            assert error(weights.mean(dim=1)[real], wanted_weights[real]) <= 1e-12
            count += 1
    record_property("outside_oracles", count)


def test_code_1111_is_the_relative_position_attention_of_fairseq(record_property):
    theirs_module = pytest.importorskip("fairseq.modules.espnet_multihead_attention")
    table = pytest.importorskip("fairseq.modules.positional_encoding").RelPositionalEncoding
    dim, heads, count = 12, 3, 0
    theirs = theirs_module.RelPositionMultiHeadedAttention(dim, heads, 0.0)
    randomise(theirs)
    theirs = theirs.double().eval()
    ours = make_mixer("1111", Site.ENCODER_SELF, dim, heads)
    query_bias = theirs.linear_q.bias.view(heads, -1)
    with torch.no_grad():
        ours.query_projection.weight.copy_(theirs.linear_q.weight)
        ours.key_projection.weight.copy_(theirs.linear_k.weight)
        ours.value_projection.weight.copy_(theirs.linear_v.weight)
        ours.output_projection.weight.copy_(theirs.linear_out.weight)
        folded = theirs.linear_out.weight @ theirs.linear_v.bias + theirs.linear_out.bias
        ours.output_projection.bias.copy_(folded)
        ours.key_saliency.copy_(theirs.pos_bias_u + query_bias)
        ours.position_bias.copy_(theirs.pos_bias_v + query_bias)
        # Theirs takes q - k, sines at even and cosines at odd channels: the sine changes its sign.
        ours.position_projection.weight[:, : dim // 2] = -theirs.linear_pos.weight[:, 0::2]
        ours.position_projection.weight[:, dim // 2 :] = theirs.linear_pos.weight[:, 1::2]
    for length in LENGTHS:
        for kind in ("no", "right", "left"):
            query, _ = make_inputs(Site.ENCODER_SELF, 3, length, length, dim)
            padding = make_padding(kind, 3, length)
            rows = as_lists(query, padding, length)
            query, padding = query[rows], None if padding is None else padding[rows]
            time_first = query.transpose(0, 1)
            distances = table(length, dim)(time_first.float()).double()
            wanted, _ = theirs(time_first, time_first, time_first, distances, key_padding_mask=padding)
            output, weights = ours(query, query, padding=padding, need_weights=True)
            real = torch.ones(query.shape[:2], dtype=torch.bool) if padding is None else ~padding
            # Their table is made in float32.
            assert error(output[real], wanted.transpose(0, 1)[real]) <= 1e-6
            assert error(weights.transpose(1, 2)[real], theirs.attn.transpose(1, 2)[real]) <= 1e-6
            count += 1
    record_property("outside_oracles", count)


def torch_attention(mixer, query, memory, causal):
    """Code 1000 by torch's own attention."""

    def split(tensor):
        return tensor.unflatten(-1, (mixer.spec.heads, -1)).transpose(1, 2)

    mixed = scaled_dot_product_attention(
        split(linear(query, mixer.query_projection.weight)),
        split(linear(memory, mixer.key_projection.weight)),
        split(linear(memory, mixer.value_projection.weight)),
        is_causal=causal,
    )
    joined = mixed.transpose(1, 2).flatten(-2)
    return linear(joined, mixer.output_projection.weight, mixer.output_projection.bias)


@pytest.mark.parametrize("site", SITES, ids=site_name)
def test_code_1000_is_the_attention_of_torch_in_values_and_gradients(site, record_property):
    count = 0
    for length in LENGTHS:
        mixer = make_mixer("1000", site, 12, 3, 0 if site.is_self else 7)
        query, memory = make_inputs(site, 2, 6, length, 12, 0 if site.is_self else 7)
        direction = torch.randn(query.shape, dtype=query.dtype, generator=generator(5))
        ours = gradients(mixer, query, memory, lambda output, a=direction: (output * a).sum())

        mixer.zero_grad()
        query_leaf = query.clone().requires_grad_()
        memory_leaf = query_leaf if site.is_self else memory.clone().requires_grad_()
        wanted = torch_attention(mixer, query_leaf, memory_leaf, site.is_causal)
        (wanted * direction).sum().backward()

        assert error(mixer(query, memory)[0], wanted) <= 1e-12
        theirs = {"query": query_leaf, "memory": memory_leaf, **dict(mixer.named_parameters())}
        for name, gradient in ours.items():
            assert error(gradient, theirs[name].grad) <= 1e-12, name
        count += 1
    record_property("outside_oracles", count)
