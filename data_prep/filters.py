"""Which training pairs are taken out, and why: one reason a pair, the first that applies."""

import re
from dataclasses import dataclass, replace

from data_prep.errors import DataError

SCRIPTS = {  # languages with one script of their own; text of another is not checked
    "latin": "af bs ca cs cy da de en eo es et eu fi fr ga gl hr hu id is it lb lt lv ms mt nb nl nn no pl pt ro "
    "sk sl sq sv sw tl tr vi",
    "cyrillic": "be bg ky mk mn ru tg uk",
    "greek": "el",
    "arabic": "ar fa ps ur",
    "hebrew": "he yi",
    "devanagari": "hi mr ne",
    "east asian": "ja ko zh",
}
LETTERS = {
    "latin": "A-Za-zªºÀ-ÖØ-öø-ʯḀ-ỿ",
    "cyrillic": "Ѐ-ԯ",
    "greek": "Ͱ-Ͽἀ-῿",
    "arabic": "؀-ۿݐ-ݿ",
    "hebrew": "֐-׿",
    "devanagari": "ऀ-ॿ",
    "east asian": "ᄀ-ᇿ々぀-ヿ㐀-䶿一-鿿가-힯",
}
CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ufffd]")
RESERVED = re.compile("<pad>|<s>|</s>|<unk>")  # symbols of fairseq's dictionary
SUBWORD = re.compile(r"▁|\S@@(?: |$)")  # SentencePiece, subword-nmt

REASONS = {
    "empty": "nothing on one side",
    "control": "control characters, line breaks inside a line, or U+FFFD for lost characters",
    "reserved": "symbols that fairseq's dictionary reserves, or marks of subwords",
    "identical": "source equals target",
    "script": "most letters are not of the language's script",
    "overlap": "the pair is in the development or a test set",
    "duplicate": "the pair came before",
    "length": "no or too many subwords on one side",
    "ratio": "one side has too many times the subwords of the other",
}
REQUIRED = {"empty", "control", "reserved"}  # such pairs would break the files or the vocabulary


@dataclass(frozen=True)
class Filters:
    """The reasons that are applied, and the limits of the last two, in subwords of one side (Moses' clean-corpus-n)."""

    reasons: tuple[str, ...] = tuple(REASONS)
    max_length: int = 250
    max_ratio: float = 1.5

    def without(self, reasons: str) -> "Filters":
        """All but these, separated by commas."""
        names = [name.strip() for name in reasons.split(",") if name.strip()]
        for name in names:
            if name not in REASONS or name in REQUIRED:
                free = ", ".join(reason for reason in REASONS if reason not in REQUIRED)
                raise DataError(f"a filter to leave out must be one of {free}, not {name}")
        kept = tuple(reason for reason in self.reasons if reason not in names)
        return replace(self, reasons=kept)


def script_of(language: str) -> str:
    """Name of the letters that a language ("zh", "zh_CN") is written with, "" if we do not know."""
    language = re.split("[-_]", language)[0]
    return next((script for script, languages in SCRIPTS.items() if language in languages.split()), "")


def broken(text: str) -> tuple[str, str] | None:
    """Why a line cannot be used as it is ("empty", "control" or "reserved"), and the place in it that says so."""
    if not text:
        return "empty", ""
    if match := CONTROL.search(text):
        return "control", match[0]
    if match := RESERVED.search(text) or SUBWORD.search(text):
        return "reserved", match[0]
    return None


def wrong_script(text: str, script: str) -> bool:
    """Whether less than half of the letters are of the script; a line without letters is not wrong."""
    if not script or (script == "latin" and text.isascii()):
        return False
    letters = "".join(filter(str.isalpha, text))
    return 2 * len(re.findall(f"[{LETTERS[script]}]", letters)) < len(letters)
