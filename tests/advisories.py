"""Known advisories of what is pinned, where a database of them can be reached: python -m tests.advisories."""

import json
import subprocess
import sys

PINNED = ("requirements.txt", "requirements-dev.txt")


def main() -> int:
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--timeout=10"]
    for name in PINNED:
        command += ["--requirement", name]
    asked = subprocess.run(
        [*command, "--progress-spinner=off", "--format=json"], capture_output=True, text=True, check=False
    )
    if not asked.stdout:
        print(asked.stderr[-2000:])
        return 0 if cannot_connect(asked.stderr) else 1
    packages = json.loads(asked.stdout)["dependencies"]
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    found = [(package, flaw) for package in packages for flaw in package.get("vulns", [])]
    if len(unknown) == len(packages):
        print("No database of advisories answers here: nothing was checked.")
    else:
        print(f"Advisories looked for in {len(packages) - len(unknown)} of {len(packages)} packages.")
    for package, flaw in found:
        print(f"{package['name']} {package['version']}: {flaw['id']}, mended in {flaw['fix_versions']}")
    return 1 if found else 0


def cannot_connect(words: str) -> bool:
    """Without a network the tests still run; any other trouble is a fault of the check itself."""
    if "connect" in words.lower():
        print("No database of advisories can be reached from here: nothing was checked.")
        return True
    return False


sys.exit(main())
