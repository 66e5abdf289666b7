"""WMT14 English-German: Europarl v7, Common Crawl, News Commentary v9; newstest2013 and newstest2014.

    python -m data_prep.wmt14_en_de --out FOLDER [--source FOLDER_OR_ADDRESS]

About 4.51 million training pairs; development newstest2013 (3,000); tests newstest2014, in full (sacreBLEU's
wmt14/full, 3,003) and as filtered for the task (wmt14, 2,737). Downloads 1.7 GB. The checksums of the training archives
are those of TensorFlow Datasets, the others sacreBLEU's.
"""

import sys

from data_prep.command import run
from data_prep.corpus import Corpus, in_archive
from data_prep.download import Archive

HOSTS = ("https://www.statmt.org", "https://statmt.org", "http://www.statmt.org")


def _archive(path: str, checksum: str, size: int = 0, name: str = "") -> Archive:
    urls = tuple(f"{host}/{path}" for host in HOSTS)
    return Archive(name or path.split("/")[-1], urls, checksum, size)


EUROPARL = _archive(
    "wmt13/training-parallel-europarl-v7.tgz",
    "sha256:0224c7c710c8a063dfd893b0cc0830202d61f4c75c17eb8e31836103d27d96e7",
    657_632_379,
)
COMMON_CRAWL = _archive(
    "wmt13/training-parallel-commoncrawl.tgz",
    "sha256:c7a74e2ea01ac6c920123108627e35278d4ccb5701e15428ffa34de86fa3a9e5",
    918_311_367,
)
NEWS_COMMENTARY = _archive(
    "wmt14/training-parallel-nc-v9.tgz",
    "sha256:cb8953f292298e6877ae433c98912b927cb0766b303f4540512ddd286c748485",
    80_418_416,
)
NEWSTEST2013 = _archive("wmt13/test.tgz", "md5:48eca5d02f637af44e85186847141f67", name="wmt13-test.tgz")
FULL = _archive("wmt14/test-full.tgz", "md5:a8cd784e006feb32ac6f3d9ec7eb389a", name="wmt14-test-full.tgz")
FILTERED = _archive("wmt14/test-filtered.tgz", "md5:84c597844c1542e29c2aff23aaee4310", name="wmt14-test-filtered.tgz")

WMT14_EN_DE = Corpus(
    name="wmt14_en_de",
    source_lang="en",
    target_lang="de",
    train=(
        in_archive(EUROPARL.name, "training/europarl-v7.de-en.en", "training/europarl-v7.de-en.de"),
        in_archive(COMMON_CRAWL.name, "commoncrawl.de-en.en", "commoncrawl.de-en.de"),
        in_archive(
            NEWS_COMMENTARY.name, "training/news-commentary-v9.de-en.en", "training/news-commentary-v9.de-en.de"
        ),
    ),
    valid=(in_archive(NEWSTEST2013.name, "test/newstest2013-src.en.sgm", "test/newstest2013-src.de.sgm"),),
    tests={
        "wmt14/full": (
            in_archive(FULL.name, "test-full/newstest2014-deen-src.en.sgm", "test-full/newstest2014-deen-ref.de.sgm"),
        ),
        "wmt14": (in_archive(FILTERED.name, "test/newstest2014-deen-src.en.sgm", "test/newstest2014-deen-ref.de.sgm"),),
    },
    archives=(EUROPARL, COMMON_CRAWL, NEWS_COMMENTARY, NEWSTEST2013, FULL, FILTERED),
    vocabulary=37_000,
    coverage=0.9999,  # Common Crawl has thousands of characters that neither language is written with
)

if __name__ == "__main__":
    sys.exit(run(WMT14_EN_DE, __doc__))
