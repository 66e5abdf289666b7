"""Loading a model to look into it, reading and translating with it, and what is refused in one line."""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
import torch
from fairseq.data import Dictionary
from fairseq.sequence_generator import SequenceGenerator

from nmt_attn.inspection.facts import END
from nmt_attn.inspection.loading import Loaded, load
from nmt_attn.models import checkpoints, convert
from nmt_attn.models.record import VOCABULARY
from nmt_attn.spec import Site, SpecError
from tests.models import toy

Save = Callable[..., Path]
SOURCE, TARGET = "w3 w1 w7 w1", "w5 w2 w9"


def _subwords(path: Path) -> Path:
    """A SentencePiece model that splits words into letters."""
    path.parent.mkdir(exist_ok=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["w1 w2 w3 w4"] * 20),
        model_prefix=str(path.with_suffix("")),
        model_type="char",
        vocab_size=9,
    )
    return path


def test_a_checkpoint_is_loaded_with_the_data_it_was_trained_on(saved: Save) -> None:
    loaded = load(saved())
    assert loaded.subwords is None
    assert not loaded.model.training
    record = loaded.record(SOURCE, TARGET)
    assert record.source == ("w3", "w1", "w7", "w1")
    assert record.target == ("w5", "w2", "w9")
    assert record.read == (END, "w5", "w2", "w9")
    assert not record.generated
    for site in record.sites:
        assert site.weights.shape[1:] == (len(record.query_labels(site.site)), len(record.key_labels(site.site)))


@pytest.mark.parametrize("positions", ["none", "learned"])
def test_the_same_numbers_as_in_training_come_out_of_it(saved: Save, positions: str) -> None:
    flags = ("--absolute-positions", positions)
    path = saved("nmt_attn_tiny", *flags)
    loaded = load(path, double=True)
    weights = next(site.weights for site in loaded.record(SOURCE, TARGET).sites if site.site is Site.CROSS)
    assert weights.dtype == np.float64
    model = toy.build("nmt_attn_tiny", *flags)
    model.load_state_dict(checkpoints.load(path)["model"])
    pair = loaded.pair(SOURCE, TARGET)
    sample = toy.batch([pair.source], [pair.target])
    extra = model.double()(**sample["net_input"], alignment_layer=0)[1]
    assert np.abs(weights.mean(axis=0) - extra["attn"][0][0].detach().numpy()).max() < 1e-7  # fairseq's are float32


def test_a_source_without_target_is_translated_and_read_with_its_translation(loaded: Loaded) -> None:
    record = loaded.record(SOURCE, None)
    assert record.generated
    again = loaded.record(SOURCE, " ".join(record.target))
    assert again.target == record.target
    assert not again.generated
    for one, other in zip(record.sites, again.sites, strict=True):
        assert (one.weights == other.weights).all()


def test_the_translation_is_that_of_the_recipes_beam_search(loaded: Loaded) -> None:
    for source in (SOURCE, "w1", "w9 w9 w2 w3 w4 w5"):
        pair = loaded.pair(source, None)
        batch = toy.batch([pair.source], [pair.source])
        generator = SequenceGenerator(
            [loaded.model], toy.dictionary(), beam_size=4, len_penalty=0.6, max_len_a=1, max_len_b=50
        )
        assert generator.generate([loaded.model], batch)[0][0]["tokens"].tolist() == pair.target.tolist()


def test_a_model_in_float64_translates_as_in_float32(saved: Save, loaded: Loaded) -> None:
    assert loaded.record(SOURCE, None).target == load(saved()).record(SOURCE, None).target


def test_many_sentences_come_in_their_order(loaded: Loaded) -> None:
    sources, targets = ["w1 w2", "w3", "w4 w5 w6"], ["w1", "w2 w3", ""]
    records = list(loaded.records(sources, targets))
    assert [" ".join(record.source) for record in records] == sources
    assert [" ".join(record.target) for record in records] == targets
    assert [record.generated for record in loaded.records(sources, None)] == [True] * 3


def test_unknown_subwords_stay_visible(loaded: Loaded) -> None:
    record = loaded.record("w1 cat w2", "dog")
    assert record.source == ("w1", "<unk>", "w2")
    assert record.target == ("<unk>",)


def test_a_model_of_other_mixers_is_loaded_and_translates(saved: Save) -> None:
    record = load(saved("nmt_attn_tiny", "--enc-self-attn-mixer", "conv,deform+0010")).record(SOURCE, None)
    assert [site.mixer for site in record.sites] == ["conv:kernel=3", "deform:kernel=3+0010", *["1111"] * 4]


def test_a_converted_stock_transformer_is_loaded_and_a_stock_one_is_told_how(saved: Save, tmp_path: Path) -> None:
    path = saved("transformer")
    with pytest.raises(SpecError, match="must be of an nmt_attn architecture, but .* holds 'transformer': .*convert"):
        load(path)
    convert.convert(path, tmp_path / "ours.pt")
    assert {site.mixer for site in load(tmp_path / "ours.pt").record(SOURCE, TARGET).sites} == {"1010"}


def test_an_old_checkpoint_with_args_is_loaded_too(saved: Save, data: Path) -> None:
    path = saved()
    state = checkpoints.load(path)
    cfg = state.pop("cfg")
    names = {"task": "translation", "data": f"{data}:elsewhere", "source_lang": "en", "target_lang": "de"}
    state["args"] = argparse.Namespace(**{**vars(cfg["model"]), **names})
    torch.save(state, path)
    assert load(path).record(SOURCE, TARGET).source == tuple(SOURCE.split())


def test_a_sentencepiece_model_beside_the_data_is_found_and_another_can_be_given(
    saved: Save, data: Path, tmp_path: Path
) -> None:
    path = saved()
    state = checkpoints.load(path)
    for side in ("encoder", "decoder"):  # as of a checkpoint from before it knew its dictionary
        del state["model"][f"{side}.{VOCABULARY}"]
    torch.save(state, path)
    elsewhere = _subwords(tmp_path / "mine" / "my.model")
    vocabulary = Dictionary()
    for piece in ("▁", "w", "1", "2"):
        vocabulary.add_symbol(piece)
    for number in range(16):
        vocabulary.add_symbol(f"x{number}")
    for language in ("en", "de"):
        vocabulary.save(str(data / f"dict.{language}.txt"))
    loaded = load(path, subwords=elsewhere)
    assert loaded.record("w1 w2", "w2 w3").source == ("▁", "w", "1", "▁", "w", "2")
    assert loaded.record("w1 w2", "w2 w3").target == ("▁", "w", "2", "▁", "w", "<unk>")
    assert load(path).subwords is None
    _subwords(data.parent / "subwords" / "subwords.model")
    assert load(path).record("w1", "w2").source == ("▁", "w", "1")


def test_languages_that_the_checkpoint_leaves_open_are_those_of_the_files(saved: Save, data: Path) -> None:
    path = saved(source_lang=None, target_lang=None)
    with pytest.raises(SpecError, match="files of two languages, such as train.en-de.en.bin, but .* has none"):
        load(path)
    (data / "train.en-de.en.bin").touch()
    assert load(path).record(SOURCE, TARGET).source == tuple(SOURCE.split())


def test_what_cannot_be_read_is_refused_in_one_line(saved: Save) -> None:
    loaded = load(saved("nmt_attn_tiny", "--max-source-positions", "5", "--max-target-positions", "4"))
    for source in ("", "  "):
        with pytest.raises(SpecError, match="the source must have at least one word, not none"):
            loaded.record(source, TARGET)
    assert len(loaded.record("w1 w1 w1 w1", "w1 w1 w1").source) == 4
    with pytest.raises(SpecError, match="the source must have at most 4 subwords, for which the model has room, not 5"):
        loaded.record("w1 w1 w1 w1 w1", TARGET)
    with pytest.raises(SpecError, match="the target must have at most 3 subwords, for which the model has room, not 4"):
        loaded.record("w1", "w1 w1 w1 w1")
    with pytest.raises(SpecError, match="the source must not have the subword <pad>, a mark of the dictionary"):
        loaded.record("w1 <pad>", TARGET)
    with pytest.raises(SpecError, match="there must be a target for each of the 2 sources, not 1"):
        loaded.records(["w1", "w2"], ["w1"])
    with pytest.raises(SpecError, match="sentence 2: the source must have at least one word, not none"):
        list(loaded.records(["w1", ""], None))


def test_data_that_does_not_fit_is_refused_in_one_line(saved: Save, data: Path, tmp_path: Path) -> None:
    path = saved()
    with pytest.raises(SpecError, match="must be a folder of fairseq-preprocess with dictionaries, but .*no is"):
        load(path, tmp_path / "no")
    with pytest.raises(SpecError, match=r"a dictionary of each language, but .*dict.en.txt does not exist"):
        load(path, tmp_path)
    with pytest.raises(SpecError, match="the checkpoint must be a file, but .* does not exist"):
        load(tmp_path / "no.pt")
    with pytest.raises(SpecError, match="the subwords must be a SentencePiece model, but .*no.model does not exist"):
        load(path, subwords=tmp_path / "no.model")
    (tmp_path / "bad.model").write_text("no model")
    with pytest.raises(SpecError, match="the subwords must be a SentencePiece model, but .*bad.model is none"):
        load(path, subwords=tmp_path / "bad.model")
    toy.dictionary(19).save(str(data / "dict.de.txt"))
    with pytest.raises(SpecError, match="the decoder in .* must have the 24 symbols that .* trained with, not 23"):
        load(path)
    (data / "dict.en.txt").write_text("no count\n")
    with pytest.raises(SpecError, match="dictionary must be one of fairseq-preprocess, but .*dict.en.txt is damaged"):
        load(path)


def test_a_checkpoint_of_another_task_is_refused(saved: Save) -> None:
    with pytest.raises(SpecError, match="must be of the task translation, not language_modeling"):
        load(saved(_name="language_modeling"))
