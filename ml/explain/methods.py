"""The methods by their names on the command line."""

from typing import Final

from ml.explain.base import Explainer
from ml.explain.gradients import GradCam, GradCamPlusPlus
from ml.explain.score import ScoreCam

METHODS: Final[dict[str, type[Explainer]]] = {"gradcam": GradCam, "gradcam++": GradCamPlusPlus, "scorecam": ScoreCam}
