"""The simulated xmlrpc.cgi: unix users and /etc/aliases, by line numbers, as Webmin's modules keep them."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Any
from xmlrpc.client import Binary, Fault, dumps, loads

from passlib.hash import sha512_crypt


class UnixUsers:
    """/etc/passwd, /etc/shadow and /etc/aliases; nobody checks what is written into them."""

    def __init__(self) -> None:
        self.users: list[dict[str, Any]] = [
            {"user": "root", "uid": 0, "gid": 0, "real": "root", "home": "/root", "shell": "/bin/bash"},
            {
                "user": "daemon",
                "uid": 1,
                "gid": 1,
                "real": "daemon",
                "home": "/",
                "shell": "/usr/sbin/nologin",
            },
        ]
        self.users = [{**user, "pass": "*"} for user in self.users]
        self.aliases: list[dict[str, Any]] = [{"name": "postmaster", "values": ["root"], "enabled": 1}]
        self.write_seconds = 0.0
        self._writing = Lock()

    def call(self, body: bytes, *, allowed: bool) -> str:
        """The answer as XML, faults included."""
        try:
            parameters, method = loads(body)
        except Exception:  # noqa: BLE001 - expat's own errors
            return _fault(4, "Invalid XML :  unclosed token at line 1, column 0, byte 0")
        if not allowed:
            return _fault(1, "Invalid user for RPC")
        module, _, function = (method or "").replace("::", ".").partition(".")
        if module not in ("useradmin", "postfix"):
            return _fault(5, f"Webmin module {module} does not exist")
        known: dict[str, Callable[..., Any]] = {
            "useradmin.encrypt_password": self._encrypt,
            "useradmin.list_users": self._list_users,
            "useradmin.create_user": self._create_user,
            "useradmin.modify_user": self._modify_user,
            "useradmin.delete_user": self._delete_user,
            "postfix.list_aliases": self._list_aliases,
            "postfix.create_alias": self._create_alias,
            "postfix.modify_alias": self._modify_alias,
            "postfix.delete_alias": self._delete_alias,
        }
        run = known.get(f"{module}.{function}")
        if run is None:
            text = f"Function call {function} failed : {module}::{function} failed : Undefined subroutine\n"
            return _fault(7, Binary(text.encode()))
        with self._writing:
            try:
                given = [_as_written(parameter) for parameter in parameters]
                return dumps((_alone(run(*given)),), methodresponse=True)
            except (LookupError, TypeError, ValueError) as error:
                return _fault(8, f"Eval failed : {type(error).__name__}")

    def _encrypt(self, clear: str) -> str:
        return str(sha512_crypt.using(rounds=1000).hash(clear))

    def _list_users(self) -> list[dict[str, Any]]:
        empty = {"expire": "", "min": "", "warn": "", "max": "", "inactive": "", "change": ""}
        return [
            {**empty, **user, "num": number, "line": number, "sline": number}
            for number, user in enumerate(self.users)
        ]

    def _create_user(self, user: dict[str, Any]) -> int:
        time.sleep(self.write_seconds)
        self.users.append(_whole(user))
        return 1

    def _modify_user(self, old: dict[str, Any], new: dict[str, Any]) -> int:
        time.sleep(self.write_seconds)
        self.users[old["line"]] = _whole(new)
        return 1

    def _delete_user(self, user: dict[str, Any]) -> int:
        time.sleep(self.write_seconds)
        del self.users[user["line"]]
        return 1

    def _list_aliases(self, files: list[str]) -> list[dict[str, Any]]:
        return [
            {
                **alias,
                "value": ",".join(alias["values"]),
                "cmt": "",
                "num": number,
                "line": number + 1,
                "eline": number + 1,
                "file": files[0],
                "files": files,
            }
            for number, alias in enumerate(self.aliases)
        ]

    def _create_alias(self, alias: dict[str, Any], _files: list[str]) -> int:
        self.aliases.append(_alias(alias))
        return len(self.aliases)

    def _modify_alias(self, old: dict[str, Any], new: dict[str, Any]) -> str:
        self.aliases[old["num"]] = _alias(new)
        return ""

    def _delete_alias(self, alias: dict[str, Any]) -> str:
        del self.aliases[alias["num"]]
        return ""


def _as_written(value: Any) -> Any:
    """Perl writes each letter as a byte where it can; read again they should be UTF-8, and may not be."""
    if isinstance(value, str):
        try:
            return value.encode("latin-1").decode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            return value
    if isinstance(value, dict):
        return {key: _as_written(each) for key, each in value.items()}
    return [_as_written(each) for each in value] if isinstance(value, list) else value


def _alone(found: Any) -> Any:
    """A list of one becomes that one, as in xmlrpc.cgi: seen on a real Webmin 2.660."""
    return found[0] if isinstance(found, list) and len(found) == 1 else found


def _whole(user: dict[str, Any]) -> dict[str, Any]:
    numbers = {key: int(user[key]) for key in ("uid", "gid")}
    rest = {key: value for key, value in user.items() if key not in ("num", "line", "sline", "passmode")}
    if str(rest.get("change", "")).isdigit():
        numbers["change"] = int(rest["change"])
    return {**rest, **numbers}


def _alias(alias: dict[str, Any]) -> dict[str, Any]:
    return {"name": alias["name"], "values": list(alias["values"]), "enabled": int(alias["enabled"])}


def _fault(code: int, text: str | Binary) -> str:
    return dumps(Fault(code, text), methodresponse=True)  # type: ignore[arg-type]
