"""The charts of the report and of a training run, as SVG. matplotlib: never loaded while serving."""

from ml.charts.drawings import COLOURS, Estimated, Series, chart, forest, matrix, steps

__all__ = ["COLOURS", "Estimated", "Series", "chart", "forest", "matrix", "steps"]
