"""Procedural dermoscopic lesions with exact pattern masks, for tests and demonstration.

No image shows a patient: each is drawn from a seed with numpy and Pillow alone, and must be labelled synthetic wherever
it is shown. The structures follow the dermoscopic definitions in Matas et al., arXiv 2407.00104; colours and scales
were matched to real photographs by eye and have no clinical validity.
"""

from ml.phantoms.lesion import Tone
from ml.phantoms.phantom import Phantom, generate
from ml.phantoms.scene import plausible

__all__ = ["Phantom", "Tone", "generate", "plausible"]
