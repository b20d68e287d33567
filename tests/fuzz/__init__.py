"""Broken files and invented requests for as long as one likes: `make fuzz`."""
