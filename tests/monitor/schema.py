# SPDX-License-Identifier: MIT
"""What query-qmp-schema answers: looking types up, holding values and other
schemas against it."""
from vm import Failure

PYTHON = {"string": str, "int": int, "number": (int, float), "boolean": bool}


class Schema:
    def __init__(self, entries):
        self.types = {}
        self.commands = {}
        self.events = {}
        for e in entries:
            kind = {"command": self.commands, "event": self.events}
            kind.get(e["meta-type"], self.types)[e["name"]] = e

    def check_closed(self):
        """Every type that an entry names is there."""
        for e in [*self.types.values(), *self.commands.values(),
                  *self.events.values()]:
            named = [e[k] for k in ("arg-type", "ret-type", "element-type")
                     if k in e]
            named += [m["type"] for m in e.get("members", []) if "type" in m]
            named += [v["type"] for v in e.get("variants", [])]
            for name in named:
                if name not in self.types:
                    raise Failure("%s: no type %s" % (e["name"], name))

    def check(self, name, value, where):
        """@value is of the type @name."""
        e = self.types[name]
        kind = e["meta-type"]
        if kind == "builtin":
            python = PYTHON.get(e["json-type"])
            ok = python is None or isinstance(value, python)
        elif kind == "enum":
            ok = value in e["values"]
        elif kind == "array":
            ok = isinstance(value, list)
            for i, element in enumerate(value if ok else []):
                self.check(e["element-type"], element, "%s[%d]" % (where, i))
        else:
            ok = isinstance(value, dict)
            if ok:
                self.check_object(e, value, where)
        if not ok:
            raise Failure("%s is %r, no %s" % (where, value, name))

    def check_object(self, e, value, where):
        members = {m["name"]: m for m in e["members"]}
        for v in e.get("variants", []):
            if value.get(e["tag"]) == v["case"]:
                members.update({m["name"]: m for m in
                                self.types[v["type"]]["members"]})
        for name, m in members.items():
            if name in value:
                self.check(m["type"], value[name], where + "." + name)
            elif "default" not in m:
                raise Failure("%s.%s is missing" % (where, name))
        extra = set(value) - set(members)
        if extra and e["name"] != "SchemaInfo":
            raise Failure("%s has %s" % (where, extra))

    def check_return(self, command, value):
        self.check(self.commands[command]["ret-type"], value, command)

    def check_event(self, event):
        e = self.events[event["event"]]
        self.check(e["arg-type"], event.get("data", {}), event["event"])

    # --- another schema ---

    def shape(self, name):
        """What JSON a type is, so deep that names do not matter."""
        e = self.types[name]
        if e["meta-type"] == "array":
            return [self.shape(e["element-type"])]
        if e["meta-type"] == "builtin":
            return e["json-type"]
        return "string" if e["meta-type"] == "enum" else e["meta-type"]

    def members(self, name):
        e = self.types[name]
        if e["meta-type"] == "array":
            return self.members(e["element-type"])
        return {m["name"]: ("default" in m, self.shape(m["type"]))
                for m in e.get("members", []) if "type" in m}

    def differences(self, other, command, loose):
        """Arguments that are not as there, and members of the answer that
        clients of the other one may rely on."""
        ours, theirs = self.commands[command], other.commands[command]
        mine = self.members(ours["arg-type"])
        wanted = other.members(theirs["arg-type"])
        wrong = []
        for name in sorted(set(mine) | set(wanted)):
            if (command, name) not in loose and \
                    mine.get(name) != wanted.get(name):
                wrong.append("%s(%s): %s, not %s" % (
                    command, name, mine.get(name), wanted.get(name)))
        if self.shape(ours["ret-type"]) != other.shape(theirs["ret-type"]):
            wrong.append("%s returns %s" % (command,
                                            self.shape(ours["ret-type"])))
        have = self.members(ours["ret-type"])
        for name, (optional, shape) in other.members(
                theirs["ret-type"]).items():
            if not optional and have.get(name, (0, 0))[1] != shape:
                wrong.append("%s lacks %s" % (command, name))
        return wrong

    def event_differences(self, other, name):
        if name not in other.events:
            return ["event %s is ours alone" % name]
        mine = self.members(self.events[name]["arg-type"])
        wanted = other.members(other.events[name]["arg-type"])
        return [] if mine == wanted else ["event %s: %s, not %s" % (
            name, mine, wanted)]
