"""The number of threads that BLAS uses."""

from __future__ import annotations

from threadpoolctl import threadpool_info


def blas_threads() -> set[int]:
    """Return the thread counts of all BLAS libraries in this process."""
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
