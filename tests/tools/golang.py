"""Programs built from their Go modules, with the dependencies that the module itself pins."""

import json
from pathlib import Path

from tests.tools.run import run, which
from tests.tools.wanted import Tool, UnavailableError


def build(tool: Tool, target: Path) -> str:
    """Build a tool's binary at `target`; say where it comes from. Raises UnavailableError.

    `go install module@version` refuses modules with replace directives, which Prometheus has; hence
    the build within the module's own folder.
    """
    if tool.go is None:
        raise UnavailableError("not built with Go")
    go = which("go")
    module = f"{tool.go.module}@{tool.go.tag}"
    found = json.loads(run(go, "mod", "download", "-json", module, cwd=target.parent))
    flags = f"-X {tool.go.variable}={tool.go.release}"
    run(
        *(go, "build", "-mod=readonly", "-trimpath", "-ldflags", flags, "-o", target),
        tool.go.package,
        cwd=Path(found["Dir"]),
        env={"GOWORK": "off"},
    )
    return f"{tool.go.release} (built with Go)"
