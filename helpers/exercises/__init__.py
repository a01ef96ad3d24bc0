"""The exercises inside the notebooks: what an answer is held against, hints, and worked ways.

Each notebook has a module here with its exercises, so that none of its cells shows an answer.
"""
from helpers.exercises.feedback import check, given, hint, solution, solved

__all__ = ["check", "given", "hint", "solution", "solved"]
