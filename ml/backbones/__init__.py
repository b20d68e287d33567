"""The backbones by name: how each is built, where its ImageNet weights come from, what it costs (`table_5`)."""

from ml.backbones.registry import BACKBONES, DEFAULT, Backbone, described, find
from ml.backbones.table_5 import NOT_TRAINED, Cost, cost, count, latency_ms, table

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
