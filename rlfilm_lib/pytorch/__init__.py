"""The algorithms in PyTorch. Twin of `rlfilm_lib.tf`: same files, same names, same order of lines."""
