"""How long an update of training takes on this machine."""

import statistics
import time

import torch
from fairseq import options
from fairseq.criterions.label_smoothed_cross_entropy import LabelSmoothedCrossEntropyCriterion
from fairseq.data import Dictionary
from fairseq.tasks.translation import TranslationConfig, TranslationTask

import nmt_attn.models  # registers the architectures

assert nmt_attn.models

LENGTH = 20  # tokens of a sentence of either language


def update_seconds(
    arch: str, tokens: int, vocabulary: int, threads: int, cuda: bool = False, updates: int = 5
) -> float:
    """Median time of an update with ``tokens`` tokens of random text: forward, loss, backward, Adam; one more warms up.

    Reading data, checkpoints and validation are not in it.
    """
    parser = options.get_training_parser(default_task="translation")
    parsed = options.parse_args_and_arch(parser, ["data", "--arch", arch, "--share-all-embeddings"])
    dictionary = Dictionary()
    for number in range(vocabulary - len(dictionary)):
        dictionary.add_symbol(str(number))
    task = TranslationTask(TranslationConfig(), dictionary, dictionary)
    device = torch.device("cuda" if cuda else "cpu")
    model = task.build_model(parsed).to(device)
    criterion = LabelSmoothedCrossEntropyCriterion(task, sentence_avg=False, label_smoothing=0.1)
    optimizer = torch.optim.Adam(model.parameters())
    text = torch.randint(4, vocabulary, (3, max(1, tokens // LENGTH), LENGTH), device=device)
    lengths = torch.full((text.shape[1],), LENGTH, device=device)
    net_input = {"src_tokens": text[0], "src_lengths": lengths, "prev_output_tokens": text[1]}
    sample = {"net_input": net_input, "target": text[2], "ntokens": text[2].numel()}
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        seconds = [_update(model, criterion, optimizer, sample) for _ in range(updates + 1)]
    finally:
        torch.set_num_threads(before)
    return statistics.median(seconds[1:])


def _update(
    model: torch.nn.Module, criterion: torch.nn.Module, optimizer: torch.optim.Optimizer, sample: dict[str, object]
) -> float:
    start = time.perf_counter()
    optimizer.zero_grad()
    loss, *_ = criterion(model, sample)
    loss.backward()
    optimizer.step()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start
