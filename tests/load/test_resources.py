"""Resources: found by name or type, configured, given, and checked."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assetflow import Secret
from assetflow.model.keys import AssetKey

Project = Callable[..., Any]
HEAD = "from assetflow import *\nfrom typing import *\n"
API = """
class Api(Resource):
    url: str = "https://shop"
    token: Secret = Secret("SHOP_TOKEN")
    timeout: Annotated[float, Untracked()] = 10.0

    def fetch(self, day: str, *, limit: int = 10) -> list[int]:
        return []

"""
X = "@asset\ndef x(api: Api) -> int: ...\n"


def written(project: Project, body: str, settings: str = "") -> Any:
    return project({"shop/a.py": HEAD + textwrap.dedent(body).lstrip("\n")}, settings=settings)


def test_a_resource_that_nothing_configures_is_made_of_its_defaults(project: Project) -> None:
    loaded = written(project, API + X).load()
    assert loaded.mistakes == ()
    assert loaded.resources["api"].url == "https://shop"
    assert loaded.graph.nodes[AssetKey("shop", "x")].recipe.resources == (
        ("api", '{"class":"shop.a.Api","fields":{"url":"https://shop"}}'),
    )


def test_a_field_without_default_is_named(project: Project) -> None:
    body = API.replace(' = "https://shop"', "") + X
    assert written(project, body).mistakes() == (
        "error[bad-resource]: api.url is missing\n  shop.x   shop/a.py:11\nhint: write it into [resources.api]"
    )


def test_the_environments_settings_overlay_field_by_field(project: Project) -> None:
    settings = """
        [resources.api]
        url = "https://test"
        timeout = 3
        [environments.prod.resources.api]
        url = "https://prod"
        token = { env = "PROD_TOKEN" }
    """
    project_ = written(project, API + X, settings)
    plain, prod = project_.load(), project_.load(environment="prod")
    assert (plain.resources["api"].url, plain.resources["api"].timeout) == ("https://test", 3.0)
    assert (prod.resources["api"].url, prod.resources["api"].timeout) == ("https://prod", 3.0)
    assert prod.resources["api"].token == Secret("PROD_TOKEN")
    key = AssetKey("shop", "x")
    assert plain.graph.nodes[key].recipe.digest != prod.graph.nodes[key].recipe.digest


def test_a_secret_files_path_is_relative_to_the_project(project: Project) -> None:
    project_ = written(project, API + X, '[resources.api]\ntoken = { file = "secrets/token" }\n')
    project_.write("secrets/token", "a long secret\n")
    token = project_.load().resources["api"].token
    assert Path(token.file).is_absolute()
    assert token.reveal() == "a long secret"


def test_bad_configuration_is_told_with_field_paths_and_without_secrets(project: Project) -> None:
    settings = '[resources.api]\nurll = "x"\ntoken = "plain-text-secret"\ntimeout = "soon"\n'
    text = written(project, API + X, settings).mistakes()
    assert text == (
        'error[bad-resource]: api.token: a secret is never written out: name where it is, as { env = "NAME" } or'
        ' { file = "PATH" }; api.timeout: Input should be a valid number, unable to parse string as a number;'
        " api.urll is no field of Api\n"
        "  assetflow.toml: resources.api.token\n"
        "  shop.x   shop/a.py:11\n"
        "hint: did you mean url?"
    )
    assert "plain-text-secret" not in text


def test_a_resource_is_found_by_type_when_exactly_one_is_of_it(project: Project) -> None:
    body = API + X + "@asset\ndef y(client: Api) -> int: ...\n"
    loaded = written(project, body, '[resources.api]\nurl = "u"\n').load()
    assert loaded.mistakes == ()
    assert [each.name for each in loaded.bound[AssetKey("shop", "y")].resources] == ["api"]
    two = body + "@asset\ndef z(other: Api) -> int: ...\n"
    settings = '[resources.api]\nurl = "u"\n[resources.other]\nurl = "v"\n'
    assert written(project, two, settings).mistakes() == (
        "error[missing-resource]: shop.y takes 'client', and several resources are a Api\n"
        "  shop.y   shop/a.py:13\n"
        "hint: name the parameter api or other"
    )


def test_a_resource_that_nothing_takes_is_told(project: Project) -> None:
    settings = '[resources.apii]\nurl = "u"\n'
    assert written(project, API + X, settings).mistakes() == (
        "error[unknown-resource]: no asset takes a resource apii\n"
        "  assetflow.toml: resources.apii\n"
        "hint: did you mean api?"
    )


def test_limits_are_refused_until_they_are_enforced(project: Project) -> None:
    body = API.replace("(Resource)", '(Resource, rate="80/min")') + X
    assert written(project, body).mistakes() == (
        "error[not-there-yet]: Api (resource 'api') has rate=, which is not enforced yet\n"
        "  shop.x   shop/a.py:11\n"
        "hint: leave the limit out for now"
    )


PROTOCOL = """
class Fetcher(Protocol):
    url: str
    def fetch(self, day: str, *, limit: int = 10) -> list[int]: ...

class Client:
    def __init__(self, url: str) -> None:
        self.url = url
    def fetch(self, day: str, *, limit: int = 10) -> list[int]:
        return [1]

@asset
def x(api: Fetcher) -> int: ...
"""


def test_a_protocol_is_bound_to_the_class_that_settings_name(project: Project) -> None:
    settings = '[resources.api]\ntype = "shop.a:Client"\nurl = "u"\n'
    loaded = written(project, PROTOCOL, settings).load()
    assert loaded.mistakes == ()
    assert loaded.resources["api"].url == "u"
    assert written(project, PROTOCOL).mistakes() == (
        "error[missing-resource]: shop.x takes api: Fetcher, and nothing says which resource that is\n"
        "  shop.x   shop/a.py:13\n"
        'hint: write [resources.api] with type = "package.module:Class"'
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("shop.a.Client", "'shop.a.Client' is not written \"package.module:Class\""),
        ("shop.a:Clint", "shop.a:Clint cannot be loaded: AttributeError: module 'shop.a' has no attribute 'Clint'"),
        ("shop.a:x", "shop.a:x is no class"),
        ("nowhere:X", "nowhere:X cannot be loaded: ModuleNotFoundError: No module named 'nowhere'"),
    ],
)
def test_a_type_that_cannot_be_found_is_told(project: Project, text: str, reason: str) -> None:
    assert written(project, PROTOCOL, f'[resources.api]\ntype = "{text}"\n').mistakes() == (
        f"error[bad-resource]: api.type: {reason}\n  assetflow.toml: resources.api.type"
    )


def test_a_class_that_cannot_be_made_is_told(project: Project) -> None:
    assert written(project, PROTOCOL, '[resources.api]\ntype = "shop.a:Client"\n').mistakes() == (
        "error[bad-resource]: api: Client cannot be made: TypeError: Client.__init__() missing 1 required positional"
        " argument: 'url'\n"
        "  assetflow.toml: resources.api\n"
        "  shop.x   shop/a.py:13"
    )


class Right:
    url = "u"

    def fetch(self, day: str, *, limit: int = 10) -> list[int]:
        return []


class Wider:
    url = "u"

    def fetch(self, day: str, limit: int = 5, *, more: int = 0) -> list[bool]:
        return []


class AnyCall:
    url = "u"

    def fetch(self, *args: Any, **kwargs: Any) -> Any:
        return []


class NoMethod:
    url = "u"


class NoAttribute:
    def fetch(self, day: str, *, limit: int = 10) -> list[int]:
        return []


class Fewer(Right):
    def fetch(self, day: str) -> list[int]:  # type: ignore[override]
        return []


class More(Right):
    def fetch(self, day: str, zone: str, *, limit: int = 10) -> list[int]:  # type: ignore[override]
        return []


class Renamed(Right):
    def fetch(self, date: str, *, limit: int = 10) -> list[int]:  # type: ignore[override]
        return []


class Required(Right):
    def fetch(self, day: str, *, limit: int) -> list[int]:  # type: ignore[override]
        return []


class OtherType(Right):
    def fetch(self, day: int, *, limit: int = 10) -> list[int]:  # type: ignore[override]
        return []


class OtherResult(Right):
    def fetch(self, day: str, *, limit: int = 10) -> str:  # type: ignore[override]
        return ""


class Async(Right):
    async def fetch(self, day: str, *, limit: int = 10) -> list[int]:  # type: ignore[override]
        return []


@pytest.mark.parametrize("fake", [Right(), Wider(), AnyCall()])
@pytest.mark.parametrize("body", [PROTOCOL, API + X])
def test_a_fake_with_the_same_methods_may_stand_in(project: Project, fake: object, body: str) -> None:
    loaded = written(project, body).load(resources={"api": fake})
    assert loaded.mistakes == ()
    assert loaded.resources == {"api": fake}


@pytest.mark.parametrize(
    ("fake", "reason"),
    [
        (NoMethod(), "it has no method fetch"),
        (Fewer(), "fetch(day, limit) cannot be called as promised: got an unexpected keyword argument 'limit'"),
        (More(), "fetch(day, limit) cannot be called as promised: missing a required argument: 'zone'"),
        (Renamed(), "fetch(day, limit) cannot be called as promised: missing a required argument: 'date'"),
        (Required(), "fetch(day) cannot be called as promised: missing a required argument: 'limit'"),
        (OtherType(), "fetch takes day: int, not str"),
        (OtherResult(), "fetch gives str, not list[int]"),
        (Async(), "fetch must not be async"),
    ],
)
@pytest.mark.parametrize(("body", "kind", "line"), [(PROTOCOL, "Fetcher", 13), (API + X, "Api", 11)])
def test_a_fake_that_differs_is_refused(
    project: Project, fake: object, reason: str, body: str, kind: str, line: int
) -> None:
    text = written(project, body).mistakes(resources={"api": fake})
    head, where, hint = text.splitlines()
    assert head.startswith(f"error[resource-mismatch]: {type(fake).__name__} cannot stand for {kind} as 'api': "), text
    assert reason.replace("fetch(day) ", "").replace("fetch(day, limit) ", "") in head
    assert where == f"  shop.x   shop/a.py:{line}"
    assert hint == "hint: give it the same methods with the same parameters"


def test_attributes_of_a_protocol_count_too(project: Project) -> None:
    text = written(project, PROTOCOL).mistakes(resources={"api": NoAttribute()})
    assert "it has no attribute url" in text


def test_a_given_resource_that_nothing_takes_is_told(project: Project) -> None:
    assert written(project, API + X).mistakes(resources={"apo": Right()}) == (
        "error[unknown-resource]: no asset takes a resource apo\nhint: did you mean api?"
    )


def test_a_given_object_is_found_by_type(project: Project) -> None:
    loaded = written(project, PROTOCOL).load(resources={"fetcher": Right()})
    assert loaded.mistakes == ()
    assert [each.name for each in loaded.bound[AssetKey("shop", "x")].resources] == ["fetcher"]
