"""Secrets are references; the text itself is nowhere but where it is used."""

from __future__ import annotations

import base64
import json
import pickle
from pathlib import Path

import pytest
from pydantic import ValidationError

from assetflow import Resource, Secret
from assetflow.errors import UsageError
from assetflow.resource import masked, tracked

TEXT = "s3cr3t-of-the-shop/+"


class Api(Resource):
    url: str
    token: Secret


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    monkeypatch.setenv("SHOP_TOKEN", TEXT)
    return Api.model_validate({"url": "https://shop", "token": {"env": "SHOP_TOKEN"}})


def test_a_secret_is_read_from_the_environment_when_it_is_used(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert api.token.reveal() == TEXT
    monkeypatch.setenv("SHOP_TOKEN", "another one")
    assert api.token.reveal() == "another one"


def test_a_secret_is_read_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TEXT + "\n")
    assert Secret(file=tmp_path / "token").reveal() == TEXT


def test_nothing_that_shows_or_stores_a_resource_holds_its_secret(api: Api) -> None:
    api.token.reveal()
    shown = [repr(api), str(api), str(api.token), api.model_dump_json(), str(api.model_dump()), tracked(api)]
    shown += [f"{api.token}", f"{api.token!r}", json.dumps(api.model_dump(mode="json")), repr(pickle.dumps(api))]
    assert not [text for text in shown if TEXT in text]


def test_a_pickled_reference_reveals_where_it_is_used(api: Api) -> None:
    assert pickle.loads(pickle.dumps(api)).token.reveal() == TEXT


def test_revealed_secrets_are_masked_in_every_common_spelling(api: Api) -> None:
    api.token.reveal()
    encoded = base64.b64encode(TEXT.encode()).decode()
    assert masked(f"token={TEXT}; {encoded} s3cr3t-of-the-shop%2F%2B") == "token=***; *** ***"
    assert masked("nothing here") == "nothing here"


def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_TOKEN", raising=False)
    with pytest.raises(UsageError) as caught:
        Secret("SHOP_TOKEN").reveal()
    assert str(caught.value) == (
        "error[missing-secret]: the environment variable SHOP_TOKEN is not set\n"
        "hint: set it before running: export SHOP_TOKEN=…"
    )


@pytest.mark.parametrize("text", ["", "abc"])
def test_secrets_too_short_to_hide_are_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", text)
    with pytest.raises(UsageError) as caught:
        Secret("SHOP_TOKEN").reveal()
    assert caught.value.code == "short-secret"


@pytest.mark.parametrize("written", [TEXT, {"env": ""}, {"envv": TEXT}, {"env": "A", "file": "b"}, 7])
def test_a_written_out_secret_is_refused_and_not_repeated(written: object) -> None:
    with pytest.raises(ValidationError) as caught:
        Api.model_validate({"url": "x", "token": written})
    assert "a secret is never written out" in str(caught.value)
    assert TEXT not in str(caught.value)


def test_a_secret_is_in_one_place() -> None:
    with pytest.raises(UsageError, match="environment variable or in a file"):
        Secret("A", file="b")
    assert Secret("A") == Secret("A") != Secret(file="A")
