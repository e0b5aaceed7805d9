"""``Resource``: typed configuration that is opened before it is used and closed after."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from assetflow.model.versions import canonical_json
from assetflow.resource.secrets import Secret
from assetflow.resource.untracked import Untracked

__all__ = ["Resource", "opened", "tracked"]


class Resource(BaseModel):
    """What a function needs from outside: a connection, a client, a folder. A frozen pydantic model.

    The class keywords ``max_concurrent`` and ``rate`` limit its use; they are inherited unless given.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, validate_default=True, hide_input_in_errors=True
    )

    max_concurrent_: ClassVar[int | None] = None
    rate_: ClassVar[str | None] = None

    def __init_subclass__(cls, *, max_concurrent: int | None = None, rate: str | None = None, **others: Any) -> None:
        super().__init_subclass__(**others)
        if max_concurrent is not None:
            cls.max_concurrent_ = max_concurrent
        if rate is not None:
            cls.rate_ = rate

    def open(self) -> Any:  # so that either kind of context manager may override it
        """A context manager, sync or async, that gives what the function takes; by default the resource itself."""
        return nullcontext(self)


def opened(resource: object) -> AbstractContextManager[Any] | AbstractAsyncContextManager[Any]:
    """What to enter before and leave after a resource is used, whatever it is.

    A Resource is asked to ``open()``; anything else that is a context manager is entered; the rest is used as it is.
    What is a context manager both ways is entered the plain way.
    """
    if isinstance(resource, Resource):
        made: AbstractContextManager[Any] | AbstractAsyncContextManager[Any] = resource.open()
        return made
    if isinstance(resource, AbstractContextManager | AbstractAsyncContextManager):
        return resource
    return nullcontext(resource)


def tracked(resource: object) -> str:
    """What of a resource is part of a trace, as canonical JSON: its class, and its fields but for secrets and
    those marked ``Untracked``."""
    kind = type(resource)
    fields: dict[str, object] = {}
    if isinstance(resource, BaseModel):
        hidden = {name for name, field in kind.model_fields.items() if _untracked(field.metadata)}  # type: ignore[attr-defined]  # kind is a model
        hidden |= {name for name in type(resource).model_fields if isinstance(getattr(resource, name), Secret)}
        fields = resource.model_dump(mode="json", exclude=hidden, fallback=_by_class)
    return canonical_json({"class": f"{kind.__module__}.{kind.__qualname__}", "fields": fields})


def _untracked(metadata: list[object]) -> bool:
    return any(mark is Untracked or isinstance(mark, Untracked) for mark in metadata)


def _by_class(value: object) -> str:
    """Fields that are no data (a client, a lock) count by their class."""
    return f"{type(value).__module__}.{type(value).__qualname__}"
