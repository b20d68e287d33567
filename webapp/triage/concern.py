"""What the model's results suspect, and the concern of a case.

No other module compares a probability with an operating point or decides whether a result suspects a cancer.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from ml.patterns import MALIGNANT, Lesion
from webapp.models import Analysis, AnalysisState, Case, Diagnosis, Finding, Image
from webapp.triage import switch

CANCER = (Diagnosis.BCC, Diagnosis.NOT_BCC_MALIGNANT)
FORMER_OPERATING_POINT = 0.3
"""Of other cancers than BCC in results of earlier models, whose cards have none: a share of the lesion-type head,
chosen by hand and not measured. It stays, so that no stored result becomes less of a concern.
"""


def reaches(probability: Any, threshold: Any) -> Any:
    """Whether a probability reaches its operating point; works on numbers and on query columns."""
    return probability >= threshold


@dataclass(frozen=True)
class Suspicion:
    """A malignant finding of a case: its highest ``probability`` (0 to 1) in any image, and whether any image reaches
    the operating point.
    """

    lesion: Lesion
    probability: float
    suspected: bool


def result(image: Image) -> Analysis | None:
    """The analysis in force, as pages and rules may use it: none while the model is switched off."""
    return None if switch.is_off() else image.current_analysis


def done(case: Case) -> list[Analysis]:
    """The finished results in force, at most one per image."""
    current = [result(image) for image in case.images]
    return [analysis for analysis in current if analysis and analysis.state is AnalysisState.DONE]


def trusted(analysis: Analysis | None) -> bool:
    """Whether it is finished, gives a probability of every cancer that its model knows, and the model does not ask for
    a person.
    """
    return (
        analysis is not None
        and analysis.state is AnalysisState.DONE
        and analysis.needs_person is False
        and _known_to_its_model(analysis) <= probabilities(analysis).keys()
    )


def fully_trusted(case: Case) -> bool:
    """Whether there is a trusted result for every image."""
    return bool(case.images) and all(trusted(result(image)) for image in case.images)


def probabilities(analysis: Analysis) -> dict[Lesion, float]:
    """The probability (0 to 1) of each malignant finding for which a finished analysis gives one.

    Models of earlier versions had no finding for other cancers than BCC: the share of the lesion-type head counts.
    """
    if analysis.state is not AnalysisState.DONE:
        return {}
    calibrated, shares, known = _findings(analysis), analysis.lesion or {}, _known_to_its_model(analysis)
    given = {
        lesion: calibrated.get(lesion.target) if lesion in known else shares.get(lesion.value) for lesion in MALIGNANT
    }
    given[Lesion.BCC] = analysis.bcc_probability
    return {lesion: p for lesion, p in given.items() if p is not None and math.isfinite(p)}


def _findings(analysis: Analysis) -> dict[str, float]:
    return {finding.target: finding.probability for finding in analysis.findings}


def _known_to_its_model(analysis: Analysis) -> set[Lesion]:
    """BCC, and the other cancers for which the card of its model version has a finding."""
    version = analysis.model_version
    others = {lesion for lesion in MALIGNANT if version is not None and version.target(lesion.target)}
    return {Lesion.BCC, *others}


def suspects(analysis: Analysis, lesion: Lesion) -> bool:
    """Whether the probability reaches the operating point in force; for BCC without one, the model's own verdict."""
    probability = probabilities(analysis).get(lesion)
    if probability is None:
        return False
    threshold = operating_point(analysis, lesion)
    return bool(analysis.bcc_as_shipped) if threshold is None else bool(reaches(probability, threshold))


def operating_point(analysis: Analysis, lesion: Lesion) -> float | None:
    """The one in force for its model version; None for BCC if the card has none."""
    version = analysis.model_version
    known = version.threshold_of(lesion.target) if version else None
    return FORMER_OPERATING_POINT if known is None and lesion is not Lesion.BCC else known


def suspects_cancer(analysis: Analysis) -> bool:
    return bool(_of(analysis))


def says_bcc(analysis: Analysis) -> bool | None:
    """Whether the probability suspects BCC; None without a usable one."""
    return suspects(analysis, Lesion.BCC) if Lesion.BCC in probabilities(analysis) else None


def contradicts_itself(analysis: Analysis) -> bool:
    """Whether the clinical rule and the probability disagree."""
    bcc = says_bcc(analysis)
    return bcc is not None and analysis.verdict.contradicts(bcc)


def present(finding: Finding) -> bool:
    """Whether the finding counts as present; a cancer by the operating point in force."""
    cancer = next((lesion for lesion in MALIGNANT if lesion.target == finding.target), None)
    return finding.present if cancer is None else suspects(finding.analysis, cancer)


def suspicions(case: Case) -> list[Suspicion]:
    """Every malignant finding that any image gives a probability for: suspected ones first, then by descending
    probability.
    """
    return suspicions_in(done(case))


def suspicions_in(analyses: Collection[Analysis]) -> list[Suspicion]:
    """The same for these results."""
    found = []
    for lesion in MALIGNANT:
        given = [analysis for analysis in analyses if lesion in probabilities(analysis)]
        if given:
            highest = max(probabilities(analysis)[lesion] for analysis in given)
            found.append(Suspicion(lesion, highest, any(suspects(analysis, lesion) for analysis in given)))
    return sorted(found, key=lambda suspicion: (not suspicion.suspected, -suspicion.probability))


def origin(case: Case, suspicion: Suspicion) -> Image:
    """The first image that gives the suspicion its probability, one with a trusted result before others."""
    lesion, probability = suspicion.lesion, suspicion.probability
    given = [analysis for analysis in done(case) if probabilities(analysis).get(lesion) == probability]
    return min(given, key=lambda analysis: (not trusted(analysis), analysis.image.position)).image


def suspected(case: Case) -> list[Suspicion]:
    """The suspicions that reach their operating point."""
    return [suspicion for suspicion in suspicions(case) if suspicion.suspected]


def lead(case: Case) -> Suspicion | None:
    """What is said of the case first: the likeliest cancer that a trusted result suspects, or, if none is suspected
    and every image has a trusted result, the likeliest one. None: an image without a trusted result comes first.
    """
    found = suspicions_in([analysis for analysis in done(case) if trusted(analysis)])
    first = next(iter(found), None)
    return first if first is not None and (first.suspected or fully_trusted(case)) else None


def reported(case: Case) -> float | None:
    """The highest probability of any malignant finding, trusted or not; None if an image has no P(BCC)."""
    results = done(case)
    known = [analysis for analysis in results if Lesion.BCC in probabilities(analysis)]
    if not known or len(known) < len(case.images):
        return None
    return max(probability for analysis in known for probability in probabilities(analysis).values())


def level(case: Case) -> float:
    """The case's concern: the highest probability of any malignant finding in any image; 1 if an image has no trusted
    result.
    """
    highest = reported(case)
    return highest if highest is not None and fully_trusted(case) else 1.0


def named(analysis: Analysis) -> list[str]:
    """Each cancer that it suspects in its image, as "image id:lesion"."""
    return [f"{analysis.image_id}:{lesion.value}" for lesion in _of(analysis)]


def known_suspicions(case: Case, analysis_ids: Collection[int]) -> list[str]:
    """What these results suspect, for a decision to keep what its reader knew."""
    return sorted(name for analysis in done(case) if analysis.id in analysis_ids for name in named(analysis))


def is_news(analysis: Analysis, known: Collection[str]) -> bool:
    """Whether it suspects a cancer in its image that is not among ``known``."""
    return any(name not in known for name in named(analysis))


def _of(analysis: Analysis) -> list[Lesion]:
    return [lesion for lesion in MALIGNANT if suspects(analysis, lesion)]


def people_suspect_cancer(case: Case) -> bool:
    """Whether the histology in force or a second opinion does."""
    histology = case.histology is not None and case.histology.result.is_cancer
    return histology or any(r.opinion is not None and r.opinion.diagnosis in CANCER for r in case.opinion_requests)
