"""Topology of assets and selections. Pure: values in, values out."""

from assetflow.graph.loops import cycle_error, cycles, loops
from assetflow.graph.topology import Graph

__all__ = ["Graph", "cycle_error", "cycles", "loops"]
