"""Architectures in words: what each site computes, what it owns and what it costs. Standard library only."""

from collections.abc import Mapping, Sequence

from nmt_attn import notation
from nmt_attn.analysis.cost import Workload, mixer_cost, preset_cost, site_lengths, site_specs
from nmt_attn.presets import PRESETS, SIZES, Preset
from nmt_attn.spec import AttentionSpec, ChainSpec, Convolution, ConvolutionSpec, MixerSpec, Positions, Site

FORMULAS = {
    "query_key": "E1 query-key content                  (U z_q) . (V^C x_k)",
    "query_position": "E2 query content x relative position  (U z_q) . (V^R R_{k-q})",
    "key": "E3 key content                        u . (V^C x_k)",
    "position": "E4 relative position                  v . (V^R R_{k-q})",
}
KEY_POSITION = "E5 key content x relative position    (V^C x_k) . (U^R R_{q-k})"
SHAW = {
    "query_position": "E2 query content x relative position  (U z_q) . a_{k-q}, a learned vector a distance",
    "position": "E4 relative position                  v . a_{k-q}, a learned vector a distance",
}
PATTERN_LINES = {
    Positions.T5: "E4 relative position                  a learned number a head and bucket of distances",
    Positions.ALIBI: "E4 relative position                  -slope |k - q|, a slope a head",
    Positions.GAUSSIAN: "E4 relative position                  -(k - q - mu)^2 / 2, mu in turn over the heads",
    Positions.FIXED: "E4 position                           fixed patterns",
    Positions.SYNTHESIZER: "E4 position                           a learned number a head, query and key position",
}
CONVOLUTION_LINES = {
    Convolution.REGULAR: "sum over taps p of W_p x_{q+p}",
    Convolution.DEFORMABLE: "sum over taps p of W_p x(q + p + w_p . x_q), x interpolated between two keys",
    Convolution.LIGHT: "W_out [sum over taps p of softmax_p(l) x'_{q+p}], x' = GLU(W_in x), l learned, a head",
    Convolution.DYNAMIC: "W_out [sum over taps p of softmax_p(l) x'_{q+p}], x' = GLU(W_in x), l = V x'_q, a head",
}


def size_presets(size: str | None) -> list[Preset]:
    """The architectures of a size, or all."""
    return [preset for preset in PRESETS.values() if size is None or preset.size == SIZES[size]]


def arch_table(presets: Sequence[Preset], work: Workload, milliseconds: Mapping[str, float] | None = None) -> str:
    """A row an architecture: mixers, parameters, multiply-adds, these also relative to the size's 1111.

    milliseconds: measured time of the mixers, by name of the architecture, if there is one.
    """
    lines = [
        f"One forward pass of {work.source} source and {work.target} target tokens, "
        f"shared vocabulary of {work.vocabulary:,}; absolute positions none.",
        f"{'architecture':31}{'encoder self':>14}{'decoder self':>14}{'cross':>6}"
        f"{'parameters':>13}{'multiply-adds':>15}{'to 1111':>8}" + ("" if milliseconds is None else f"{'ms':>9}"),
    ]
    for preset in presets:
        cost = preset_cost(preset, work)
        ratio = cost.multiply_adds / preset_cost(Preset("", preset.size), work).multiply_adds
        lines.append(
            f"{preset.name:31}{preset.encoder_self:>14}{preset.decoder_self:>14}{preset.cross:>6}"
            f"{cost.parameters:>13,}{cost.multiply_adds:>15,}{ratio:>8.3f}"
            + ("" if milliseconds is None else f"{milliseconds[preset.name]:>9.1f}")
        )
    return "\n".join(lines)


def preset_text(preset: Preset, work: Workload) -> str:
    """Each site of an architecture: what it computes, what that costs in one layer."""
    size, total = preset.size, preset_cost(preset, work)
    parts = [
        f"{preset.name}: {size.layers}+{size.layers} layers, {size.dim} wide, {size.heads} heads, feed-forward "
        f"{size.ffn_dim}, dropout {size.dropout}, no absolute positions\n"
        f"{total.parameters:,} parameters and {total.multiply_adds:,} multiply-adds for one sentence pair of "
        f"{work.source} and {work.target} tokens with a shared vocabulary of {work.vocabulary:,}"
    ]
    for site in Site:
        layers: dict[MixerSpec, list[int]] = {}
        for layer, spec in enumerate(site_specs(preset, site)):
            layers.setdefault(spec, []).append(layer + 1)
        parts += [_site_text(spec, site, numbers, work) for spec, numbers in layers.items()]
    return "\n\n".join(parts)


def _site_text(spec: MixerSpec, site: Site, layers: list[int], work: Workload) -> str:
    cost = mixer_cost(spec, *site_lengths(site, work))
    which = f"layers {layers[0]} to {layers[-1]}" if len(layers) > 1 else f"layer {layers[0]}"
    lines = [f"{site.value}, {which}: {spec.text}" + (", keys up to the query" * site.is_causal)]
    parts: tuple[AttentionSpec | ConvolutionSpec, ...] = (
        (spec.first, spec.then) if isinstance(spec, ChainSpec) else (spec,)
    )
    for part in parts:
        lines += _attention_lines(part) if isinstance(part, AttentionSpec) else _convolution_lines(part)
    if isinstance(spec, ChainSpec):
        lines.append("  the attention reads x + the convolution, and the sum of both is the result")
    lines.append(f"  {cost.parameters:,} parameters and {cost.multiply_adds:,} multiply-adds a layer")
    return "\n".join(lines)


def _attention_lines(spec: AttentionSpec) -> list[str]:
    terms, heads, limit = spec.terms, spec.heads, spec.max_distance
    formulas = {name: FORMULAS[name] for name in terms.names}
    pattern = PATTERN_LINES.get(spec.positions) if terms.position else None
    if spec.positions is Positions.SHAW:
        formulas |= {name: text for name, text in SHAW.items() if name in formulas}
    if pattern is not None:
        del formulas["position"]
    if spec.key_position:
        formulas["key_position"] = KEY_POSITION
    lines = []
    if spec.positions is Positions.FIXED:
        fixed = heads - spec.content_heads
        lines.append(f"  softmax over keys; {fixed} heads: the first {min(fixed, 7)} of seven fixed patterns, in turn")
        if spec.content_heads:
            lines.append(f"  the other {spec.content_heads}: the sum, divided by sqrt({spec.head_size}), of")
    elif formulas:
        lines.append(f"  softmax over keys of the sum, divided by sqrt({spec.head_size}), of")
    elif pattern is not None:
        lines.append("  softmax over keys of")
    else:
        return ["  the mean of all values (no term: uniform weights)"]
    lines += [f"    {text}" for text in formulas.values()]
    if pattern is not None and spec.positions is not Positions.FIXED:
        lines += ["  plus, not divided,"] * bool(formulas) + [f"    {pattern}"]
    if limit is not None:
        what = (
            "a table of so many positions" if spec.positions is Positions.SYNTHESIZER else "farther counts as that far"
        )
        lines.append(f"  maximum distance {limit}: {what}")
    return lines


def _convolution_lines(spec: ConvolutionSpec) -> list[str]:
    return [f"  {CONVOLUTION_LINES[spec.kind]}", f"  taps {spec.taps[0]} to {spec.taps[-1]}"]


def mixers_text() -> str:
    """Every name of the notation: what it stands for and computes, in a layer of nmt_attn_base."""
    size = SIZES["base"]
    parts = [(notation.__doc__ or "").strip()]
    for name in notation.NAMES:
        (spec,) = notation.layer_specs(name, Site.ENCODER_SELF, 1, notation.Shape(size.dim, size.heads), name)
        lines = _attention_lines(spec) if isinstance(spec, AttentionSpec) else []
        lines = _convolution_lines(spec) if isinstance(spec, ConvolutionSpec) else lines
        parts.append("\n".join([f"{name}: {spec.text}", *lines]))
    return "\n\n".join(parts)
