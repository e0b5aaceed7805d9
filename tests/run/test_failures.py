"""What is kept of an exception."""

from __future__ import annotations

import json
from typing import Any

from assetflow.errors import UsageError
from assetflow.run.classify import classify
from assetflow.run.failures import failure_of, message_of, whole_traceback


def caught(function: Any) -> BaseException:
    try:
        function()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def kept(error: BaseException) -> Any:
    return failure_of(error, classify(error), lambda text: text.replace("hidden", "***"))


def test_the_traceback_holds_the_users_frames_without_libraries() -> None:
    failure = kept(caught(lambda: json.loads("{")))
    assert "test_failures.py" in failure.traceback
    assert "json/decoder.py" not in failure.traceback
    assert failure.traceback.endswith("(char 1)")


def test_the_whole_traceback_holds_the_libraries_too() -> None:
    assert "json/decoder.py" in whole_traceback(caught(lambda: json.loads("{")))


def test_causes_are_kept() -> None:
    def fail() -> None:
        try:
            json.loads("{")
        except ValueError as error:
            raise RuntimeError("bad answer") from error

    failure = kept(caught(fail))
    assert "JSONDecodeError" in failure.traceback
    assert "The above exception was the direct cause" in failure.traceback
    assert (failure.type, failure.message) == ("RuntimeError", "bad answer")


def test_secrets_are_masked_in_message_and_traceback() -> None:
    def fail() -> None:
        raise ValueError("a hidden thing")

    failure = kept(caught(fail))
    assert failure.message == "a *** thing"
    assert "hidden" not in failure.traceback


def test_an_endless_recursion_is_kept_short() -> None:
    def fail() -> None:
        fail()

    assert len(kept(caught(fail)).traceback) < 70_000


def test_text_that_no_database_takes_is_escaped() -> None:
    assert kept(ValueError("bad \udc80")).message == "bad \\udc80"


def test_a_very_long_message_is_cut() -> None:
    assert kept(ValueError("x" * 100_000)).message.endswith("characters more)")


def test_our_own_refusals_keep_their_places_and_hint() -> None:
    text = message_of(UsageError("x", "no such thing", where=["a.py:1"], hint="do that"))
    assert text == "no such thing\na.py:1\nhint: do that"


def test_an_exception_class_with_a_broken_str_keeps_its_arguments() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert message_of(Broken("what", 1)) == "what (its __str__ raised RuntimeError)"
