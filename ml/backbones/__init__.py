"""The backbones by name: how each is built, where its ImageNet weights come from, and what it costs (Table 5)."""

from ml.backbones.cost import NOT_TRAINED, Cost, cost, count, latency_ms, table
from ml.backbones.registry import BACKBONES, DEFAULT, Backbone, described, find

__all__ = [
    "BACKBONES",
    "DEFAULT",
    "NOT_TRAINED",
    "Backbone",
    "Cost",
    "cost",
    "count",
    "described",
    "find",
    "latency_ms",
    "table",
]
