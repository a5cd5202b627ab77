import os

# One process works on one core: threads of the matrix library wait for each other by spinning.
# Here, since it is read once, when that library is first loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
