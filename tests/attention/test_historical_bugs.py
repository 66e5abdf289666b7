"""Invariance: what holds of the whole and no test of a part shows; tests/mutants puts the bugs back that break it."""

import pytest
import torch
from fairseq.sequence_generator import SequenceGenerator
from torch import Tensor

from nmt_attn.spec import ALL_CODES, Site
from tests.models import toy

from .cases import error, generator, make_inputs, make_mixer, site_name

ARCHS = {
    "1111": ("nmt_attn_tiny",),
    "0010": ("nmt_attn_tiny_cross0010", "--dec-self-attn-mixer", "0010"),
    "every mixer": ("nmt_attn_tiny", *toy.EVERY_MIXER),
}


@pytest.mark.parametrize("count", [1, 6])
@pytest.mark.parametrize("name", ARCHS)
def test_the_scores_of_a_beam_search_are_those_of_its_hypotheses_read_at_once(name: str, count: int) -> None:
    """log p(y_i | y_1 ... y_{i-1}, x) of each token, although hypotheses change places and sentences end."""
    model, words = toy.build(*ARCHS[name], seed=2), toy.dictionary()

    def often_ends(module: torch.nn.Module, inputs: tuple[Tensor], logits: Tensor) -> Tensor:
        return logits + 1.5 * torch.nn.functional.one_hot(torch.tensor(words.eos()), len(words))

    model.decoder.output_projection.register_forward_hook(often_ends)
    sources = toy.sentences(6, 8)[:count]
    sample = toy.batch(sources, sources)
    found = SequenceGenerator([model], words, beam_size=4, max_len_a=0, max_len_b=12).generate([], sample)
    for row, hypotheses in enumerate(found):
        source = sources[sample["id"][row]]
        for hypothesis in hypotheses:
            tokens = hypothesis["tokens"]
            inputs = torch.cat([tokens[-1:], tokens[:-1]])  # the end-of-sentence symbol begins too
            with torch.no_grad():
                output = model(source[None], torch.tensor([len(source)]), inputs[None])
            wanted = model.get_normalized_probs(output, log_probs=True)[0].gather(1, tokens[:, None])[:, 0]
            torch.testing.assert_close(hypothesis["positional_scores"], wanted, rtol=0, atol=2e-5)
    longest = {max(len(hypothesis["tokens"]) for hypothesis in hypotheses) for hypotheses in found}
    assert (len(longest) > 1) == (count > 1), "some sentence must end before the others"


@pytest.mark.parametrize("site", [Site.DECODER_SELF, Site.CROSS], ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_rows_that_only_change_places_go_on_from_their_own_history(code: str, site: Site) -> None:
    """As many rows at each step, whatever cache the code has: nothing but the numbers can tell."""
    mixer, source = make_mixer(code, site), generator(int(code, 2))
    tokens, memory = make_inputs(Site.CROSS, 5, 8, 6)
    cache, history = mixer.new_cache(), tokens[:, :0]
    for t in range(8):
        order = torch.randint(5, (5,), generator=source)
        if t:
            cache.reorder(order)
            history, memory = history[order], memory[order]
        new = tokens[:, t : t + 1]
        history = torch.cat([history, new], dim=1)
        output, _ = mixer(new, new if site.is_self else memory, cache=cache)
        wanted, _ = mixer(history, history if site.is_self else memory)
        assert error(output[:, 0], wanted[:, -1]) <= 1e-12, t
