"""Peak memory is measured in a process of its own."""

import pytest

from nmt_attn.bench.memory import module_growth, training_growth
from nmt_attn.bench.module import Setting as ModuleSetting
from nmt_attn.bench.names import FAIRSEQ, Ours
from nmt_attn.bench.translation import Setting
from nmt_attn.spec import Site, SpecError


@pytest.mark.parametrize("contender", [FAIRSEQ, Ours("1111")])
def test_the_peak_grows_with_the_batch(contender: str | Ours) -> None:
    small, large = (ModuleSetting(Site.ENCODER_SELF, tokens, dim=64, heads=4) for tokens in (1_024, 16_384))
    first, second = module_growth(contender, small, 64), module_growth(contender, large, 64)
    assert 0 < first < second
    assert second > 16_384 * 64 * 4  # one tensor of the size of the output


def test_a_training_holds_its_parameters_four_times_and_more_with_a_larger_batch() -> None:
    small, large = (Setting(tokens=tokens, vocabulary=4_000) for tokens in (200, 4_000))
    first, second = (training_growth("nmt_attn_tiny", False, setting) for setting in (small, large))
    values = 4_004 * 128  # of the embeddings alone, each with a gradient and two moments of Adam
    assert 4 * 4 * values < first < second
    assert second - first > 4_000 * 4_004 * 4  # the probabilities of all words in the larger batch


def test_what_fails_is_told() -> None:
    with pytest.raises(SpecError, match="^the memory of nobody at length 8 cannot be measured: exit 1$"):
        module_growth("nobody", ModuleSetting(Site.ENCODER_SELF, 64, dim=8, heads=2), 8)
