"""Dashboard and export."""
