"""The DermTriage model: dermoscopic image in, calibrated findings and heatmaps out.

Knows nothing of Flask or the database; usable on its own through ``python -m ml``.
"""
