"""Parts of a sweep as files: the results as the compiled part writes them, data alone, with a digest.

A file is ``MAGIC``, a SHA-256 over the fingerprint of the sweep, the number of the part and the results, and the results.
"""

from __future__ import annotations

import hashlib

MAGIC = b"ergoseq shard 3\n"

_DIGEST = hashlib.sha256().digest_size


def shard_bytes(results: bytes, of: str, k: int) -> bytes:
    """The file of shard ``k`` of the sweep with the fingerprint ``of``."""
    return MAGIC + _digest(results, of, k) + results


def damaged_or_results(data: bytes, of: str, k: int) -> bytes | None:
    """The results that ``shard_bytes`` wrote; None where the bytes are others, or those of another shard or sweep."""
    start = len(MAGIC) + _DIGEST
    results = data[start:]
    whole = data[: len(MAGIC)] == MAGIC and data[len(MAGIC) : start] == _digest(results, of, k)
    return results if whole else None


def _digest(results: bytes, of: str, k: int) -> bytes:
    return hashlib.sha256(f"{of} {k}\n".encode() + results).digest()
