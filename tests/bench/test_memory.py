"""Peak memory is measured in a process of its own."""

import pytest

from nmt_attn.bench.memory import peak_growth
from nmt_attn.bench.module import Setting
from nmt_attn.bench.names import FAIRSEQ, Ours
from nmt_attn.spec import Site, SpecError


@pytest.mark.parametrize("contender", [FAIRSEQ, Ours("1111")])
def test_the_peak_grows_with_the_batch(contender: str | Ours) -> None:
    small, large = (Setting(Site.ENCODER_SELF, tokens, dim=64, heads=4) for tokens in (1_024, 16_384))
    first, second = peak_growth(contender, small, 64), peak_growth(contender, large, 64)
    assert 0 < first < second
    assert second > 16_384 * 64 * 4  # one tensor of the size of the output


def test_what_fails_is_told() -> None:
    with pytest.raises(SpecError, match="^the memory of nobody at length 8 cannot be measured: exit 1$"):
        peak_growth("nobody", Setting(Site.ENCODER_SELF, 64, dim=8, heads=2), 8)
