"""Procedural dermoscopic lesions with exact pattern masks, for tests, demonstration and pattern pre-training.

Nothing here shows a patient: every image is drawn from a seed with numpy and Pillow alone, and whoever shows one
labels it synthetic. The look of the structures follows the dermoscopic definitions in Matas et al.,
arXiv 2407.00104; colours and scales were set by eye beside real photographs and have no clinical validity.
"""

from ml.phantoms.graft import graft
from ml.phantoms.lesion import Tone
from ml.phantoms.phantom import Phantom, generate
from ml.phantoms.scene import plausible

__all__ = ["Phantom", "Tone", "generate", "graft", "plausible"]
