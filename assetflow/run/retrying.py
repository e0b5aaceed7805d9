"""Whether a failed attempt is followed by another, and when: one decision, in one place. Nothing here sleeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from assetflow.model.durations import duration_text
from assetflow.model.retry import FailureClass, Retry, Transient
from assetflow.run.classify import Diagnosis

__all__ = ["Decision", "GiveUp", "RetryAfter", "decision", "judged"]

#: A server that asks us to stay away for longer is answered with a failure, not with a run that hangs for days.
_LONGEST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """Try again after this long."""

    wait: timedelta


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Do not try again, and why not."""

    reason: str


Decision: TypeAlias = RetryAfter | GiveUp


def judged(error: BaseException, verdict: Diagnosis, policy: Retry | None) -> Diagnosis:
    """The verdict as the asset's policy sees it: what ``on=`` names counts as transient, by the user's word.

    ``heals`` says whether the policy wants such an error tried again.
    """
    if policy is None:
        return verdict
    named = tuple(kind for kind in policy.on if kind is not Transient)
    if any(isinstance(error, kind) for kind in named):
        reason = f"{type(error).__name__} is named in Retry(on=…)"
        return Diagnosis(FailureClass.TRANSIENT, reason, retry_after=verdict.retry_after, heals=True)
    heals = verdict.kind is FailureClass.TRANSIENT and Transient in policy.on
    return Diagnosis(verdict.kind, verdict.reason, retry_after=verdict.retry_after, heals=heals)


def decision(verdict: Diagnosis, policy: Retry | None, failed_attempts: int, *, seed: str) -> Decision:
    """What follows after that many failed attempts of a step (1, 2, …).

    ``Retry-After`` is obeyed where it is longer than the policy's own wait. The seed fixes the jitter.
    """
    if policy is None:
        return GiveUp("no Retry is declared")
    if not verdict.heals:
        return GiveUp(verdict.reason)
    if failed_attempts >= policy.attempts:
        return GiveUp(f"{failed_attempts} of {policy.attempts} attempts failed")
    wait = policy.wait(failed_attempts, seed=seed)
    if verdict.retry_after is not None:
        wait = max(wait, verdict.retry_after)
    if wait > max(_LONGEST, policy.max_delay):
        return GiveUp(f"the server asks to wait {duration_text(wait.total_seconds())}")
    return RetryAfter(wait)
