"""Models and batches of the benchmarks are fairseq's."""

import torch

from nmt_attn.bench.decoding import emitted
from nmt_attn.bench.translation import (
    Setting,
    build_model,
    configuration,
    make_batches,
    make_task,
    random_text,
    stock_command,
)

SETTING = Setting(tokens=120, vocabulary=20)


def test_stock_has_the_sizes_of_ours() -> None:
    arch, layers, dim = "nmt_attn_tiny_self0010", 3, 128
    task = make_task(SETTING)
    models = []
    for command in (stock_command([arch]), arch):
        cfg = configuration(command, SETTING, task)
        models.append(build_model(task, cfg, command))
    for model in models:
        for side in (model.encoder, model.decoder):
            assert len(side.layers) == layers
            assert side.layers[0].fc1.weight.shape == (2 * dim, dim)
        assert model.decoder.output_projection.weight is model.encoder.embed_tokens.weight
    assert models[0].encoder.layers[0].self_attn.num_heads == models[1].encoder.layers[0].self_attn.spec.heads


def test_batches_are_the_same_every_time_and_within_the_limit() -> None:
    task = make_task(SETTING)
    first, second = (make_batches(task, SETTING, "train", 4) for _ in range(2))
    assert len(first) == 4
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one["target"], other["target"])
        assert one["net_input"]["src_tokens"].numel() <= SETTING.tokens
        assert one["target"].numel() <= SETTING.tokens


def test_lengths_of_random_text_spread() -> None:
    text = random_text(make_task(SETTING).source_dictionary, 500)
    lengths = torch.tensor(text.src_sizes, dtype=torch.float)
    assert 18 <= lengths.median() <= 24
    assert lengths.min() < 10
    assert lengths.max() > 50
    ratios = torch.tensor(text.tgt_sizes) / lengths
    assert 0.1 < ratios.std() < 0.25


def test_a_batch_emits_its_width_and_the_end_of_each_sentence() -> None:
    assert emitted({"net_input": {"src_tokens": torch.zeros(3, 7)}}) == 24
