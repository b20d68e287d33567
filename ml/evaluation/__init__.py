"""How good a bundle is, measured through the engine that serves it. `table_3` to `table_5` are the paper's."""
