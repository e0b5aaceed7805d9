"""Loading: from settings to the graph and all it takes to run it, with every mistake of the project told at once."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from assetflow.declare import CheckFunction, Source, SqlAsset
from assetflow.errors import DefinitionError
from assetflow.graph import Graph
from assetflow.graph.classes import leaks
from assetflow.load.assembly import Assembly
from assetflow.load.checks import assets_judged_by, readable_checks, tangled_sources
from assetflow.load.code.sources import ProjectSources
from assetflow.load.code.versions import CodeVersions
from assetflow.load.definitions import Loaded
from assetflow.load.expressions import refuse_expectations
from assetflow.load.faults import Faults
from assetflow.load.functions import made_names, ordered_functions, project_of, readable_functions
from assetflow.load.naming import Names, declared
from assetflow.load.options import options_sound
from assetflow.load.outside import outside
from assetflow.load.products import private_uses, products_of
from assetflow.load.queries import read_queries
from assetflow.load.recorded import NOTHING, Recorded
from assetflow.load.scan import Found, Scanned, Value, scan, values_of
from assetflow.load.settings import Settings
from assetflow.load.signatures import read_signature
from assetflow.load.sqlfiles import sql_files
from assetflow.sql.queries import Queries

__all__ = ["load"]


def load(
    settings: Settings,
    *,
    environment: str | None = None,
    sets: Sequence[str] = (),
    resources: Mapping[str, object] | None = None,
    assets: Sequence[Value] | None = None,
    cache: Path | None = None,
    recorded: Recorded = NOTHING,
) -> Loaded:
    """The project as it is written today.

    ``environment`` overrides the settings'; ``sets`` are texts ``NAME=V`` or ``group.asset.NAME=V``; ``resources``
    are given instead of configured ones. With ``assets``, nothing is imported: these, and what else their modules
    hold, are the project. ``cache`` is a folder of what was compiled and hashed, by default beside the store; it is
    only read (``Loaded.save_caches()`` writes it). ``recorded`` says what earlier runs found of tables.

    Mistakes are collected in ``Loaded.mistakes``. Raises only DefinitionError ``source-changed``, where a file is
    edited while it is imported.
    """
    if environment is not None:
        settings = replace(settings, environment=environment)
    cache = cache or _cache_folder(settings)
    sources = ProjectSources(settings.root, cache=cache)
    with sources.importing():
        scanned = scan(settings.modules, settings.root) if assets is None else _around(assets)
        return _loaded(
            settings, scanned, sources, Queries(cache), sets, resources or {}, recorded, around=assets is not None
        )


def _cache_folder(settings: Settings) -> Path | None:
    return None if "://" in settings.store else Path(settings.store).parent / "cache"


def _around(assets: Iterable[Value]) -> Scanned:
    """The declarations given, and all that their modules hold: names mean the same as in the project."""
    found = {id(value): Found(value, value.place.module) for value in assets}
    for value, name in list(found.values()):
        module = sys.modules.get(name)
        for other in values_of(module) if module is not None else ():
            found.setdefault(id(other), Found(other, name))
        found.setdefault(id(value), Found(value, name))
    return Scanned(found=tuple(found.values()), broken=(), mistakes=())


def _loaded(
    settings: Settings,
    scanned: Scanned,
    sources: ProjectSources,
    known: Queries,
    sets: Sequence[str],
    given: Mapping[str, object],
    recorded: Recorded,
    *,
    around: bool,
) -> Loaded:
    """Each step takes what the steps before found sound, and tells what it finds faulty. ``around``: of certain assets
    and what is beside them, so that no ``.sql`` files are looked for.
    """
    faults = Faults()
    faults.extend(scanned.mistakes)
    files = () if around else sql_files(settings.sql, settings.root, known, faults)
    found = declared((*scanned.found, *files), settings.modules, settings.root, faults)
    check_functions = [each for each in found if isinstance(each.value, CheckFunction)]
    read = [(each, read_signature(each, faults)) for each in found if not isinstance(each.value, CheckFunction)]
    names = Names.of([(each, made_names(each, signature)) for each, signature in read], scanned.broken, faults)
    read = [(each, signature) for each, signature in read if names.is_first(each)]
    signatures = {each.key: signature for each, signature in read}
    declarations = [each for each, _ in read]
    project = project_of(declarations, signatures, names, faults)
    queries, project = read_queries(declarations, project, known, settings.root, recorded, faults)
    functions = readable_functions(declarations, signatures, queries, project, known, faults)
    sound_sources = [
        each
        for each, signature in read
        if isinstance(each.value, Source) and signature is not None and options_sound(each, signature, faults)
    ]
    checks = readable_checks(check_functions, project, faults)
    # A parameter or resource that nothing takes may belong to what could not be read.
    lost = sum(isinstance(each.value, SqlAsset) for each in declarations) - len(queries)
    complete = (
        not scanned.broken and None not in signatures.values() and len(checks) == len(check_functions) and not lost
    )
    refuse_expectations(functions.values(), project, known, faults)
    callables = [*functions.values(), *(each.function for each in checks)]
    beside = outside(callables, names, settings, sets, given, faults, complete=complete)
    assembly = Assembly(
        root=settings.root,
        project=project,
        outside=beside,
        versions=CodeVersions(sources),
        queries=known,
        derived=recorded.derivations,
        faults=faults,
    )
    for each in sound_sources:
        assembly.add_source(each)
    judged = assets_judged_by(declarations, checks, project)
    for function in ordered_functions(functions, assembly.sources, names, faults, judged):
        assembly.add(function)
    tangled = tangled_sources(judged, project, faults)
    assembly.judge(
        [each for each in declarations if each.key not in tangled],
        [each for each in checks if each.node not in tangled],
    )
    if not faults.in_order() and (lost_nodes := functions.keys() - assembly.made.keys()):
        message = f"{min(lost_nodes)} was left out, and no mistake says why"
        hint = "this is a mistake of assetflow: please report it"
        faults.add(DefinitionError("left-out", message, where=[functions[min(lost_nodes)].declared.line], hint=hint))
    views = [each for each in declarations if each.key in project.views and each.key in queries]
    for each in views:
        assembly.add_view(each, queries[each.key])
    definitions = [one for each in assembly.made.values() for one in each.definitions]
    definitions += assembly.views.values()
    products = products_of(scanned, names, settings.root, faults)
    by_key = {one.key: one for one in definitions}
    for use in private_uses(products, by_key):
        faults.add(use)
    for leak in leaks(by_key):
        faults.add(leak)
    return Loaded(
        root=settings.root,
        graph=Graph([each.node for each in assembly.made.values()], definitions),
        bound=assembly.bound,
        sources=assembly.sources,
        resources=beside.resources,
        code=assembly.code,
        checks=assembly.checks,
        mistakes=faults.in_order(),
        warnings=assembly.warnings.in_order(),
        broken=scanned.broken,
        project_sources=sources,
        queries=known,
        products=products,
        views=assembly.viewed,
        loose={key: (each.fault, each.loose) for key, each in queries.items() if each.fault is not None},
    )
