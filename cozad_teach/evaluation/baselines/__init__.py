"""What CoZAD is compared with."""
