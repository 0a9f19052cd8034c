"""Meta-training: its tasks, the auxiliary images they are drawn from, and checkpoints."""
