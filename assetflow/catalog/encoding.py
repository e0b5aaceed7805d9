"""How values stand in columns: instants and durations as microseconds, digests as raw bytes, the rest as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

__all__ = ["clipped", "hexed", "instant", "json_text", "micros", "packed", "seconds", "span", "tag"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

#: Texts of failures are cut at this many characters: the whole is in the attempt's log.
LONGEST_TEXT = 65_536


def micros(at: datetime) -> int:
    """An instant as microseconds since 1970. A naive one is refused: its zone would be a guess."""
    if at.tzinfo is None:
        raise ValueError(f"{at!r} has no time zone")
    return (at - _EPOCH) // _MICROSECOND


def instant(value: int) -> datetime:
    """The instant in UTC."""
    return _EPOCH + timedelta(microseconds=value)


def span(value: float) -> int:
    """Seconds as microseconds."""
    return round(value * 1_000_000)


def seconds(value: int | None) -> float:
    """Microseconds as seconds; nothing as 0."""
    return 0.0 if value is None else value / 1_000_000


def packed(digest: str) -> bytes | None:
    """A hexadecimal digest as bytes; the empty one as null. Raises ValueError for what is not hexadecimal."""
    return bytes.fromhex(digest) if digest else None


def hexed(value: bytes | None) -> str:
    """Bytes as a hexadecimal digest; null as the empty one."""
    return value.hex() if value else ""


def tag(name: str) -> int:
    """A number that finds a long name by a short index; two names may have the same."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big") >> 1


_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


def json_text(value: object) -> str:
    """Compact JSON, keys as they come."""
    return _ENCODER.encode(value)


def clipped(text: str) -> str:
    """A text that any database takes: lone surrogates and NUL replaced, cut with a note when very long."""
    if len(text) > LONGEST_TEXT:
        text = f"{text[:LONGEST_TEXT]}\n… {len(text) - LONGEST_TEXT:,} more characters are in the log"
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
