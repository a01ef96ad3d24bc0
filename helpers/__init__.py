"""What the notebooks of the course share: data, networks, training and figures, each one small module."""
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]  # the folder of the course
