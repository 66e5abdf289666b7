"""Multi30k English-German, task 1 (Elliott, Frank, Sima'an and Specia 2016), raw text: 29,000 + 1,014 + 1,000 pairs.

    python -m data_prep.multi30k --out FOLDER [--source FOLDER_OR_ADDRESS]

Test set: test_2016_flickr. Without --source the six archives (1.8 MB) are downloaded. The data are for research use.
"""

import sys

from data_prep.command import run
from data_prep.corpus import Corpus, Side, Text
from data_prep.download import Archive
from data_prep.filters import Filters

URL = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw"
SHA256 = {
    "train.de.gz": "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6",
    "train.en.gz": "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f",
    "val.de.gz": "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a",
    "val.en.gz": "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28",
    "test_2016_flickr.de.gz": "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8",
    "test_2016_flickr.en.gz": "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
}


def _text(stem: str) -> Text:
    source, target = (Side(f"{stem}.{language}", f"{stem}.{language}.gz") for language in ("en", "de"))
    return Text(source, target)


MULTI30K = Corpus(
    name="multi30k",
    source_lang="en",
    target_lang="de",
    train=(_text("train"),),
    valid=(_text("val"),),
    tests={"test_2016_flickr": (_text("test_2016_flickr"),)},
    archives=tuple(Archive(name, (f"{URL}/{name}",), f"sha256:{checksum}") for name, checksum in SHA256.items()),
    filters=Filters().without("duplicate,ratio"),  # clean, and captions repeat: all pairs stay
    vocabulary=4000,
)

if __name__ == "__main__":
    sys.exit(run(MULTI30K, __doc__))
