"""The backbones by name: how each is built, where its ImageNet weights come from."""

from ml.backbones.registry import BACKBONES, DEFAULT, Backbone, described, find

__all__ = ["BACKBONES", "DEFAULT", "Backbone", "described", "find"]
