"""The exercises inside the notebooks: what a learner's answer is held against, and what is said about it."""
from helpers.exercises.feedback import check

__all__ = ["check"]
