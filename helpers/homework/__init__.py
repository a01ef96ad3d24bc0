"""The homework of notebook 04: questions made from networks, feedback for answers, a file to hand in, grading as data.

What the notebook uses is here; all else is imported from its module. Four functions hide the module of their name:
`from helpers.homework.trace import Row` finds it all the same.
"""
from helpers.homework.assignment import assignment
from helpers.homework.hand_in import FOLDER, hand_in
from helpers.homework.practice import practice
from helpers.homework.questions import counting_task, table_task
from helpers.homework.sizes import conv_size, pool_size
from helpers.homework.trace import macs, trace

__all__ = [
    "FOLDER", "assignment", "conv_size", "counting_task", "hand_in", "macs", "pool_size", "practice", "table_task",
    "trace",
]  # fmt: skip
