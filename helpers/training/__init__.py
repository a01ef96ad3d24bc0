"""From a data set to a model and a report: the network, a plain training loop, what it measures, and what it keeps.

`fit` trains a `resnet`; `history` and `metrics` say how well, `checkpoint` keeps it, `inference` uses it, and
`parallel` lets several processes share the work.
"""
