"""How good a bundle is, measured through the engine that serves it."""
