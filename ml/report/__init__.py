"""The report on a bundle, one page, and its model card. `table_3`, `table_4` and `table_5` are the paper's.

Every chart has its numbers in a table below it.
"""
