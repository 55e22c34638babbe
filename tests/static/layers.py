#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Checks that the modules' files depend on each other in one direction only.

A file is a .c file together with its header. It depends on another one if it includes its header,
or calls a function that is defined there. The layers are those of Documentation/design.rst, in the
table between "layers begin" and "layers end", from the top down. Each file is in one layer, and
depends on no file of a layer above. In a layer, and in all of a module, no file depends on itself
by way of others.

Prints what is wrong, a line for each; nothing if all is right.
"""

import fnmatch
import re
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent.parent
BASE = REPO / "drivers/gpu/drm/i915/gvt/xen"
DESIGN = REPO / "Documentation/design.rst"
MODULES = ("map", "vgpu")

COMMENT = re.compile(r"/\*.*?\*/", re.S)
STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')
INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)
# A function that other files can call: its name begins a line that its type may share.
DEFINITION = re.compile(r"^(?!static)[a-z][\w \t*]*?[\s*](\w+)\([^;{)]*(?:\([^)]*\)[^;{)]*)*\)\n\{", re.M)


def stem(path):
    return str(path.relative_to(BASE).with_suffix(""))


def read_layers():
    """The patterns of each layer, from the top down."""
    text = DESIGN.read_text()
    table = text.partition("layers begin")[2].partition("layers end")[0]
    rows = re.findall(r"^ *\d+ +((?:``[^`]+`` ?)+)", table, re.M)
    return [re.findall(r"``([^`]+)``", row) for row in rows]


def layer_of(file, layers):
    """The layers with a pattern that fits the file; of several in one module the exact one counts."""
    exact = [i for i, patterns in enumerate(layers) if file in patterns]
    fitting = [i for i, patterns in enumerate(layers)
               if any(fnmatch.fnmatch(file, p) and file.count("/") == p.count("/") for p in patterns)]
    return exact or fitting


def read_files(module):
    """The text of each file's parts, without comments."""
    files = {}
    for path in sorted((BASE / module).rglob("*.[ch]")):
        if not path.name.endswith(".mod.c"):
            files.setdefault(stem(path), []).append((path, COMMENT.sub("", path.read_text())))
    return files


def included(module, path, name):
    """The file that an include is of; None if it is not one of the module's."""
    for folder in (path.parent, BASE / module):
        header = (folder / name).resolve()
        if header.exists() and header.is_relative_to(BASE / module):
            return stem(header)
    return None


def dependencies(module):
    files = read_files(module)
    owner = {name: file for file, parts in files.items() for path, text in parts
             if path.suffix == ".c" for name in DEFINITION.findall(text)}
    arrows = {file: set() for file in files}
    for file, parts in files.items():
        for path, text in parts:
            arrows[file] |= {included(module, path, name) for name in INCLUDE.findall(text)}
            words = set(re.findall(r"\b(\w+)\(", STRING.sub('""', text)))
            arrows[file] |= {owner[word] for word in words & owner.keys()}
        arrows[file] -= {None, file}
    return arrows


def find_circles(arrows):
    """Tarjan's strongly connected components that have more than one file."""
    index, low, stack, circles = {}, {}, [], []

    def visit(file):
        index[file] = low[file] = len(index)
        stack.append(file)
        for other in sorted(arrows.get(file, ())):
            if other not in index:
                visit(other)
            if other in stack:
                low[file] = min(low[file], low[other])
        if low[file] == index[file]:
            circle = stack[stack.index(file):]
            del stack[stack.index(file):]
            if len(circle) > 1:
                circles.append(circle)

    for file in sorted(arrows):
        if file not in index:
            visit(file)
    return circles


def check(module, layers):
    arrows = dependencies(module)
    layer = {}
    for file in arrows:
        found = layer_of(file, layers)
        if len(found) != 1:
            yield f"{file}: it is in {len(found)} layers of {DESIGN.name}, not in one"
        layer[file] = found[0] if found else None
    for file, others in sorted(arrows.items()):
        for other in sorted(others):
            if None not in (layer[file], layer[other]) and layer[other] < layer[file]:
                yield f"{file} depends on {other}, which is in a layer above"
    for circle in find_circles(arrows):
        yield f"a circle: {' -> '.join(circle)}"


def main():
    layers = read_layers()
    if not layers:
        print(f"{DESIGN.name}: it has no table of layers")
        return 1
    wrong = [line for module in MODULES for line in check(module, layers)]
    print("\n".join(wrong), end="\n" if wrong else "")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
