"""Every extension, created once and bound to nothing; ``create_app`` binds them."""

from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect

from webapp.core.orm import Base

db = SQLAlchemy(model_class=Base)
csrf = CSRFProtect()
