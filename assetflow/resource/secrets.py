"""References to secrets. The text itself is read when it is used; nothing that is shown or stored holds it."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from assetflow.errors import UsageError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, ValidationInfo
    from pydantic_core import CoreSchema

__all__ = ["Secret", "masked"]

#: Shorter ones are refused: hiding every "a" would garble all output, and hide nothing.
SHORTEST = 4

_HIDDEN = "***"
_revealed: set[str] = set()


class Secret:
    """Where a secret is: ``Secret("SHOP_TOKEN")`` in an environment variable, ``Secret(file=...)`` in a file.

    In settings: ``token = { env = "SHOP_TOKEN" }`` or ``{ file = "secrets/token" }``, relative to the project.
    Equal references are equal. Neither ``repr`` nor JSON nor pickle hold more than the reference.
    """

    __slots__ = ("env", "file")

    def __init__(self, env: str | None = None, *, file: str | os.PathLike[str] | None = None) -> None:
        if bool(env) == bool(file):
            raise UsageError(
                "bad-secret", "a secret is in an environment variable or in a file", hint='write Secret("SHOP_TOKEN")'
            )
        self.env = env or ""
        self.file = "" if file is None else os.fspath(file)

    def reveal(self) -> str:
        """The secret itself, without the line end of a file. From now on :func:`masked` hides it.

        Raises UsageError ``missing-secret`` where nothing is there, ``short-secret`` below four characters.
        """
        text = self._read()
        if len(text) < SHORTEST:
            raise UsageError(
                "short-secret",
                f"the secret in {self._place} has fewer than {SHORTEST} characters",
                hint="so short a text cannot be hidden in logs; use a longer secret",
            )
        _revealed.update(_spellings(text))
        return text

    def _read(self) -> str:
        if self.env:
            if self.env not in os.environ:
                raise UsageError(
                    "missing-secret", f"{self._place} is not set", hint=f"set it before running: export {self.env}=…"
                )
            return os.environ[self.env]
        try:
            return Path(self.file).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError("missing-secret", f"{self._place} cannot be read: {error}") from None

    @property
    def _place(self) -> str:
        return f"the environment variable {self.env}" if self.env else f"the file {self.file}"

    def __repr__(self) -> str:
        return f"Secret(env={self.env!r})" if self.env else f"Secret(file={self.file!r})"

    def __str__(self) -> str:
        return _HIDDEN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (self.env, self.file) == (other.env, other.file)

    def __hash__(self) -> int:
        return hash((self.env, self.file))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema  # noqa: PLC0415  # pydantic asks for it, and is loaded by then

        return core_schema.with_info_plain_validator_function(
            _validated, serialization=core_schema.plain_serializer_function_ser_schema(str, when_used="always")
        )


def _validated(value: object, info: ValidationInfo) -> Secret:
    """A Secret from a reference. The refusal never repeats the value: it may be the secret itself."""
    if isinstance(value, Secret):
        return value
    if isinstance(value, dict) and len(value) == 1:
        ((kind, where),) = value.items()
        if kind in {"env", "file"} and isinstance(where, str) and where:
            if kind == "env":
                return Secret(where)
            root = (info.context or {}).get("root")
            return Secret(file=where if root is None else str(Path(root) / where))
    raise ValueError('a secret is never written out: name where it is, as { env = "NAME" } or { file = "PATH" }')


def _spellings(text: str) -> set[str]:
    """How a secret may stand in a text: as it is, in base64 (as basic authentication has it), in a URL, in a repr."""
    data = text.encode()
    coded = {base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()}
    return {text, quote(text, safe=""), repr(text)[1:-1], *coded, *(each.rstrip("=") for each in coded)}


def masked(text: str) -> str:
    """The text with every secret that this process has revealed replaced by ``***``."""
    for secret in sorted(_revealed, key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return text
