"""fairseq's checkpoints written whole or not at all, under the names that fairseq gives them.

fairseq retries a failed write on the same file and makes checkpoint_last.pt and checkpoint_best.pt by a plain copy: a
kill or a full disk leaves files that exist and cannot be loaded.
"""

from pathlib import Path
from typing import Any

from fairseq import checkpoint_utils
from fairseq.file_io import PathManager

from nmt_attn.models import sealed

_fairseqs_save = checkpoint_utils.torch_persistent_save


def replace_saving() -> None:
    """From here on fairseq writes checkpoints by ``sealed``; those of iopath (remote, asynchronous) as before."""
    checkpoint_utils.torch_persistent_save = _save
    checkpoint_utils.PathManager = _Files


def _save(obj: Any, filename: str, async_write: bool = False) -> None:
    if async_write or not PathManager.supports_rename(filename):
        _fairseqs_save(obj, filename, async_write)
    else:
        sealed.write(obj, Path(filename))


class _Files(PathManager):
    @staticmethod
    def copy(src_path: str, dst_path: str, overwrite: bool = False) -> bool:
        if not PathManager.supports_rename(dst_path):
            return bool(PathManager.copy(src_path, dst_path, overwrite))
        sealed.copy(Path(src_path), Path(dst_path))
        return True
