"""The audit trail: who did what to which row, chained so that no event can be changed or removed unnoticed."""

from webapp.audit.recording import INSTALLATION as INSTALLATION
from webapp.audit.recording import record as record
from webapp.audit.recording import record_now_and_then as record_now_and_then
