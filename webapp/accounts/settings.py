"""The settings of Flask-Security: what it does here, what it leaves to us, and its messages."""

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from webapp.core.config import Settings

SHORTEST_PASSWORD = 12
RECOVERY_CODES = 8
REASK_AFTER = timedelta(minutes=10)
"""How long after the password was typed a change of the second factor asks for it again."""


def security_config(settings: "Settings") -> dict[str, object]:
    return {
        "SECURITY_API_ENABLED_METHODS": ["session"],
        "SECURITY_PASSWORD_HASH": "argon2",
        "SECURITY_PASSWORD_SINGLE_HASH": ["argon2"],  # otherwise a new SECRET_KEY would void every password
        "SECURITY_PASSWORD_LENGTH_MIN": SHORTEST_PASSWORD,
        "SECURITY_JOIN_USER_ROLES": False,
        "SECURITY_LOGOUT_METHODS": ["POST"],
        "SECURITY_DEFAULT_REMEMBER_ME": False,
        "SECURITY_RETURN_GENERIC_RESPONSES": True,
        "SECURITY_RECOVERABLE": True,
        "SECURITY_CHANGEABLE": True,
        "SECURITY_RESET_PASSWORD_WITHIN": timedelta(days=settings.invitation_days),
        "SECURITY_SEND_PASSWORD_RESET_EMAIL": False,
        "SECURITY_SEND_PASSWORD_RESET_NOTICE_EMAIL": False,
        "SECURITY_SEND_PASSWORD_CHANGE_EMAIL": False,
        "SECURITY_POST_LOGIN_VIEW": "/",
        "SECURITY_POST_LOGOUT_VIEW": "/login",
        "SECURITY_POST_RESET_VIEW": "/",
        "SECURITY_POST_CHANGE_VIEW": "/profile",
        "SECURITY_FLASH_MESSAGES": True,
        "SECURITY_MSG_GENERIC_AUTHN_FAILED": ("Incorrect email or password.", "error"),
        "SECURITY_MSG_PASSWORD_RESET_EXPIRED": ("This link has expired.", "error"),
        "SECURITY_MSG_INVALID_RESET_PASSWORD_TOKEN": ("This link no longer works.", "error"),
        "SECURITY_MSG_PASSWORD_RESET_NO_LOGIN": ("Your password has been saved. Please sign in.", "success"),
        "SECURITY_EMAIL_VALIDATOR_ARGS": {"check_deliverability": False, "test_environment": True},
        "SECURITY_FRESHNESS": REASK_AFTER,
        "SECURITY_FRESHNESS_GRACE_PERIOD": timedelta(0),
        "SECURITY_TWO_FACTOR": True,
        "SECURITY_TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
        "SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY": 30,  # seconds: the previous and the next code are accepted too
        "SECURITY_TWO_FACTOR_RESCUE_EMAIL": False,
        "SECURITY_TWO_FACTOR_POST_SETUP_VIEW": "security.mf_recovery_codes",
        "SECURITY_TOTP_SECRETS": dict(settings.totp_secrets),
        "SECURITY_TOTP_ISSUER": "DermTriage",
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES": True,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_N": RECOVERY_CODES,
        "SECURITY_MSG_REAUTHENTICATION_REQUIRED": ("Please confirm your password.", "info"),
        "SECURITY_MSG_REAUTHENTICATION_SUCCESSFUL": ("Password confirmed. You can continue.", "success"),
        "SECURITY_MSG_INVALID_PASSWORD": ("Incorrect current password.", "error"),
        "SECURITY_MSG_TWO_FACTOR_INVALID_TOKEN": (
            "This code is incorrect or has already been used. Wait for the next code in your app, then try again.",
            "error",
        ),
        "SECURITY_MSG_TWO_FACTOR_LOGIN_SUCCESSFUL": ("You are signed in.", "success"),
        "SECURITY_MSG_TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL": ("Two-factor authentication is set up.", "success"),
        "SECURITY_MSG_TWO_FACTOR_DISABLED": ("Two-factor authentication is turned off.", "success"),
        "SECURITY_MSG_TWO_FACTOR_PERMISSION_DENIED": ("Please sign in first.", "error"),
        "SECURITY_MSG_TWO_FACTOR_METHOD_NOT_AVAILABLE": ("Your role requires two-factor authentication.", "error"),
        "SECURITY_MSG_INVALID_RECOVERY_CODE": (
            "This recovery code is incorrect or has already been used.",
            "error",
        ),
    }
