"""The versions of Da Vinci CRD that the service answers in."""

from enum import Enum


class CrdVersion(Enum):
    """A version of Da Vinci CRD, as `davinci-crd.version` names it: STU 2.2 (2.2.1), and STU 2 (2.0.1)."""

    V2_2 = "2.2"
    V2_0 = "2.0"
