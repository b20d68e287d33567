"""From an uploaded file to a trusted image: decoded, turned upright, rebuilt from its pixels, checked for quality."""
