"""The decorators' arguments: what they must be, found out when loading so that all mistakes are told together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from assetflow.declare import EFFECTS, Asset, CheckFunction, File, Files, MultiAsset, Options, Source, SqlAsset
from assetflow.errors import AssetflowError, DefinitionError, nearest
from assetflow.load.faults import Faults
from assetflow.load.naming import Declared
from assetflow.load.signatures import Signature
from assetflow.model.changes import EVOLVE, ChangeKind, ChangePolicies, ChangePolicy
from assetflow.model.contracts import Contract
from assetflow.model.durations import duration
from assetflow.model.ready import READY
from assetflow.model.retry import Retry
from assetflow.model.rows import Divert
from assetflow.model.storage import Codec
from assetflow.types.libraries import is_table_hint
from assetflow.types.rejects import REASON
from assetflow.types.rowmodels import row_model_of
from assetflow.types.spelling import is_open

__all__ = ["changes_of", "codec_of", "contract_of", "divert_of", "max_age_of", "options_sound", "retain_of"]

_VERSION = re.compile(r"\d+\.\d+(\.\d+)?")


def options_sound(declared: Declared, signature: Signature, faults: Faults) -> bool:
    """Whether every argument means something; what does not is told."""
    value = declared.value
    found = list(_source_faults(value) if isinstance(value, Source) else _option_faults(value.options))
    found += _check_faults(value)
    if isinstance(value, MultiAsset):
        found += _codec_faults(value.options, signature)
    if isinstance(value, Asset | MultiAsset | SqlAsset):
        found += _contract_faults(value, signature)
        found += _divert_faults(value, signature)
    if isinstance(value, SqlAsset):
        found += _view_faults(value)
    for error in found:
        message = f"{declared.key}: {error.message}"
        faults.add(type(error)(error.code, message, where=[declared.line], hint=error.hint))
    return not found


def max_age_of(options: Options) -> timedelta | None:
    """``max_age`` as a time span. Raises DefinitionError ``bad-duration``."""
    return None if options.max_age is None else duration(options.max_age)


def retain_of(options: Options) -> timedelta | None:
    """``retain`` as a time span. Raises DefinitionError ``bad-duration``."""
    return None if options.retain is None else duration(options.retain)


def contract_of(options: Options, field: str) -> Contract | None:
    """The contract of an output; None where there is none, or none that means anything."""
    contract = options.contract
    found = contract.get(field) if isinstance(contract, Mapping) else contract
    return found if isinstance(found, Contract) else None


def divert_of(options: Options) -> Divert | None:
    """Where bad rows are put aside, how many at most; None where they are not, or it means nothing, which is told."""
    wanted = Divert() if options.on_bad_rows == "divert" else options.on_bad_rows
    return wanted if isinstance(wanted, Divert) else None


def changes_of(options: Options) -> ChangePolicies:
    """``on_schema_change`` by kind of change; where it means nothing, which is told, all are let pass."""
    try:
        return _change_policies(options)
    except AssetflowError:
        return EVOLVE


def _change_policies(options: Options) -> ChangePolicies:
    """``on_schema_change`` by kind of change. Raises DefinitionError ``bad-argument``."""
    wanted = options.on_schema_change
    by_kind = wanted if isinstance(wanted, Mapping) else dict.fromkeys(ChangeKind, wanted)
    try:
        return ChangePolicies({ChangeKind(kind): ChangePolicy(policy) for kind, policy in by_kind.items()})
    except ValueError:
        wanted_text = '"fail", "warn" or "evolve", or a dict of these by add, widen, narrow and drop'
        raise _bad("on_schema_change", wanted, wanted_text, 'write on_schema_change={"drop": "fail"}') from None


def codec_of(options: Options, field: str) -> Codec | None:
    """The codec written out for an output; None where it is chosen when the value is saved."""
    codec = options.codec
    return codec.get(field) if isinstance(codec, Mapping) else codec


def _option_faults(options: Any) -> Iterator[AssetflowError]:  # an Options whose fields may be anything
    for name in options.unknown:
        yield DefinitionError("unknown-argument", f"there is no argument {name!r}", hint=nearest(name, sorted(EFFECTS)))
    if options.timeout is not None:
        yield DefinitionError(
            "not-there-yet", "timeout= is not supported yet", hint="leave it out: a step runs as long as it runs"
        )
    for spanned in (max_age_of, retain_of):
        try:
            spanned(options)
        except AssetflowError as error:
            yield error
    try:
        _change_policies(options)
    except AssetflowError as error:
        yield error
    lookback = options.lookback
    if lookback is not None and (not isinstance(lookback, int) or isinstance(lookback, bool) or lookback < 1):
        yield _bad("lookback", lookback, "a number of windows, 1 or more", "write lookback=3")
    batch = options.batch
    if not isinstance(batch, int) or batch < 0 or (batch == 1 and batch is not True):
        yield _bad("batch", batch, "True, or the most partitions of one call", "write batch=True, or batch=30")
    if not isinstance(options.forward_only, bool):
        yield _bad("forward_only", options.forward_only, "True or False")
    if options.retry is not None and not isinstance(options.retry, Retry):
        yield _bad("retry", options.retry, "a Retry", "write retry=Retry(3)")
    if not isinstance(options.deterministic, bool):
        yield _bad("deterministic", options.deterministic, "True or False")
    if options.version is not None and not isinstance(options.version, str):
        yield _bad("version", options.version, "a text", f"write version={str(options.version)!r}")
    if isinstance(options.version_includes, str) or not isinstance(options.version_includes, Sequence):
        yield _bad("version_includes", options.version_includes, "a list", "write version_includes=[…]")
    if isinstance(options.deps, str) or not isinstance(options.deps, Sequence):
        yield _bad("deps", options.deps, "a list of assets", "write deps=[…]")
    codecs = options.codec.values() if isinstance(options.codec, Mapping) else (options.codec,)
    for codec in codecs:
        if codec is not None and (isinstance(codec, type) or not isinstance(codec, Codec)):
            yield _bad("codec", codec, "a codec", "write codec=Pickle(), with its brackets")
    yield from _telling_faults(options)


def _source_faults(source: Any) -> Iterator[AssetflowError]:  # a Source whose fields may be anything
    if (source.at is None) == (source.observe is None):
        yield DefinitionError(
            "bad-source", "a source is either at a place or observed by a function", hint='write source("raw", File(…))'
        )
    elif source.at is not None and not isinstance(source.at, File | Files):
        yield DefinitionError(
            "bad-source",
            f"{source.at!r} is no place of a source",
            hint='write File("data/raw.csv") or Files("in/*.pdf")',
        )
    elif isinstance(source.type, str):
        yield DefinitionError(
            "bad-source", f"type={source.type!r} is a text", hint="give the type itself: type=pl.DataFrame"
        )
    elif source.observe is not None and not callable(source.observe):
        yield DefinitionError("bad-source", f"observe= must be a function, got {source.observe!r}")
    elif source.observe is not None and source.type is not None:
        yield DefinitionError("bad-source", "an observed source has no value, and so no type=", hint="leave type= out")
    yield from _telling_faults(source)


def _telling_faults(told: Any) -> Iterator[AssetflowError]:  # an Options or Source, as above
    for name, value in (("tags", told.tags), ("owners", told.owners)):
        if isinstance(value, str) or not all(isinstance(each, str) for each in value):
            yield _bad(name, value, "a list of texts", f"write {name}=[…]")
    if not isinstance(told.description, str):
        yield _bad("description", told.description, "a text")
    if not isinstance(told.metadata, Mapping):
        yield _bad("metadata", told.metadata, "a dict")


def _check_faults(value: Any) -> Iterator[AssetflowError]:  # a declaration whose checks may be anything
    checks = value.checks if isinstance(value, Source) else value.options.checks
    lists = [checks]
    if isinstance(value, MultiAsset) and checks != ():
        if not isinstance(checks, Mapping):
            hint = 'write checks={"train": […]}'
            yield _bad("checks", checks, "a dict of lists, by the name of what is made", hint)
            return
        lists = list(checks.values())
    for listed in lists:
        if isinstance(listed, str) or not isinstance(listed, Sequence):
            yield _bad("checks", listed, "a list", "write checks=[…]")
            continue
        for each in listed:
            if isinstance(each, CheckFunction):
                hint = "a @check function needs no place in checks=: it names the asset itself"
                yield _bad("checks", each, "a list of ready-made checks", hint)
            elif not isinstance(each, READY):
                hint = "write checks=[not_null(…), row_count(min=1)]; functions are declared with @check(asset)"
                yield _bad("checks", each, "a list of ready-made checks", hint)


def _contract_faults(
    value: Asset[..., Any] | MultiAsset[..., Any] | SqlAsset, signature: Signature
) -> Iterator[AssetflowError]:
    contract = value.options.contract
    if contract is None:
        return
    hints: Mapping[str, object] = {value.name: signature.returns}
    contracts: Mapping[str, object] = {value.name: contract}
    if isinstance(value, MultiAsset):
        hints = signature.fields
        if not isinstance(contract, Mapping):
            hint = 'write contract={"train": Contract("1.0")}'
            yield _bad("contract", contract, "a dict of contracts, by the name of what is made", hint)
            return
        contracts = contract
    for name, each in contracts.items():
        if not isinstance(each, Contract):
            yield _bad("contract", each, "a Contract", 'write contract=Contract("1.0")')
        elif name not in hints:
            message = f"contract= names {name!r}, which is not made here"
            yield DefinitionError("bad-contract", message, hint=nearest(name, hints))
        else:
            yield from _promise_faults(each, hints[name], sql=isinstance(value, SqlAsset))


def _promise_faults(contract: Contract, kind: object, *, sql: bool) -> Iterator[AssetflowError]:
    version: Any = contract.version  # anything the user wrote
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        hint = 'write "1.0" or "1.0.0"'
        yield DefinitionError("bad-contract", f"{version!r} is no version of a contract", hint=hint)
    try:
        if contract.freshness is not None:
            duration(contract.freshness)
    except AssetflowError as error:
        yield error
    if not sql and (is_open(kind) or (is_table_hint(kind) and row_model_of(kind) is None)):
        message = "a contract promises columns, and nothing says which"
        hint = "say it with a row model: -> Annotated[pl.DataFrame, Order]"
        yield DefinitionError("bad-contract", message, hint=hint)


def _divert_faults(
    value: Asset[..., Any] | MultiAsset[..., Any] | SqlAsset, signature: Signature
) -> Iterator[AssetflowError]:
    options = value.options
    if options.on_bad_rows == "fail":
        return
    divert = divert_of(options)
    if divert is None:
        yield _bad("on_bad_rows", options.on_bad_rows, '"fail", "divert" or a Divert', 'write on_bad_rows="divert"')
        return
    limit: Any = divert.limit  # anything the user wrote
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not 0 <= limit <= 1:
        hint = "write Divert(limit=0.01) for one row of a hundred"
        yield _bad("on_bad_rows", divert, "a Divert with a limit from 0 to 1, the share of rows", hint)
    if isinstance(value, MultiAsset):
        hint = "make the table with an asset of its own"
        yield DefinitionError("bad-argument", "on_bad_rows= is for an asset that is one table", hint=hint)
        return
    if isinstance(value, SqlAsset):
        known, written = value.rows is not None, "rows=Order"
    else:
        rows = row_model_of(signature.returns)
        known, written = rows is not None, "-> Annotated[pl.DataFrame, Order]"
        if rows is not None and REASON in rows.names:
            message = f"on_bad_rows= adds a column {REASON!r} to the rows that it puts aside, and {rows.name} has one"
            yield DefinitionError("bad-argument", message, hint="name it otherwise")
    if not known:
        hint = f"say it with a row model: {written}"
        yield DefinitionError("bad-argument", "on_bad_rows= needs to know which rows are good", hint=hint)


def _view_faults(value: SqlAsset) -> Iterator[AssetflowError]:
    if not isinstance(value.view, bool):
        yield _bad("view", value.view, "True or False")
    if value.view is not True:
        return
    usual = Options()
    said = {name: getattr(value.options, name) for name in sorted(_OF_MADE)}
    found = [name for name, wanted in said.items() if wanted and wanted != getattr(usual, name)]
    found += ["parameters"] if value.parameters else []
    found += ["rows"] if value.rows is not None else []
    for name in found:
        hint = "leave it out, or say it of those that read the view"
        yield DefinitionError("bad-argument", f"a view is never made, so {name}= means nothing for it", hint=hint)


#: Arguments that are about making a value, or about a value that is made.
_OF_MADE = frozenset(
    {
        "batch",
        "checks",
        "contract",
        "deps",
        "deterministic",
        "forward_only",
        "key_column",
        "lookback",
        "max_age",
        "on_bad_rows",
    }
    | {"on_schema_change", "partitions", "retain", "retry", "version"}
)


def _codec_faults(options: Options, signature: Signature) -> Iterator[AssetflowError]:
    for name in options.codec if isinstance(options.codec, Mapping) else ():
        if name not in signature.fields:
            yield DefinitionError(
                "bad-argument",
                f"codec= names {name!r}, which is not made here",
                hint=f"it makes {', '.join(signature.fields)}",
            )


def _bad(name: str, value: Any, expected: str, hint: str = "") -> DefinitionError:  # anything the user wrote
    return DefinitionError("bad-argument", f"{name}= must be {expected}, got {value!r}", hint=hint)
