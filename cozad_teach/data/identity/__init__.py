"""Whether two files show the same picture, and which pictures a model has seen."""
