"""How good a bundle is, measured through the engine that serves it. `table_3` and `table_4` are the paper's."""
