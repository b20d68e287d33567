"""The DermTriage model: dermoscopic image in, calibrated findings and heatmaps out. Knows neither Flask nor a database.

Where to find Matas et al., arXiv 2407.00104:

    seven patterns, label vector, clinical rule      patterns.py
    standard reference from several raters, by EM    consensus/em.py, agreement in consensus/agreement.py
    multi-task network                               training/recipe/network.py
    training, over several collections               training/recipe: config, draws, views, loss, train, predictions
    … in three steps, as an option                   training/recipe/train.py, choose_step
    the served graph, and its maps                   training/recipe/explained.py
    Grad-CAM in closed form                          explain/closed_form.py (other methods: explain/gradients.py)
    Table 3, performance per pattern                 evaluation/table_3.py → report/sections/table_3.py
    … with variances over folds                      evaluation/table_3_out_of_fold.py
    Table 4, heatmaps on masks and their statistics  evaluation/maps.py, alignment.py → report/sections/maps.py
    Table 5, backbones                               evaluation/table_5.py → report/sections/table_5.py

Rooms by when their code runs:

    serving      engine, results, overlay · bundle, card · imaging (file → network input) · patterns · phantoms (demo)
    training     data (readers, collections, folds) · backbones · training · explain.closed_form
    release      release: folds and the network of everything → a calibrated bundle
    evaluation   evaluation → report (page, model card), charts · consensus · bench · explain (other heatmap methods)

`commands` and `__main__` are the command line, `python -m ml`. A room imports only rooms below it: the order is in
pyproject.toml, contract "the rooms of ml".
"""
