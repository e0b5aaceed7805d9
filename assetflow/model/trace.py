"""Traces: what a partition would be made from today, or was made from then.

The planner compares the two. Equal digests mean that running again would give the same value; this is the
*verifying trace* of Mokhov, Mitchell and Peyton Jones, "Build Systems à la Carte" (2018), section 4.2.2.
"""

from __future__ import annotations

from dataclasses import dataclass

from assetflow.model.keys import AssetKey
from assetflow.model.versions import CodePart, canonical_json, fingerprint

__all__ = ["TRACE_SCHEME", "Edge", "Recipe", "Trace", "edge_digest"]

#: Numbered, so that a later scheme can be told from this one and old traces stay comparable.
TRACE_SCHEME = "1"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything in a trace that does not depend on inputs. Build one with :meth:`of`."""

    #: Digest of all of the below but ``parts``, ``declared`` and ``summary``, which only explain it.
    digest: str
    #: Digest of the asset's code, or of its declared version.
    code: str
    #: The declaration's fields that are marked as changing the value (types, outputs, codec …), as canonical JSON.
    type: str
    #: Effective run parameters: name and value as canonical JSON, sorted by name.
    parameters: tuple[tuple[str, str], ...] = ()
    #: Resources: name and, as canonical JSON, class and tracked fields that are not secret, sorted by name.
    resources: tuple[tuple[str, str], ...] = ()
    #: What ``code`` is made of, so that a change can be named.
    parts: tuple[CodePart, ...] = ()
    #: The text of ``version="2"``; empty where the version is computed.
    declared: str = ""

    @classmethod
    def of(
        cls,
        *,
        code: str,
        type: str = "{}",
        parameters: tuple[tuple[str, str], ...] = (),
        resources: tuple[tuple[str, str], ...] = (),
        parts: tuple[CodePart, ...] = (),
        declared: str = "",
    ) -> Recipe:
        """A recipe with its digest."""
        parameters, resources = tuple(sorted(parameters)), tuple(sorted(resources))
        digest = fingerprint(code, type, canonical_json([parameters, resources]))
        return cls(digest, code, type, parameters, resources, parts, declared)


@dataclass(frozen=True, slots=True)
class Edge:
    """One input in a trace: the upstream asset, the mapping, and the versions of the keys it gives."""

    asset: AssetKey
    #: The mapping's canonical text, followed by what else tells two uses of one asset apart.
    mapping: str
    #: How many upstream keys it gives.
    count: int
    #: Digest of (key, restricted version) of every member; None while one of them may still change in this plan.
    digest: str | None


def edge_digest(members: tuple[tuple[str, str], ...]) -> str:
    """The digest of an edge's members: (key, restricted version), in key order of the mapping."""
    return fingerprint(*(part for member in members for part in member))


@dataclass(frozen=True, slots=True)
class Trace:
    """What one step is made from: recipe, the cell's window, and its inputs' versions."""

    recipe: Recipe
    window: str = ""
    edges: tuple[Edge, ...] = ()

    @property
    def digest(self) -> str | None:
        """The digest that materializations are compared by; None while an input is pending."""
        parts = [TRACE_SCHEME, self.recipe.digest, self.window]
        for edge in self.edges:
            if edge.digest is None:
                return None
            parts += (str(edge.asset), edge.mapping, edge.digest)
        return fingerprint(*parts)
