"""The same outcome on other processors: machine code for any of them, numpy without its newer instructions, threads."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.machines import outcome

NEWER = ("AVX512_SPR", "AVX512_ICL", "AVX512_CLX", "AVX512_CNL", "AVX512_SKX", "AVX512CD", "AVX512F", "FMA3", "AVX2")


def known_to_numpy() -> str:
    """Newer instructions that this processor has and that numpy can do without."""
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    wanted = {*NEWER, "X86_V3", "X86_V4"}
    return ",".join(name for name in __cpu_dispatch__ if name in wanted and __cpu_features__.get(name))


def test_numpy_without_newer_instructions_and_other_threads_give_the_same_outcome(tmp_path: Path) -> None:
    features = known_to_numpy()
    if not features:
        pytest.skip("numpy has no code for newer instructions of this processor")
    plain = outcome(tmp_path, "--threads", "1")
    assert outcome(tmp_path, "--threads", "4", NPY_DISABLE_CPU_FEATURES=features) == plain
    assert outcome(tmp_path, "--threads", "2") == plain
