"""From an uploaded file to an image that can be trusted: decoded, upright, rebuilt from its pixels, judged."""
