"""Deformable convolution in one dimension: each tap looks where the query sends it.

    y_q = sum_m W_m x(q + p_m + w_m . x_q) + b          x(p) = sum_k G(k, p) x_k          G(k, p) = max(0, 1 - |k - p|)

W_m W'_m of the generalized formula (arXiv 1904.05873, equation 1) is one full matrix W_m here, as in Dai et al. 2017.
x(p) interpolates between the keys on both sides of p, and beyond the sentence it is zero. In the decoder p is first
held at or before q, so that both keys are. At a whole p the derivative is the one from the left, the only one that a
tap at the query itself has there: with the one from the right no such tap would ever leave its initial place. (At the
far end of a window it is the one from the right, for the same reason.)

Axes: b batch, t queries, s keys, k taps, c channels.
"""

import torch
from torch import Tensor, nn

from nmt_attn.attention.convolution import ConvolutionMixer
from nmt_attn.spec import ConvolutionSpec

MATRIX_LIMIT = 128  # keys up to which a matrix of interpolation weights is faster than fetching rows (CPU)


class DeformableConvolution(ConvolutionMixer):
    """offset_projection w (no bias, zero at first), output_projection W_m of all taps side by side."""

    def __init__(self, spec: ConvolutionSpec) -> None:
        super().__init__(spec)
        self.offset_projection = nn.Linear(spec.dim, len(spec.taps), bias=False)
        self.output_projection = nn.Linear(len(spec.taps) * spec.dim, spec.dim)
        nn.init.zeros_(self.offset_projection.weight)
        nn.init.xavier_uniform_(self.output_projection.weight)
        nn.init.zeros_(self.output_projection.bias)

    @property
    def reach(self) -> int | None:
        return self.spec.window

    def mix(self, new: Tensor, tokens: Tensor, start: int, need_weights: bool) -> tuple[Tensor, Tensor | None]:
        """As ConvolutionMixer.mix; weights: (b, k, t, s)."""
        keys, window = tokens.shape[1], self.spec.window
        queries = torch.arange(start, start + new.shape[1], device=new.device)[:, None]
        steps = self._displacements(new, queries, keys)
        before = steps.ceil() - 1 if window is None else (steps.ceil() - 1).clamp(min=-window)
        after = steps - before  # in [0, 1]: the share of the key at or after the point
        shares = torch.stack([1 - after, after], dim=-1).to(new.dtype)  # (b, t, k, 2)
        rows = before.nan_to_num().long() + queries
        rows = torch.stack([rows, rows + 1], dim=-1)
        sample = _by_matrix if keys <= MATRIX_LIMIT else _by_rows
        output = self.output_projection(sample(tokens, rows, shares).flatten(2))
        return output, _matrix(rows, shares, keys).transpose(1, 2) if need_weights else None

    def _displacements(self, x: Tensor, queries: Tensor, keys: int) -> Tensor:
        """p_m + w_m . x_q, held inside the sentence and the window: (b, t, k), float32 at least.

        Relative to the query, so that a float32 is as exact at the end of a long sentence as at its beginning.
        queries: (t, 1), their rows among the keys.
        """
        wide = torch.promote_types(x.dtype, torch.float32)
        taps = torch.arange(self.spec.taps[0], self.spec.taps[-1] + 1, device=x.device)
        steps = taps + self.offset_projection(x).to(wide)
        first, last = -1 - queries, torch.zeros_like(queries) if self.spec.site.is_causal else keys - queries
        if self.spec.window is not None:
            first, last = first.clamp(min=-self.spec.window), last.clamp(max=self.spec.window)
        steps = steps.clamp(min=first, max=last)  # which passes the gradient on at its ends
        return 0 * steps if self.spec.window == 0 else steps


def _matrix(rows: Tensor, shares: Tensor, keys: int) -> Tensor:
    """G as a matrix: rows and shares (b, t, k, 2) to (b, t, k, s); rows that do not exist count nothing."""
    columns = torch.where((rows < 0) | (rows >= keys), keys, rows)
    return shares.new_zeros(*rows.shape[:-1], keys + 1).scatter_add(-1, columns, shares)[..., :keys]


def _by_matrix(tokens: Tensor, rows: Tensor, shares: Tensor) -> Tensor:
    """x(p) as a product with G: tokens (b, s, c) to (b, t, k, c)."""
    matrix = _matrix(rows, shares, tokens.shape[1])
    return (matrix.flatten(1, 2) @ tokens).unflatten(1, matrix.shape[1:3])


def _by_rows(tokens: Tensor, rows: Tensor, shares: Tensor) -> Tensor:
    """x(p) from the two keys beside p, in time that does not grow with s for each query."""
    batch, keys, _ = tokens.shape
    inside = (rows >= 0) & (rows < keys)
    first = torch.arange(batch, device=rows.device)[:, None, None, None] * keys
    flat = (rows.clamp(0, keys - 1) + first).flatten()
    beside = tokens.flatten(0, 1).index_select(0, flat).unflatten(0, rows.shape)  # (b, t, k, 2, c)
    return (beside * (shares * inside)[..., None]).sum(dim=-2)
