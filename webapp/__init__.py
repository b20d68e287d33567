"""DermTriage's web application. ``create_app`` wires the rooms together and does nothing else."""

from flask import Flask

from webapp import cli, metrics
from webapp.accounts import second_factor, security, sessions
from webapp.accounts.routes import blueprint as accounts
from webapp.accounts.settings import security_config
from webapp.admin.operation.routes import blueprint as operation
from webapp.admin.option_routes import blueprint as options
from webapp.admin.reports.routes import blueprint as reports
from webapp.admin.routes import blueprint as admin
from webapp.analysis import bundles, queue
from webapp.analysis import queries as analyses
from webapp.cases.addition_routes import blueprint as additions
from webapp.cases.correction_routes import blueprint as corrections
from webapp.cases.media import blueprint as media
from webapp.cases.routes import blueprint as cases
from webapp.core import (
    access,
    assets,
    bodies,
    database,
    errors,
    filters,
    headers,
    health,
    logs,
    migrations,
    overload,
    parameters,
)
from webapp.core.config import PROJECT_ROOT, Settings, flask_config
from webapp.core.extensions import csrf, db
from webapp.core.help import blueprint as help_pages
from webapp.histology.routes import blueprint as histology
from webapp.metrics.routes import blueprint as metrics_page
from webapp.review.change_routes import blueprint as changes
from webapp.review.claim_routes import blueprint as claims
from webapp.review.opinion_routes import blueprint as opinions
from webapp.review.routes import blueprint as review
from webapp.review.scale_routes import blueprint as scale
from webapp.storage.store import open_store, store_of


def create_app(settings: Settings | None = None) -> Flask:
    settings = settings or Settings.from_environment()
    app = logs.LoggedFlask(
        "dermtriage",
        root_path=str(PROJECT_ROOT),
        instance_path=str(settings.instance_dir),
        template_folder="templates",
        static_folder="static",
    )
    app.config.from_mapping(flask_config(settings), **security_config(settings))
    app.extensions["settings"] = settings
    app.extensions["image_store"] = store = open_store(settings)
    database.expect(settings, in_use=store.in_use)

    logs.init_app(app)
    metrics.init_app(app, settings, ask_backlog=analyses.waiting)
    db.init_app(app)
    migrations.init_app(app)
    bodies.init_app(app)
    overload.init_app(app)
    parameters.init_app(app)
    csrf.init_app(app)
    assets.init_app(app)
    headers.init_app(app, https=settings.https)
    headers.in_one_spelling(app)
    headers.trust_proxies(app, settings.trusted_proxies)
    sessions.init_app(app)
    database.init_app(app)
    security.init_app(app)
    access.init_app(app, next_step=second_factor.next_step, signed_out=sessions.say_why_it_ended)
    errors.init_app(app)
    filters.init_app(app)
    queue.init_app(app, settings)
    checks = {
        "database": health.reach_database,
        "migrations": health.migrations,
        "queue": queue.pending_count,
        "store": lambda: store_of(app).reach(),
        "model": bundles.check,
    }
    health.init_app(app, checks)
    cli.init_app(app)
    reading = (review, claims, changes, opinions, scale, histology)
    for blueprint in (
        accounts,
        cases,
        media,
        additions,
        corrections,
        *reading,
        admin,
        options,
        operation,
        reports,
        help_pages,
        metrics_page,
    ):
        app.register_blueprint(blueprint)
    return app
