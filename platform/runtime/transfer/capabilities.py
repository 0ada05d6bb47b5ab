"""What people need beyond rights on records to carry many of them in or out."""

from __future__ import annotations

from metadata.problems import Forbidden, kind
from runtime.workspace import Workspace

MAY_NOT_IMPORT = kind(
    "import_not_allowed",
    en="None of your roles lets you import. Ask an administrator for a role with the capability `import`.",
    zh="您的角色没有导入权限。请联系管理员授予具有 `import` 能力的角色。",
)
MAY_NOT_EXPORT = kind(
    "export_not_allowed",
    en="None of your roles lets you export. Ask an administrator for a role with the capability `export`.",
    zh="您的角色没有导出权限。请联系管理员授予具有 `export` 能力的角色。",
)


def require_import(ws: Workspace) -> None:
    if not _has(ws, "import"):
        raise Forbidden(MAY_NOT_IMPORT())


def require_export(ws: Workspace) -> None:
    if not _has(ws, "export"):
        raise Forbidden(MAY_NOT_EXPORT())


def _has(ws: Workspace, capability: str) -> bool:
    if ws.actor.platform:
        return True
    roles = (ws.model.role(name) for name in ws.actor.roles)
    return any(role is not None and capability in role.capabilities for role in roles)
