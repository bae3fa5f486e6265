"""Requests for a daemon, from the control process, a controller, a pad or a reloaded file: checked, and handed on as events.

What each command does is in `apply`, and what all of them work with is in `desk`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from improv.control.apply import READY, do
from improv.control.bindings import Asked, ControllerLearned, as_toml
from improv.control.commands import COMMANDS, expanded
from improv.control.desk import Desk
from improv.core.errors import ImprovError
from improv.core.events import Tap


class Steering(Desk):
    """Answers requests, and does what bindings ask for. Any thread may ask."""

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a request says. The reply has `ok`, and `error` where it is false.

        What takes long is made ready before the lock is taken: no controller waits while a model is loaded.
        """
        try:
            wanted = expanded(dict(request))
            ready = READY.get(wanted["do"])
            if ready:
                wanted = ready(self, wanted)
            with self.lock:
                return {"ok": True} | do(self, wanted)
        except ImprovError as e:
            return {"ok": False, "error": str(e)}
        except (KeyError, TypeError, ValueError) as e:
            return {"ok": False, "error": f"not a request that makes sense: {type(e).__name__} {e}"}

    def obey(self, asked: Asked) -> None:
        """Do what a controller, a key or a program change asks for; what can't be done is logged."""
        request = dict(asked.request)
        if request["do"] == "tap":
            self.put(Tap(asked.time))  # a tap counts from when it was struck
        elif COMMANDS[request["do"]].quick:
            self._log_reply(self.answer(request))
        else:  # what takes longer than a port's thread should
            threading.Thread(target=lambda: self._log_reply(self.answer(request)), daemon=True).start()

    def learned(self, learned: ControllerLearned) -> None:
        """A controller was bound to a setting: tell it, and keep it."""
        self.log(f"learned: {as_toml(learned.binding)}", "notice")
        threading.Thread(target=self.keep_learned, daemon=True).start()

    def reload(self) -> None:
        """Read the file again, and take over what can be changed between two notes. A bad file changes nothing."""
        self._log_reply(self.answer({"do": "reload"}), always=True)

    def _log_reply(self, reply: Mapping[str, Any], always: bool = False) -> None:
        if not reply["ok"]:
            self.log(str(reply["error"]), "warning")
        elif always:
            self.log("reloaded: " + ("; ".join(reply.get("changed", [])) or "nothing has changed"), "notice")
            if reply.get("restart"):
                self.log("restart the daemon for: " + "; ".join(reply["restart"]), "notice")
