"""Content alone: torch's fused attention, which keeps no weights."""

from torch import Tensor, nn

from nmt_attn.attention.paths.call import PLAIN, Call, Factors, Products


def attend(factors: Factors, values: Tensor, call: Call, products: Products = PLAIN) -> Tensor:
    """Mixed values (b, h, t, d) of queries (b, h, t, d) and keys (b, h, s, d)."""
    assert factors.content is not None
    queries, keys = factors.content
    plain_causal = call.causal and call.start == 0 and call.window is None and call.padding is None
    mask = None if plain_causal else _mask(call, queries)
    return nn.functional.scaled_dot_product_attention(
        queries, keys, values, attn_mask=mask, dropout_p=call.dropout, is_causal=plain_causal, scale=1.0
    )


def _mask(call: Call, queries: Tensor) -> Tensor | None:
    """The visible keys; all of them for a query that has none, so that no NaN comes of it."""
    hidden = call.hidden(queries.device)
    if hidden is None:
        return None
    return (~hidden | hidden.all(dim=-1, keepdim=True)).expand(-1, -1, call.queries, -1)
