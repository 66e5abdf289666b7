"""IWSLT14 German-English, TED talks: one folder of data for both directions.

    python -m data_prep.iwslt14_de_en --out FOLDER [--source FOLDER_OR_ADDRESS]

As in fairseq's recipe: lower-cased, every 23rd training pair is development text, tests are dev2010, dev2012 and
tst2010 to tst2012 as one. The archive is fairseq's copy; its checksum stands in a public script that uses it.
"""

import sys

from data_prep.command import run
from data_prep.corpus import Corpus, Text, in_archive
from data_prep.download import Archive
from data_prep.filters import Filters

ARCHIVE = Archive(
    "de-en.tgz",
    (
        "https://dl.fbaipublicfiles.com/fairseq/data/iwslt14/de-en.tgz",
        "http://dl.fbaipublicfiles.com/fairseq/data/iwslt14/de-en.tgz",
    ),
    "md5:10936dfdf616504ddbd844e91b94ef4a",
)
TALKS = ("TED.dev2010", "TEDX.dev2012", "TED.tst2010", "TED.tst2011", "TED.tst2012")


def _talks(name: str) -> Text:
    return in_archive(ARCHIVE.name, f"de-en/IWSLT14.{name}.de-en.de.xml", f"de-en/IWSLT14.{name}.de-en.en.xml")


IWSLT14_DE_EN = Corpus(
    name="iwslt14_de_en",
    source_lang="de",
    target_lang="en",
    train=(in_archive(ARCHIVE.name, "de-en/train.tags.de-en.de", "de-en/train.tags.de-en.en"),),
    valid=(),
    tests={"iwslt14": tuple(map(_talks, TALKS))},
    archives=(ARCHIVE,),
    valid_every=23,
    lowercase=True,
    filters=Filters(max_length=175),
    vocabulary=10_000,
)

if __name__ == "__main__":
    sys.exit(run(IWSLT14_DE_EN, __doc__))
