"""What can be wrong with a data set. Each message names the file and says what to do."""
from __future__ import annotations

from helpers.checks import Unusable


class DataError(Unusable):
    """A data set that cannot be used as it is."""


class DataNotFound(DataError, FileNotFoundError):
    """There is no data set where one was asked for."""


class ImageError(DataError):
    """A file that cannot be read as an image."""


class ArchiveError(DataError):
    """An archive that cannot be unpacked."""
