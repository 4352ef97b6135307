"""Which samples of which lead moved the score of a class: seen on the trace, whatever the network has seen.

From Python: ``explain("runs/alexnet", "patient.hea", "MI")``.
"""

from pipeline.explain.explanation import Explanation
from pipeline.explain.occlusion import explain

__all__ = ["Explanation", "explain"]
