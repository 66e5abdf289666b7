"""What figures share: colours that colour-blind readers tell apart (Okabe and Ito 2008), subwords as labels, files."""

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from nmt_attn.spec import Site, SpecError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, SOFT, HIDDEN = "#1d2026", "#5b6270", "#d3d6db"
SITE_COLOURS: Mapping[Site, str] = {
    Site.ENCODER_SELF: "#0072B2",
    Site.DECODER_SELF: "#009E73",
    Site.CROSS: "#D55E00",
}
SITE_MARKERS: Mapping[Site, str] = {Site.ENCODER_SELF: "o", Site.DECODER_SELF: "s", Site.CROSS: "D"}
TERM_COLOURS: Mapping[str, str] = {
    "E1": "#D55E00",
    "E2": "#CC79A7",
    "E3": "#E69F00",
    "E4": "#0072B2",
    "pattern": "#8A8A8A",
}
TERM_NAMES: Mapping[str, str] = {
    "E1": "query and key content",
    "E2": "query content and position",
    "E3": "key content",
    "E4": "relative position",
    "pattern": "no term of the four",
}
CONVOLUTIONS = ("conv", "deform")
LONGEST = 18  # characters of a subword that a label shows
RESOLUTION = 110  # dots an inch of a png


def new_figure(width: float, height: float) -> "Figure":
    """An empty white figure on no screen, in inches; raises SpecError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise SpecError("figures must have matplotlib, which is missing: pip install 'nmt_attn[plot]'") from None
    return Figure(figsize=(width, height), facecolor="white")


def image_bytes(figure: "Figure", kind: str) -> bytes:
    """The figure as "png" or "svg": the same bytes at every drawing, without a date."""
    from matplotlib import rc_context

    if kind not in ("png", "svg"):
        raise SpecError(f"the kind of an image must be png or svg, not {kind!r}")
    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "nmt_attn"}):
        metadata = {"Date": None} if kind == "svg" else None
        figure.savefig(buffer, format=kind, dpi=RESOLUTION, facecolor="white", metadata=metadata)
    return buffer.getvalue()


def label(subword: str) -> str:
    """A subword on one line and not too long; ▁, SentencePiece's space before a word, as the thinner _."""
    text = "".join(letter if letter.isprintable() else "\ufffd" for letter in subword).replace("▁", "_")
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def head_word(mixer: str) -> str:
    """What the first axis of a mixer's weights counts: "tap" of a convolution, else "head"."""
    return "tap" if "+" not in mixer and mixer.split(":")[0] in CONVOLUTIONS else "head"


def head_number(head: int) -> int:
    """What a head is called: facts count heads from 0, as arrays do; people, from 1, as layers."""
    return head + 1


def centred(logits: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Logits (h, t, s) less the mean of their row over the keys that it sees, (t, s) or (h, t, s); NaN where hidden.

    Softmax gives the same weights with and without the mean. A logit that is not finite counts as hidden.
    """
    seen = visible & np.isfinite(logits)
    finite = np.where(seen, logits, 0.0)
    means = finite.sum(-1, keepdims=True) / np.maximum(seen.sum(-1, keepdims=True), 1)
    return np.where(seen, finite - means, np.nan)
