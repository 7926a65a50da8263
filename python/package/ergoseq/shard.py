"""Shards of a sweep as bytes: data alone, with a digest.

A shard is ``MAGIC``, a SHA-256 over the fingerprint of the sweep, the number of the shard and all that follows, the length of the
structure (8 bytes), the structure (JSON) and the numbers (float64). All numbers are little-endian. In the structure ``[n]`` stands
for the next ``n`` numbers as an array, ``null`` for the next number, and everything else for itself.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

MAGIC = b"ergoseq shard 2\n"

_DIGEST = hashlib.sha256().digest_size


def shard_bytes(answers: list[Any], of: str, k: int) -> bytes:
    """The answers of shard ``k`` of the sweep with the fingerprint ``of``."""
    numbers: list[Any] = []

    def number(x: float) -> Any:
        numbers.append([x])
        return None

    def array(x: Any) -> list[int]:
        numbers.append(x)
        return [len(x)]

    def structure(answer: Any) -> Any:
        if isinstance(answer, tuple):
            return list(answer)
        return {
            "params": [[name, number(x)] for name, x in answer["params"]],
            "summary": [[key, number(x)] for key, x in answer["summary"].items()],
            "marks": [
                [name, number(time), [[key, number(x)] for key, x in values.items()]]
                for name, time, values, _ in answer["marks"]
            ],
            "traces": [
                [name, number(start), array(time), [[key, array(x)] for key, x in values.items()]]
                for name, start, time, values in answer["traces"]
            ],
            "notes": answer["notes"],
            "methods": answer["methods"],
            "duration": number(answer["duration"]),
        }

    told = json.dumps([structure(answer) for answer in answers]).encode()
    values = np.concatenate(numbers) if numbers else np.empty(0)
    body = len(told).to_bytes(8, "little") + told + np.asarray(values, dtype="<f8").tobytes()
    return MAGIC + _digest(body, of, k) + body


def damaged_or_answers(data: bytes, of: str, k: int) -> list[Any] | None:
    """The answers that ``shard_bytes`` wrote; None where the bytes are others, or those of another shard or sweep."""
    start = len(MAGIC) + _DIGEST
    body = data[start:]
    if data[: len(MAGIC)] != MAGIC or data[len(MAGIC) : start] != _digest(body, of, k):
        return None
    length = int.from_bytes(body[:8], "little")
    values = np.frombuffer(body, dtype="<f8", offset=8 + length)
    at = 0

    def number(_: None) -> float:
        nonlocal at
        at += 1
        return float(values[at - 1])

    def array(length: list[int]) -> Any:
        nonlocal at
        at += length[0]
        return values[at - length[0] : at].astype(np.float64)

    def answer(told: Any) -> Any:
        if isinstance(told, list):
            return tuple(told)
        return {
            "params": [(name, number(x)) for name, x in told["params"]],
            "summary": {key: number(x) for key, x in told["summary"]},
            "marks": [
                (name, number(time), {key: number(x) for key, x in values}, None)
                for name, time, values in told["marks"]
            ],
            "traces": [
                (name, number(start), array(time), {key: array(x) for key, x in curves})
                for name, start, time, curves in told["traces"]
            ],
            "notes": told["notes"],
            "methods": told["methods"],
            "duration": number(told["duration"]),
        }

    # The order of evaluation is that of writing, so every number comes back to its place.
    return [answer(told) for told in json.loads(body[8 : 8 + length])]


def _digest(body: bytes, of: str, k: int) -> bytes:
    return hashlib.sha256(f"{of} {k}\n".encode() + body).digest()
