"""The 22 questions of TPC-H: a file a question, an asset a file."""

from __future__ import annotations

from pathlib import Path

from assetflow import sql_asset

#: What the eleventh question calls a large part of the stock depends on how much there is.
PARAMETERS = {"q11": {"scale": 0.01}}

answers = [
    sql_asset(path.stem, path, parameters=PARAMETERS.get(path.stem))
    for path in sorted((Path(__file__).parent / "queries").glob("q*.sql"))
]
