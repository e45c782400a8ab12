#!/usr/bin/python
"""Ansible module: systemd units run what their files say, and nothing older."""

from __future__ import annotations

import os
import subprocess
import time

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: converge_units
short_description: Units are enabled, running, and younger than the files that they read
description:
  - Decides from the state of the machine, not from what this run changed, so a run that was killed between
    writing a file and restarting its unit is made good by the next one.
  - A unit is restarted (or reloaded) when one of its files changed after the unit was started.
options:
  units:
    description: Units with the files that they read.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {type: str, required: true, description: Name of the unit with its suffix.}
      files: {type: list, elements: path, default: [], description: Files and links read at start.}
      reload: {type: bool, default: false, description: Reload instead of restart on a changed file.}
author: [City Cloud]
"""

EXAMPLES = r"""
- name: HAProxy runs with its configuration
  converge_units:
    units: [{name: haproxy.service, files: [/etc/haproxy/haproxy.cfg], reload: true}]
"""

RETURN = r"""
actions:
  description: What was done to which unit.
  returned: always
  type: dict
"""

PROPERTIES = (
    "LoadState",
    "ActiveState",
    "UnitFileState",
    "NeedDaemonReload",
    "InactiveExitTimestampMonotonic",
    "FragmentPath",
)
SPEC = {
    "name": {"type": "str", "required": True},
    "files": {"type": "list", "elements": "path", "default": []},
    "reload": {"type": "bool", "default": False},
}


def show(module, name):
    """Return the unit's properties as text values."""
    code, out, err = module.run_command(["systemctl", "show", name, *(f"-p{item}" for item in PROPERTIES)])
    if code:
        module.fail_json(msg=f"systemctl show {name}: {err.strip()}")
    return dict(line.split("=", 1) for line in out.splitlines() if "=" in line)


def changed_at(path):
    """Return when the file (or the link itself) last changed, as seconds on the monotonic clock."""
    status = os.lstat(path)
    return time.clock_gettime(time.CLOCK_MONOTONIC) - (time.time() - status.st_ctime)


def systemctl(module, *arguments):
    """Run systemctl; a failure shows the unit's last words."""
    code, _out, err = module.run_command(["systemctl", *arguments])
    if code:
        unit = arguments[-1]
        journal = subprocess.run(
            ["journalctl", "-u", unit, "-n", "25", "--no-pager", "-o", "cat"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        module.fail_json(msg=f"systemctl {' '.join(arguments)}: {err.strip()}\n{journal}")


def plan(module, unit):
    """Return the actions that bring the unit to what its files say."""
    facts = show(module, unit["name"])
    if facts["LoadState"] != "loaded":
        module.fail_json(
            msg=f"unit {unit['name']} is {facts['LoadState']}: its package or unit file is missing"
        )
    actions = []
    if facts["UnitFileState"] not in ("enabled", "static", "indirect", "generated", "alias"):
        actions.append("enable")
    files = [*unit["files"], facts["FragmentPath"]]
    missing = [path for path in files if not os.path.lexists(path)]
    if missing:
        module.fail_json(msg=f"unit {unit['name']} reads files that are missing: {', '.join(missing)}")
    started = int(facts["InactiveExitTimestampMonotonic"] or 0) / 1e6
    if facts["ActiveState"] == "activating" and not unit["reload"]:
        actions.append("restart")
    elif facts["ActiveState"] not in ("active", "reloading"):
        actions.append("start")
    elif any(changed_at(path) > reloaded_at(unit, started) for path in files):
        actions.append("reload" if unit["reload"] else "restart")
    return actions


def stamp(unit):
    """Return the file whose time says when the unit was last reloaded."""
    return f"/run/citycloud-reloaded-{unit['name']}"


def reloaded_at(unit, started):
    """Return the later of start and last reload, in monotonic seconds."""
    if unit["reload"] and os.path.exists(stamp(unit)):
        return max(started, changed_at(stamp(unit)))
    return started


def main():
    """Entry point of the module."""
    module = AnsibleModule(
        {"units": {"type": "list", "elements": "dict", "required": True, "options": SPEC}},
        supports_check_mode=True,
    )
    units = module.params["units"]
    if (
        any(
            show(module, unit["name"])["NeedDaemonReload"] == "yes"
            or show(module, unit["name"])["LoadState"] == "not-found"
            for unit in units
        )
        and not module.check_mode
    ):
        systemctl(module, "daemon-reload")
    done = {}
    for unit in units:
        actions = plan(module, unit)
        if not actions:
            continue
        done[unit["name"]] = actions
        if module.check_mode:
            continue
        for action in actions:
            if action in ("start", "restart"):
                module.run_command(["systemctl", "reset-failed", unit["name"]])
            systemctl(module, action, unit["name"])
            if action == "reload":
                with open(stamp(unit), "w"):
                    pass
    module.exit_json(changed=bool(done), actions=done)


if __name__ == "__main__":
    main()
