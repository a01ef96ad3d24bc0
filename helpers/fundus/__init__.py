"""From photographs to a data set: found or rendered, read, labelled, divided, and handed to Paddle.

`sources` finds the files, `photographs` reads them, `dataset` hands them to Paddle; where there are none, `render`
makes some, which `paint` has painted.
"""
