"""BLEU as the older literature gives it: on tokenised text, also with compounds split at the hyphen.

Such scores depend on the tokeniser and are no replacement for sacreBLEU's: they stand beside it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sacrebleu.metrics import BLEU

from nmt_attn.spec import SpecError

Tokenise = Callable[[str], str]


@dataclass(frozen=True)
class TokenisedScore:
    """BLEU of the tokenised texts in percent, the same after splitting compounds, and what tokenised them."""

    bleu: float
    compound_split_bleu: float
    tokeniser: str


def tokenised_score(
    hypotheses: Sequence[str], references: Sequence[str], language: str, lowercase: bool = False
) -> TokenisedScore:
    """Both sides tokenised as Moses does (not aggressive, nothing escaped), then BLEU of what stands between spaces.

    Raises SpecError if sacremoses is missing or does not know the language.
    """
    tokenise, name = moses_tokeniser(language)
    # Lower-cased before: the tokeniser looks at case to tell the end of a sentence from an abbreviation.
    texts = ([line.lower() for line in lines] if lowercase else lines for lines in (hypotheses, references))
    outputs, wanted = ([tokenise(line) for line in lines] for lines in texts)
    split_outputs, split_wanted = ([split_compounds(line) for line in lines] for lines in (outputs, wanted))
    return TokenisedScore(_bleu(outputs, wanted), _bleu(split_outputs, split_wanted), name)


def moses_tokeniser(language: str) -> tuple[Tokenise, str]:
    """The tokeniser of a language, given by its code, and what to call it in a result."""
    try:
        import sacremoses
        from sacremoses.corpus import NonbreakingPrefixes
    except ImportError:
        raise SpecError("sacremoses must be installed for --target-lang: pip install -e '.[moses]'") from None
    # It takes the rules of English for a language that it does not know, and a part of them for a language's full name.
    known = sorted(set(NonbreakingPrefixes().available_langs.values()))
    if language not in known:
        raise SpecError(
            f"--target-lang must be one of sacremoses' languages ({', '.join(known)}), not {language!r}: "
            "leave it out for any other"
        )
    moses = sacremoses.MosesTokenizer(lang=language)

    def tokenise(line: str) -> str:
        return " ".join(moses.tokenize(line, escape=False))

    return tokenise, f"sacremoses {sacremoses.__version__} {language}"


def split_compounds(line: str) -> str:
    """Spaces around a hyphen inside a word, as fairseq's compound_split_bleu.sh puts them."""
    return re.sub(r"(\S)-(\S)", r"\1 ##AT##-##AT## \2", line)


def _bleu(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    metric = BLEU(tokenize="none", force=True)  # force: no advice against tokenised text
    score: float = metric.corpus_score(list(hypotheses), [list(references)]).score
    return score
