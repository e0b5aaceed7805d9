"""The composition root: opens a project and wires declaring, deciding, running and remembering together.

It has no opinion about assets. The way of the data is the whole of its job::

    load → targets(selection) → catalog view → snapshot → plan → execute(plan, journal) → events → listeners
"""

from assetflow.project.memory import materialize
from assetflow.project.opened import Project
from assetflow.project.results import AssetStatus, Difference, Explanation, Result

__all__ = ["AssetStatus", "Difference", "Explanation", "Project", "Result", "materialize"]
