"""Resources: typed, frozen, opened and closed; and what of them counts in a trace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated, Self

import pytest
from pydantic import PrivateAttr, ValidationError

from assetflow import Resource, Secret, Untracked
from assetflow.resource import opened, tracked


class Api(Resource, max_concurrent=4, rate="80/min"):
    url: str
    token: Secret = Secret("TOKEN")
    timeout: Annotated[float, Untracked()] = 10.0
    sizes: dict[str, int] = {"b": 1, "a": 2}  # noqa: RUF012  # pydantic copies it


class Strict(Api, rate="1/s"):
    pass


class Opening(Resource):
    _log: list[str] = PrivateAttr(default_factory=list)

    def open(self) -> AbstractContextManager[Self]:
        return self._session()

    @contextmanager
    def _session(self) -> Iterator[Self]:
        self._log.append("opened")
        yield self
        self._log.append("closed")


def test_only_tracked_fields_that_are_no_secrets_count() -> None:
    text = json.loads(tracked(Api(url="x")))
    assert text == {"class": f"{__name__}.Api", "fields": {"url": "x", "sizes": {"a": 2, "b": 1}}}
    assert tracked(Api(url="x", timeout=3, token=Secret("OTHER"))) == tracked(Api(url="x"))
    assert tracked(Api(url="y")) != tracked(Api(url="x"))
    assert tracked(Strict(url="x")) != tracked(Api(url="x"))


def test_class_keywords_are_inherited_unless_given() -> None:
    assert (Api.max_concurrent_, Api.rate_) == (4, "80/min")
    assert (Strict.max_concurrent_, Strict.rate_) == (4, "1/s")
    assert (Opening.max_concurrent_, Opening.rate_) == (None, None)


def test_fields_are_checked_and_frozen() -> None:
    with pytest.raises(ValidationError):
        Api.model_validate({"url": "x", "urll": "y"})
    with pytest.raises(ValidationError):
        Api(url="x").url = "y"


def test_a_resource_opens_and_closes_by_its_own_method() -> None:
    resource = Opening()
    with opened(resource) as given:
        assert given is resource
        assert resource._log == ["opened"]
    assert resource._log == ["opened", "closed"]


def test_other_context_managers_are_entered_and_plain_objects_used_as_they_are() -> None:
    @contextmanager
    def session() -> Iterator[str]:
        yield "session"

    plain = object()
    with opened(session()) as first, opened(plain) as second, opened(Api(url="x")) as third:
        assert first == "session"
        assert second is plain
        assert third == Api(url="x")
