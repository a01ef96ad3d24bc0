"""What is run from a command line: `python -m helpers.commands.NAME --help` says what each of them can do.

Here, and in the notebooks, photographs (`helpers.fundus`) meet networks (`helpers.training`).
"""
