"""The dermatologist's pages: worklist, reading, decision."""
