"""Multi30k English-German, task 1 (Elliott, Frank, Sima'an and Specia 2016): the raw text as plain files.

    python data_prep/multi30k.py --out FOLDER [--source FOLDER_OR_URL]

Writes train, valid and test (test_2016_flickr), .en and .de, into FOLDER. Without --source the six archives are
downloaded (1.8 MB), by curl, which resumes; each is checked against its sha256. The data are for research use.
"""

import argparse
import gzip
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

URL = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw"
NAMES = {"train": "train", "valid": "val", "test": "test_2016_flickr"}
SHA256 = {
    "train.de.gz": "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6",
    "train.en.gz": "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f",
    "val.de.gz": "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a",
    "val.en.gz": "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28",
    "test_2016_flickr.de.gz": "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8",
    "test_2016_flickr.en.gz": "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
}


class DataError(Exception):
    """What is wrong with the data, and how to mend it, in one sentence."""


def prepare(out: Path, source: str) -> None:
    """Fetches, checks and unpacks what is not there yet. Raises DataError."""
    out.mkdir(parents=True, exist_ok=True)
    for name, stem in NAMES.items():
        for language in ("en", "de"):
            target = out / f"{name}.{language}"
            if target.exists():
                continue
            archive = f"{stem}.{language}.gz"
            packed = fetch(archive, source or URL, out)
            check(packed)
            temporary = target.with_name(target.name + ".part")
            with gzip.open(packed) as stream, temporary.open("wb") as plain:
                shutil.copyfileobj(stream, plain)
            temporary.replace(target)


def fetch(archive: str, source: str, out: Path) -> Path:
    """The archive in a folder, or downloaded from an address to ``out``."""
    if "://" not in source:
        path = Path(source) / archive
        if not path.exists():
            raise DataError(f"MULTI30K must be a folder that holds {archive}, but {source} does not")
        return path
    path = out / archive
    if path.exists() and digest(path) == SHA256[archive]:
        return path
    command = ["curl", "--fail", "--location", "--retry", "5", "--continue-at", "-", "--progress-bar"]
    try:
        subprocess.run([*command, "--output", str(path), f"{source}/{archive}"], check=True)
    except FileNotFoundError:
        raise DataError("curl must be installed to download; or give the folder of the archives as MULTI30K") from None
    except subprocess.CalledProcessError as error:
        raise DataError(
            f"{source}/{archive} could not be downloaded (curl: {error.returncode}); call again to go on, or give the "
            "folder of the archives as MULTI30K"
        ) from None
    return path


def check(path: Path) -> None:
    if digest(path) != SHA256[path.name]:
        raise DataError(f"{path} must have sha256 {SHA256[path.name]}, but has {digest(path)}: remove and fetch again")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the plain text")
    parser.add_argument("--source", default="", help="folder or address of the archives")
    options = parser.parse_args()
    try:
        prepare(options.out, options.source)
    except (DataError, OSError) as error:
        print(f"multi30k: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
