"""What is wished of a daemon, from the control process, a controller, a pad or a reloaded file: checked, and passed on as events."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from improv.atomic import atomic_write
from improv.cli.take import write_cut
from improv.control.bindings import Bindings, Wish, as_toml
from improv.control.config.config import Binding, Config, load_config
from improv.control.config.differences import changes as differences
from improv.core.errors import ImprovError
from improv.core.events import Bookmark, ControlChange, Event, Mark, Setting, Stop, Tap, Transport
from improv.core.harmony import parse_changes
from improv.core.settings import TABLE, Settings
from improv.models.loader import load_model
from improv.perform.log import Log

FOR_ALL = ("clock", "tempo", "count_in", "click", "grain")  # settings that all performers share
NOBODYS = -1000  # the part of a controller that no input sent
PRESETS, LEARNED = "presets.json", "learned.json"  # beside the sessions
MOST_PRESETS = 200


class Commands:
    """Answers requests of the control protocol, and grants wishes of bindings. Any thread may ask."""

    def __init__(
        self,
        path: Path,
        config: Config,
        members: Sequence[Any],
        clock: Any,
        inbox: Any,
        bay: Any,
        capture: Any,
        bindings: Bindings,
        binding: threading.Lock,
        log: Log,
    ):
        self.config = config
        self._path, self._members, self._clock, self._inbox, self._bay = path, members, clock, inbox, bay
        self._capture, self._bindings, self._binding, self._log = capture, bindings, binding, log
        self._lock = threading.RLock()
        self._saved = config.record.folder / PRESETS

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a request says. The reply has `ok`, and `error` where it is false.

        What takes long is got ready before the lock is taken: no controller waits while a model is read.
        """
        try:
            ready = self._ready(request)
            with self._lock:
                return {"ok": True} | self._do(ready)
        except ImprovError as e:
            return {"ok": False, "error": str(e)}
        except (KeyError, TypeError, ValueError) as e:
            return {"ok": False, "error": f"not a request that makes sense: {type(e).__name__} {e}"}

    def _ready(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """The request, once the models that it asks for are loaded, and a new configuration is read."""
        what, performer = request.get("do"), request.get("performer")
        wished: list[tuple[Any, Any]] = []  # models, and whose
        if what == "model" or (what == "set" and request.get("name") == "model"):
            wished.append((request["name" if what == "model" else "value"], performer))
        elif what == "preset" and "model" in (preset := self._all_presets().get(str(request["name"]), {})):
            wished.append((preset["model"], performer))
        elif what == "mood":
            from improv.mood.choose import choose

            request = {**request, "choice": choose(str(request["text"]), int.from_bytes(os.urandom(4), "little"))}
        elif what == "reload":
            new = load_config(self._path)
            wished += [(c.new, c.performer) for c in differences(self.config, new).live if c.what == "model"]
            request = {**request, "config": new}
        for name, whose in wished:
            for member in self._of(self._part(whose)):
                if str(name) not in member.models:
                    member.models[str(name)] = load_model(str(name))
        return request

    def grant(self, wish: Wish) -> None:
        """Do what a controller, a key or a program change asks for; what can't be done is logged."""
        request = dict(wish.request)
        if request["do"] == "tap":
            self._inbox.put(Tap(wish.time))
        elif request["do"] == "learned":
            self._log(f"learned: {as_toml(request['binding'])}", "notice")
            threading.Thread(target=self._keep_learned, daemon=True).start()
        elif request["do"] in ("set", "keep", "back", "mark") and request.get("name") != "model":
            self._reply_logged(self.answer(request))
        else:  # what takes longer than a port's thread should
            threading.Thread(target=lambda: self._reply_logged(self.answer(request)), daemon=True).start()

    def reload(self) -> None:
        """Read the file again; what can be taken over is, between two notes. A bad one changes nothing."""
        self._reply_logged(self.answer({"do": "reload"}), always=True)

    def _reply_logged(self, reply: Mapping[str, Any], always: bool = False) -> None:
        if not reply["ok"]:
            self._log(str(reply["error"]), "warning")
        elif always:
            self._log("reloaded: " + ("; ".join(reply.get("changed", [])) or "nothing differs"), "notice")

    # One method a request

    def _do(self, request: Mapping[str, Any]) -> dict[str, Any]:
        what = str(request.get("do"))
        method = getattr(self, f"_do_{what}", None)
        if method is None:
            raise ImprovError(f"no request {what!r}")
        found: dict[str, Any] = method(request) or {}
        return found

    def _do_set(self, request: Mapping[str, Any]) -> dict[str, Any]:
        name, value = str(request["name"]), request["value"]
        part = self._part(request.get("performer"))
        if name == "model":
            return self._do_model(request | {"name": value})  # type: ignore[operator]
        if name == "changes":
            if value:
                parse_changes(str(value))
            self._put(Setting(self._clock.now(), "changes", str(value), part))
            return {}
        for member in self._of(part):
            member.improviser.settings.changed(name, value)
        now = self._clock.now()
        keeper = self._members[0].improviser.keeper
        if name == "mode" and value == "solo" and not keeper.meter.running and keeper.source.own:
            self._put(Transport(now, "start"))  # one beat for all
        self._put(Setting(now, name, value, None if name in FOR_ALL else part))
        return {}

    def _do_mode(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return self._do_set({"name": "mode", "value": request["name"], "performer": request.get("performer")})

    def _do_model(self, request: Mapping[str, Any]) -> dict[str, Any]:
        name, part = str(request["name"]), self._part(request.get("performer"))
        for member in self._of(part):
            member.model_name = name
        self._put(Setting(self._clock.now(), "model", name, part))
        return {}

    def _do_preset(self, request: Mapping[str, Any]) -> dict[str, Any]:
        name = str(request["name"])
        presets = self._all_presets()
        if name not in presets:
            raise ImprovError(f"no preset {name!r}; there are {', '.join(presets) or 'none'}")
        self._set_together(presets[name], self._part(request.get("performer")))
        return {"set": presets[name]}

    def _set_together(self, wished: Mapping[str, Any], part: int | None) -> None:
        """Several settings at once: all are checked before the first is put; a range is widened before it is narrowed."""
        for member in self._of(part):
            replace(member.improviser.settings, **{k: v for k, v in wished.items() if k in TABLE})
        high = self._of(part)[0].improviser.settings.high
        order = ("high", "low") if wished.get("high", high) >= high else ("low", "high")
        for name in (*(n for n in order if n in wished), *(n for n in wished if n not in order)):
            if name in TABLE and name != "mode":
                self._put(Setting(self._clock.now(), name, wished[name], None if name in FOR_ALL else part))
            else:
                self._do_set({"name": name, "value": wished[name], "performer": None if part is None else self._members[part].name})

    def _do_mood(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """What words come to, for all performers: changes, settings, and the tempo where that is ours."""
        choice = request["choice"]
        clock = self._members[0].improviser.settings.clock
        tempo = {"tempo": choice.tempo} if clock == "internal" else {}
        self._set_together({"changes": choice.changes} | tempo | dict(choice.settings), None)
        return {"text": "; ".join(filter(None, (str(choice), choice.doubt())))}

    def _do_save(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The present settings under a name: what differs from the defaults, of one performer."""
        name, member = str(request["name"]), self._of(self._part(request.get("performer")))[0]
        now, usual = asdict(member.improviser.settings), asdict(Settings())
        kept = {k: v for k, v in now.items() if v != usual[k] and k not in FOR_ALL}
        presets = self._presets() | {name: kept | {"mode": now["mode"], "model": member.model_name}}
        if len(presets) > MOST_PRESETS:
            raise ImprovError(f"{MOST_PRESETS} presets are kept; delete some in {self._saved}")
        _write(self._saved, presets)
        return {"saved": presets[name]}

    def _do_keep(self, request: Mapping[str, Any]) -> None:
        self._put(Bookmark(self._clock.now(), str(request["name"]), True, self._part(request.get("performer"))))

    def _do_back(self, request: Mapping[str, Any]) -> None:
        self._put(Bookmark(self._clock.now(), str(request["name"]), False, self._part(request.get("performer"))))

    def _do_mark(self, request: Mapping[str, Any]) -> None:
        self._put(Mark(self._clock.now(), str(request.get("text") or "")[:1000]))

    def _do_panic(self, request: Mapping[str, Any]) -> None:
        self._put(ControlChange(self._clock.now(), 123, 0, 0, NOBODYS))
        self._bay.panic()
        self._log("panic: all is silent", "notice")

    def _do_learn(self, request: Mapping[str, Any]) -> dict[str, Any]:
        with self._binding:
            self._bindings.learn(str(request["name"]), request.get("performer"))
        return {"learning": request["name"]}

    def _do_unlearn(self, request: Mapping[str, Any]) -> dict[str, Any]:
        with self._binding:
            unbound = len(self._bindings.unlearn(str(request["name"])))
        self._keep_learned()
        return {"unbound": unbound}

    def _keep_learned(self) -> None:
        with self._binding:
            learned = [asdict(b) for b in self._bindings.learned]
        try:
            _write(self.config.record.folder / LEARNED, learned)
        except ImprovError as e:
            self._log(f"{e}; what was learned holds until the end", "warning")

    def _do_capture(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The last bars as a MIDI file."""
        bars = int(request.get("bars") or 16)
        if not 1 <= bars <= self._capture.bars:
            raise ImprovError(f"{bars} bars: between 1 and {self._capture.bars} are kept")
        folder = self.config.record.folder
        said = request.get("file")
        path = Path(str(said)) if said else folder / f"{time.strftime('%Y-%m-%dT%H-%M-%S')}-last-{bars}-bars.mid"
        cut = self._capture.cut(self._clock.now(), bars)
        if not cut.events:
            raise ImprovError("nothing was played in the last bars")
        write_cut(path, cut, self._members[0].improviser.generator.changes, [m.name for m in self._members])
        return {"file": str(path)}

    def _do_stop(self, request: Mapping[str, Any]) -> None:
        self._put(Stop(self._clock.now(), "asked to"))

    def _do_reload(self, request: Mapping[str, Any]) -> dict[str, Any]:
        new = request["config"]
        found = differences(self.config, new)
        for change in found.live:
            if change.what == "setting":
                self._do_set({"name": change.name, "value": change.new, "performer": change.performer})
            elif change.what == "changes":
                self._do_set({"name": "changes", "value": change.new or "", "performer": None})
            elif change.what == "model":
                self._do_model({"name": change.new, "performer": change.performer})
        with self._binding:
            self._bindings.replace(new.bindings)
        self.config = new
        return {"changed": [str(c) for c in found.live], "restart": [str(c) for c in found.restart]}

    # What they share

    def _put(self, event: Event) -> None:
        self._inbox.put(event)

    def _part(self, performer: object) -> int | None:
        if performer is None:
            return None
        names = [m.name for m in self._members]
        if performer not in names:
            raise ImprovError(f"no performer {performer!r}; there are {', '.join(names)}")
        return names.index(str(performer))

    def _of(self, part: int | None) -> Sequence[Any]:
        return self._members if part is None else [self._members[part]]

    def _all_presets(self) -> dict[str, dict[str, Any]]:
        """Those of the configuration, and those that were saved."""
        return {k: dict(v) for k, v in self.config.presets.items()} | self._presets()

    def _presets(self) -> dict[str, dict[str, Any]]:
        """Those that were saved; none where the file is not what was written."""
        known = {*TABLE, "model"}
        try:
            if self._saved.stat().st_size > 2**20:
                return {}
            saved = json.loads(self._saved.read_text(encoding="utf-8"))
            return {str(n): {k: v for k, v in p.items() if k in known} for n, p in saved.items()}
        except (OSError, ValueError, AttributeError):
            return {}


def learned_bindings(folder: Path) -> tuple[Binding, ...]:
    """What was learned before and kept in a folder; nothing where that is not what was written."""
    try:
        path = folder / LEARNED
        return tuple(Binding(**b) for b in json.loads(path.read_text(encoding="utf-8"))) if path.stat().st_size < 2**18 else ()
    except (OSError, ValueError, TypeError):
        return ()


def _write(path: Path, content: object) -> None:
    """Write JSON, whole or not at all. Raises ImprovError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise ImprovError(f"{path.parent}: {e.strerror}") from None
    atomic_write({path: json.dumps(content, indent=1).encode()})
