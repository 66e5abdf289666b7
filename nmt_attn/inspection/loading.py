"""A trained model with its dictionaries and subwords, ready to be looked into."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from fairseq import checkpoint_utils, utils
from fairseq.data import Dictionary
from fairseq.data.data_utils import infer_language_pair
from fairseq.tasks.translation import TranslationConfig, TranslationTask
from sentencepiece import SentencePieceProcessor
from torch import Tensor

import nmt_attn.models  # registers the architectures
from nmt_attn.inspection.facts import SentenceRecord
from nmt_attn.inspection.recording import MeanQueries, mean_queries, record_sites
from nmt_attn.inspection.translation import translate
from nmt_attn.models import checkpoints
from nmt_attn.models.record import RECORD
from nmt_attn.spec import SpecError

assert nmt_attn.models


@dataclass(frozen=True)
class Pair:
    """Source (s) and target (t) as numbers of the dictionaries, each with the end of the sentence at its end.

    generated: whether the target is the model's own translation.
    """

    source: Tensor
    target: Tensor
    generated: bool


@dataclass(frozen=True)
class Loaded:
    """A model in evaluation mode on the CPU. subwords: None if texts come as subwords, separated by spaces.

    A subword that the dictionary does not know is read, and shown, as <unk>.
    """

    model: Any
    source_dictionary: Dictionary
    target_dictionary: Dictionary
    subwords: SentencePieceProcessor | None

    def record(self, source: str, target: str | None) -> SentenceRecord:
        """What all sites do with a sentence pair; without a target, with the model's translation. As pair."""
        return self.read(self.pair(source, target))

    def records(self, sources: Sequence[str], targets: Sequence[str] | None) -> Iterator[SentenceRecord]:
        """The records of many, in their order, one after the other. Raises as pairs."""
        return (self.read(pair) for pair in self.pairs(sources, targets))

    def pair(self, source: str, target: str | None) -> Pair:
        """A sentence pair to read; without a target it is translated by beam search as in the recipes.

        Raises SpecError for an empty source, for a sentence longer than the model reads, and for text with a symbol
        that the dictionary keeps for itself. An empty target is one: the end of the sentence.
        """
        numbers = self._source(source)
        if target is None:
            return Pair(numbers, translate(self.model, self.target_dictionary, [numbers])[0], generated=True)
        wanted = self._numbers("target", target, self.target_dictionary, self.model.max_positions()[1])
        return Pair(numbers, wanted, generated=False)

    def translations(self, sources: Sequence[str]) -> list[str]:
        """Plain text, in the order of the sources. Raises SpecError as pair."""
        found = translate(self.model, self.target_dictionary, [self._source(source) for source in sources])
        return [self._text([self.target_dictionary[number] for number in each[:-1].tolist()]) for each in found]

    def pairs(self, sources: Sequence[str], targets: Sequence[str] | None) -> Iterator[Pair]:
        """The pairs of many, in their order, one after the other; targets: None to translate all.

        Raises SpecError for different numbers of sources and targets, and as pair with the sentence's number.
        """
        if targets is not None and len(sources) != len(targets):
            raise SpecError(f"there must be a target for each of the {len(sources)} sources, not {len(targets)}")
        return self._pairs(sources, [None] * len(sources) if targets is None else targets)

    def read(self, pair: Pair, means: MeanQueries | None = None) -> SentenceRecord:
        """What all sites do with a pair; means: mean queries to move between the terms, see attention.explained."""
        return SentenceRecord(
            source=tuple(self.source_dictionary[number] for number in pair.source[:-1].tolist()),
            target=tuple(self.target_dictionary[number] for number in pair.target[:-1].tolist()),
            generated=pair.generated,
            sites=record_sites(self.model, pair.source, pair.target, means),
        )

    def mean_queries(self, pairs: Iterable[Pair]) -> MeanQueries:
        """The mean query of each site, layer and head over all queries of these pairs."""
        return mean_queries(self.model, ((pair.source, pair.target) for pair in pairs))

    def _pairs(self, sources: Sequence[str], targets: Sequence[str | None]) -> Iterator[Pair]:
        for number, (source, target) in enumerate(zip(sources, targets, strict=True), 1):
            try:
                pair = self.pair(source, target)
            except SpecError as error:
                raise SpecError(f"sentence {number}: {error}") from None
            yield pair

    def _numbers(self, what: str, text: str, dictionary: Dictionary, longest: int) -> Tensor:
        pieces = text.split() if self.subwords is None else self.subwords.encode(text, out_type=str)
        numbers = [dictionary.index(piece) for piece in pieces]
        for piece, number in zip(pieces, numbers, strict=True):
            if number < dictionary.nspecial and number != dictionary.unk():
                raise SpecError(f"the {what} must not have the subword {piece}, a mark of the dictionary: remove it")
        if len(numbers) >= longest:
            raise SpecError(
                f"the {what} must have at most {longest - 1} subwords, for which the model has room, not {len(numbers)}"
            )
        return torch.tensor([*numbers, dictionary.eos()])

    def _source(self, text: str) -> Tensor:
        numbers = self._numbers("source", text, self.source_dictionary, self.model.max_positions()[0])
        if len(numbers) == 1:
            raise SpecError("the source must have at least one word, not none")
        return numbers

    def _text(self, pieces: Sequence[str]) -> str:
        """Subwords put together, as fairseq-generate --post-process sentencepiece does it."""
        if self.subwords is None:
            return " ".join(pieces)
        return "".join(pieces).replace("\u2581", " ").strip()


def load(checkpoint: Path, data: Path | None = None, subwords: Path | None = None, double: bool = False) -> Loaded:
    """The model in a checkpoint of fairseq-train, of one of our architectures.

    data: folder of fairseq-preprocess with the dictionaries (default: the one it was trained on). subwords: the
    SentencePiece model (default: DATA/../subwords/subwords.model, where the recipes have it; if there is none texts
    must come as subwords). double: compute in float64. Raises SpecError where these are missing, damaged or do not
    belong together, and as checkpoints.load.
    """
    state = checkpoints.load(checkpoint)
    arch = getattr(checkpoints.model_options(state), "arch", None)
    if not any(name.endswith(RECORD) for name in state["model"]):
        raise SpecError(
            f"the checkpoint must be of an nmt_attn architecture, but {checkpoint} holds {arch!r}: "
            "a stock fairseq transformer goes through nmt-attn convert first"
        )
    settings = _task_settings(state)
    folder = Path(utils.split_paths(str(settings.get("data", "")))[0]) if data is None else data
    task = _task(settings, folder)
    for side, dictionary in (("encoder", task.source_dictionary), ("decoder", task.target_dictionary)):
        name = f"{side}.embed_tokens.weight"
        if name not in state["model"]:
            raise SpecError(f"the checkpoint must be of a translation model, but {checkpoint} lacks {name}")
        embedded = len(state["model"][name])
        if len(dictionary) != embedded:
            raise SpecError(
                f"the dictionary of the {side} in {folder} must have the {embedded} symbols that the checkpoint was "
                f"trained with, not {len(dictionary)}: give the data of the training"
            )
    (model,), _ = checkpoint_utils.load_model_ensemble([str(checkpoint)], task=task)
    model = model.double().eval() if double else model.eval()
    return Loaded(model, task.source_dictionary, task.target_dictionary, _subwords(folder, subwords))


def _task_settings(state: dict[str, Any]) -> dict[str, Any]:
    """Data and languages of the training, from an old checkpoint (``args``) or a new one (``cfg``)."""
    if state.get("args"):
        settings, name = vars(state["args"]), state["args"].task
    else:
        settings = dict(state["cfg"].get("task") or {})
        name = settings.get("_name")
    if name != "translation":
        raise SpecError(f"the checkpoint must be of the task translation, not {name}")
    return settings


def _task(settings: dict[str, Any], folder: Path) -> TranslationTask:
    """The task with the dictionaries in a folder."""
    if not folder.is_dir():
        raise SpecError(f"the data must be a folder of fairseq-preprocess with dictionaries, but {folder} is none")
    languages = settings.get("source_lang"), settings.get("target_lang")
    if None in languages:  # fairseq-train took them from the names of the files
        languages = infer_language_pair(str(folder))
    if None in languages:
        raise SpecError(f"the data must have files of two languages, such as train.en-de.en.bin, but {folder} has none")
    dictionaries = []
    for language in languages:
        path = folder / f"dict.{language}.txt"
        if not path.is_file():
            raise SpecError(f"the data must have a dictionary of each language, but {path} does not exist")
        try:
            dictionaries.append(Dictionary.load(str(path)))
        except Exception as error:  # of any kind, as fairseq's reader raises them
            raise SpecError(f"the dictionary must be one of fairseq-preprocess, but {path} is damaged") from error
    return TranslationTask(TranslationConfig(), *dictionaries)


def _subwords(folder: Path, path: Path | None) -> SentencePieceProcessor | None:
    if path is None:
        path = folder.parent / "subwords" / "subwords.model"
        if not path.is_file():
            return None
    if not path.is_file():
        raise SpecError(f"the subwords must be a SentencePiece model, but {path} does not exist")
    try:
        return SentencePieceProcessor(model_file=str(path))
    except (RuntimeError, OSError) as error:
        raise SpecError(f"the subwords must be a SentencePiece model, but {path} is none") from error
