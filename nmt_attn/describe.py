"""Architectures in words: what each site computes, what it owns and what it costs. Standard library only."""

from nmt_attn.analysis.cost import Cost, Workload, attention_cost, preset_cost
from nmt_attn.presets import PRESETS, Preset
from nmt_attn.spec import AttentionSpec, Site, Terms

FORMULAS = {
    "query_key": "E1 query-key content                  (U z_q) . (V^C x_k)",
    "query_position": "E2 query content x relative position  (U z_q) . (V^R R_{k-q})",
    "key": "E3 key content                        u . (V^C x_k)",
    "position": "E4 relative position                  v . (V^R R_{k-q})",
}


def arch_table(work: Workload, size: str | None = None) -> str:
    """A row an architecture: codes, parameters, multiply-adds, both also relative to the size's 1111."""
    lines = [
        f"One forward pass of {work.source} source and {work.target} target tokens, "
        f"shared vocabulary of {work.vocabulary:,}; absolute positions none.",
        f"{'architecture':28}{'self':>6}{'cross':>6}{'parameters':>14}{'multiply-adds':>16}{'to 1111':>9}",
    ]
    reference: dict[object, Cost] = {}
    for preset in PRESETS.values():
        cost = preset_cost(preset, work)
        reference.setdefault(preset.size, cost)
        if size is not None and not preset.name.startswith(f"nmt_attn_{size}"):
            continue
        ratio = cost.multiply_adds / reference[preset.size].multiply_adds
        lines.append(
            f"{preset.name:28}{preset.self_terms:>6}{preset.cross_terms:>6}{cost.parameters:>14,}"
            f"{cost.multiply_adds:>16,}{ratio:>9.3f}"
        )
    return "\n".join(lines)


def preset_text(preset: Preset, work: Workload) -> str:
    """Each site of an architecture: its terms, what it owns, its cost in one layer."""
    size, total = preset.size, preset_cost(preset, work)
    parts = [
        f"{preset.name}: {size.layers}+{size.layers} layers, {size.dim} wide, {size.heads} heads, feed-forward "
        f"{size.ffn_dim}, dropout {size.dropout}, no absolute positions\n"
        f"{total.parameters:,} parameters and {total.multiply_adds:,} multiply-adds for one sentence pair of "
        f"{work.source} and {work.target} tokens with a shared vocabulary of {work.vocabulary:,}"
    ]
    for site in Site:
        code = preset.self_terms if site.is_self else preset.cross_terms
        spec = AttentionSpec(site, Terms.parse(code), size.dim, size.heads)
        parts.append(_site_text(spec, work))
    return "\n\n".join(parts)


def _site_text(spec: AttentionSpec, work: Workload) -> str:
    terms = spec.terms
    queries = work.source if spec.site is Site.ENCODER_SELF else work.target
    keys = work.target if spec.site is Site.DECODER_SELF else work.source
    cost = attention_cost(spec, queries, keys)
    owned = ["W", "W'"]
    owned += ["U"] * terms.use_query + ["V^C"] * terms.use_key + ["V^R"] * terms.use_position
    owned += ["u"] * terms.key + ["v"] * terms.position
    lines = [f"{spec.site.value} attention, code {terms.code}" + (", keys up to the query" * spec.site.is_causal)]
    if not terms.names:
        lines.append("  the mean of all values (no term: uniform weights)")
    else:
        scale = f"sqrt({spec.head_size})"
        lines.append(f"  softmax over keys of the sum, divided by {scale}, of")
        lines += [f"    {FORMULAS[name]}" for name in terms.names]
    lines.append(
        f"  owns {', '.join(owned)}: {cost.parameters:,} parameters, {cost.multiply_adds:,} multiply-adds a layer"
    )
    return "\n".join(lines)
