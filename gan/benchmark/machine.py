"""The processor that figures of speed depend on."""

import os
import platform
from pathlib import Path

import torch

CPUINFO = Path("/proc/cpuinfo")


def processor() -> str:
    """The model name of the CPU, or where nothing tells it, the kind of machine: x86_64, arm64."""
    known = CPUINFO.read_text().splitlines() if CPUINFO.is_file() else []
    names = [line.partition(":")[2].split() for line in known if line.startswith("model name")]
    return " ".join(names[0]) if names else platform.processor() or platform.machine()


def instructions(bf16: bool) -> str:
    """What multiplies: "AMX bf16", "AVX512 bf16" or the CPU's widest vectors, as "AVX512"."""
    vectors = torch.backends.cpu.get_cpu_capability()
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "DEFAULT").upper()  # of what oneDNN may use
    has_amx = torch.cpu._is_amx_tile_supported() and ("AMX" in limit or limit in ("DEFAULT", "ALL"))
    return f"{'AMX' if has_amx else vectors} bf16" if bf16 else vectors
