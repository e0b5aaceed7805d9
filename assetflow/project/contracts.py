"""The contracts of a project: what they promise today and did elsewhere, and whether what is stored keeps them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from assetflow.errors import UsageError
from assetflow.graph.columns import WHOLE, ColumnAddress
from assetflow.graph.impact import impact_of
from assetflow.load.definitions import BoundCheck, BoundOutput, Loaded
from assetflow.model import ready
from assetflow.model.contracts import Broken, Release
from assetflow.model.definition import Definition
from assetflow.model.durations import duration
from assetflow.model.keys import AssetKey
from assetflow.types.columns import Slot
from assetflow.types.hints import hint_text
from assetflow.types.promises import Promise, changes_between, version_problem
from assetflow.types.rules import Rule, RuleKind
from assetflow.types.written import read_back, written

__all__ = ["exported", "late", "promised", "promised_at", "releases"]

#: Counted up when a promise is written otherwise.
_FORMAT = 1


def promised(loaded: Loaded) -> dict[str, Promise]:
    """What the contracts of a project promise, by asset."""
    definitions = loaded.graph.definitions
    found = {
        str(output.key): _promise(output, definitions, loaded.checks.get(key, ()), _owner(output, loaded))
        for key, bound in loaded.bound.items()
        for output in bound.outputs
        if output.contract is not None
    }
    return dict(sorted(found.items()))


def _owner(output: BoundOutput, loaded: Loaded) -> str:
    """Who answers: whom the contract names, the first owner of the asset, the owner of its product."""
    assert output.contract is not None
    bound = loaded.products.get(output.key.group)
    product_owner = "" if bound is None else bound.product.owner
    named = [output.contract.owner, *loaded.graph.definitions[output.key].owners, product_owner]
    return next(filter(None, named), "")


def _promise(
    output: BoundOutput, definitions: Mapping[AssetKey, Definition], checks: Iterable[BoundCheck], owner: str
) -> Promise:
    contract, key, rows = output.contract, output.key, output.rows
    assert contract is not None
    columns = {} if rows is None else {column.name: column.slot for column in rows.columns}
    keys = [] if rows is None else [names for names in (rows.primary_key, *rows.unique) if names]
    guarantees = {} if rows is None else dict(rows.expects)
    for bound in checks:
        check = bound.check
        if check.asset != key or not check.blocking or bound.rows is not None:
            continue
        match bound.ready:
            case ready.NotNull(names) if columns.keys() >= set(names):
                columns |= {name: replace(columns[name], nullable=False) for name in names}
            case ready.UniqueRows(names):
                keys.append(names)
            case ready.InSet((name,), values) if name in columns:
                columns[name] = _with(columns[name], Rule(RuleKind.ONE_OF, values))
            case ready.InRange((name,), low, high) if name in columns:
                rules = [(RuleKind.AT_LEAST, low), (RuleKind.AT_MOST, high)]
                columns[name] = _with(columns[name], *(Rule(k, value) for k, value in rules if value is not None))
            case None:
                guarantees[check.name] = "function"  # what it does cannot be compared, only whether it is there
            case _:
                guarantees[check.name] = check.recipe.code
    return Promise(
        asset=str(key),
        version=contract.version,
        owner=owner,
        freshness=None if contract.freshness is None else duration(contract.freshness).total_seconds(),
        type="" if rows is not None else hint_text(output.hint),
        columns=columns,
        keys=tuple(dict.fromkeys(keys)),
        guarantees=guarantees,
        readers={name: _readers(definitions, key, name) for name in ("", *columns)},
    )


def _with(slot: Slot, *rules: Rule) -> Slot:
    return replace(slot, rules=(*slot.rules, *rules))


def _readers(definitions: Mapping[AssetKey, Definition], key: AssetKey, column: str) -> tuple[str, ...]:
    found = impact_of(definitions, ColumnAddress(key, column or WHOLE))
    return tuple(str(each.asset) for each in found.reached if each.asset != key)


# What was promised elsewhere


def exported(promises: Mapping[str, Promise]) -> str:
    """The promises as text, to be read back."""
    contracts = [written(promise) for promise in promises.values()]
    return json.dumps({"format": _FORMAT, "contracts": contracts}, indent=1, ensure_ascii=False) + "\n"


def _imported(text: str, where: str) -> dict[str, Promise]:
    """Raises UsageError ``bad-base``."""
    try:
        whole = json.loads(text)
        if whole["format"] != _FORMAT:
            raise ValueError(f"it is of format {whole['format']}, and this reads {_FORMAT}")
        found = [read_back(each) for each in whole["contracts"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{where} does not hold contracts: {error}"
        raise UsageError("bad-base", message, hint="assetflow contracts export writes such a file") from None
    return {promise.asset: promise for promise in found}


def promised_at(base: str, root: Path) -> dict[str, Promise]:
    """What was promised in a file that was exported, else at a commit of the project's repository.

    The commit's code is loaded in a process of its own, from a copy. Raises UsageError ``bad-base``.
    """
    path = next((path for path in (Path(base), root / base) if path.is_file()), None)
    if path is not None:
        try:
            return _imported(path.read_text(encoding="utf-8"), base)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError("bad-base", f"{base} cannot be read: {error}") from None
    with TemporaryDirectory(prefix="assetflow-") as folder:
        inside = _checked_out(base, root, Path(folder))
        return _imported(_asked(inside, base), base)


def _checked_out(base: str, root: Path, folder: Path) -> Path:
    """The project's folder as it was at a commit, in a folder."""
    prefix = _git(root, base, "rev-parse", "--show-prefix").decode().strip()
    commit = _git(root, base, "rev-parse", "--verify", "--end-of-options", f"{base}^{{commit}}").decode().strip()
    top = _git(root, base, "rev-parse", "--show-toplevel").decode().strip()
    packed = _git(Path(top), base, "archive", "--format=tar", commit)
    with tarfile.open(fileobj=BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    if not (folder / prefix).is_dir():
        raise UsageError("bad-base", f"at {base} there was no {prefix}")
    return folder / prefix


def _git(where: Path, base: str, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(where), *arguments], capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError("bad-base", f"git cannot be asked for {base}: {error}") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        message = f"{base} is neither a file nor a commit: {said[-1] if said else 'git failed'}"
        raise UsageError("bad-base", message, hint="--base main, or --base FILE that contracts export wrote")
    return done.stdout


def _asked(inside: Path, base: str) -> str:
    command = [sys.executable, "-P", "-m", "assetflow", "contracts", "export", "-C", str(inside)]
    surroundings = {**os.environ, "PYTHONUTF8": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", check=False, env=surroundings, cwd=inside
    )
    if done.returncode:
        said = [line for line in done.stderr.strip().splitlines() if line]
        message = f"the project at {base} cannot be loaded: {said[0] if said else 'it ended without a word'}"
        raise UsageError("bad-base", message, hint="export its contracts to a file where it can be")
    return done.stdout


# Compared


def releases(before: Mapping[str, Promise], after: Mapping[str, Promise]) -> tuple[Release, ...]:
    """What became of each contract, by asset; of those that promise what they did, nothing."""
    found: list[Release] = []
    for asset in sorted({*before, *after}):
        old, new = before.get(asset), after.get(asset)
        if old is None and new is not None:
            found.append(Release(asset=asset, before="", after=new.version, changes=()))
        elif old is not None and new is None:
            hit = _hit(old, {""})
            problem = "its contract is gone while it is read" if hit else ""
            found.append(Release(asset=asset, before=old.version, after="", changes=(), hit=hit, problem=problem))
        elif old is not None and new is not None:
            changes = changes_between(old, new)
            breaking = [change for change in changes if change.breaking]
            problem = version_problem(old.version, new.version, breaking=bool(breaking))
            if changes or problem or old.version != new.version:
                columns = {change.column for change in breaking}
                hit = tuple(sorted({*_hit(old, columns), *_hit(new, columns)}))
                found.append(
                    Release(
                        asset=asset,
                        before=old.version,
                        after=new.version,
                        changes=changes,
                        hit=hit,
                        problem=problem,
                    )
                )
    return tuple(found)


def _hit(promise: Promise, columns: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({reader for column in columns for reader in promise.readers.get(column, ())}))


def late(promises: Iterable[Promise], made: Mapping[str, datetime | None], now: datetime) -> tuple[Broken, ...]:
    """The contracts whose freshness is not kept; ``made`` is when the newest value of each asset was made."""
    found: list[Broken] = []
    for promise in promises:
        if promise.freshness is None:
            continue
        at = made.get(promise.asset)
        if at is None:
            found.append(Broken(promise.asset, "there is no value yet"))
        elif (age := (now - at).total_seconds()) > promise.freshness:
            text = f"made {age / 3600:.1f} hours ago, and at most {promise.freshness / 3600:g} are promised"
            found.append(Broken(promise.asset, text))
    return tuple(found)
