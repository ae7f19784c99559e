"""The parts of the form service: what makes packages, and what asks the next question."""

from dataclasses import dataclass

from cds_service.dtr.next_question import NextQuestions
from cds_service.dtr.packages import Packages


@dataclass(frozen=True, slots=True)
class FormService:
    """Serves forms to DTR clients. Thread-safe."""

    packages: Packages
    next_questions: NextQuestions
