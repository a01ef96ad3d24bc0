"""What the notebooks of the course share: data, networks, training and figures, each one small module."""
