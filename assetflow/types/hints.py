"""Annotations: resolved to types, written for people, and in the one spelling that traces compare."""

from assetflow.types.identity import hint_identity
from assetflow.types.resolving import resolved, resolved_fields
from assetflow.types.spelling import hint_text

__all__ = ["hint_identity", "hint_text", "resolved", "resolved_fields"]
