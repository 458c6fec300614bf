"""Builds the zip file for AWS Lambda, and says how much of Lambda's limit it takes.

    python examples/aws_lambda/build.py --model mini --output npbert.zip

The function gets the handler ``handler.handle``, the runtime ``python3.13``, and the architecture
for which the file was built. Lambda takes a file of more than 50 MB by way of S3 alone.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from npbert.cli.commands import main as npbert

HERE: Final = Path(__file__).parent
CHECKOUT: Final = HERE.parents[1]
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LIMIT_BYTES: Final = 250_000_000  # unpacked
# What npbert needs for a model in a folder. The others of its dependencies are for the hub and for
# files of rows.
PACKAGES: Final = ("numpy", "safetensors", "tokenizers", "threadpoolctl")
NOT_NEEDED: Final = ("**/__pycache__", "*.dist-info", "bin", "numpy/**/tests", "numpy/f2py")


def main() -> int:
    """Build the file; the exit code is 1 if it is too large for Lambda."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="mini", help="a folder, 'mini' or a hub id")
    parser.add_argument("--half", action="store_true", help="write the weights in float16")
    parser.add_argument("--output", type=Path, default=Path("npbert.zip"))
    parser.add_argument("--python", default="3.13", help="the version of the runtime")
    parser.add_argument("--architecture", default="x86_64", choices=("x86_64", "arm64"))
    arguments = parser.parse_args()
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "function"
        install(folder, arguments.python, arguments.architecture)
        half = ["--half"] if arguments.half else []
        if npbert(["export", arguments.model, str(folder / "model"), *half]) != 0:
            return 1
        n_bytes = pack(folder, arguments.output)
    room = LIMIT_BYTES - n_bytes
    packed = arguments.output.stat().st_size
    print(
        f"{arguments.output}: {_mb(packed)} MB, and {_mb(n_bytes)} MB unpacked, which is "
        f"{_mb(abs(room))} MB {'under' if room >= 0 else 'over'} the limit of 250 MB"
    )
    return 0 if room >= 0 else 1


def install(folder: Path, python: str, architecture: str) -> None:
    """Put npbert, what it needs and the handler into a folder."""
    machine = {"x86_64": "x86_64", "arm64": "aarch64"}[architecture]
    platforms = [f"--platform=manylinux{name}_{machine}" for name in ("_2_28", "2014")]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", f"--target={folder}"]
    wheels = ["--only-binary=:all:", f"--python-version={python}", "--implementation=cp"]
    subprocess.run([*pip, *wheels, *platforms, *PACKAGES], check=True)
    subprocess.run([*pip, str(CHECKOUT)], check=True)
    shutil.rmtree(folder / "npbert" / "checkpoints" / "mini")  # the model has its own folder
    for pattern in NOT_NEEDED:
        for path in list(folder.glob(pattern)):
            shutil.rmtree(path, ignore_errors=True)
    shutil.copy(HERE / "handler.py", folder)


def pack(folder: Path, output: Path) -> int:
    """Write the zip file, and return the size of its files before packing."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            archive.write(path, path.relative_to(folder))
    return sum(path.stat().st_size for path in paths)


def _mb(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.1f}"


if __name__ == "__main__":
    sys.exit(main())
