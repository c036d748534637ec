"""A generative annotation assistant (Bartolo et al. 2022): people write rows, helped by what was generated."""
