#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compares this project's interface headers with Xen's own public ones, by the table abi.txt.

For each header a program is made and run twice, once with our header and once with Xen's: it prints the
value of each constant, the size of each structure, and for each member which of the structure's bits it
is. What a header defines and the table does not have is an error, and so is a header without a place
in the table.

Where Xen's header is one that this project's hypervisor patches extend, they are applied to a copy of it
first: those of the first series (a directory of *.patch) that fits. As long as there is no series, that
header is skipped, and the output says so.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
REPO = HERE.parents[2]
OURS = REPO / "include"
XEN = pathlib.Path("/usr/include")

PROLOGUE = """
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
%s
static void show(const char *name, const void *p, size_t n)
{
	const unsigned char *c = p;

	printf("%%s ", name);
	while (n--)
		printf("%%02x", *c++);
	printf("\\n");
}

int main(void)
{
"""


class Const:
    def __init__(self, ours, theirs):
        self.ours, self.theirs = ours, theirs


class Struct:
    def __init__(self, ours, theirs):
        self.ours, self.theirs, self.members = ours, theirs, []
        self.size = self.align = 0
        self.places = {}  # member: offset, size


class Header:
    def __init__(self, ours, theirs):
        self.ours, self.theirs, self.consts, self.structs = ours, theirs, [], []
        self.patches = None  # below this directory
        if "with" in theirs:
            self.theirs, self.patches = theirs[:-2], REPO / theirs[-1]

    def is_listed(self):
        return self.theirs == ["-"]


def read_table(path):
    headers = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if line[0].isspace() and headers[-1].is_listed():
            struct = headers[-1].structs[-1]
            struct.members.append(words[0])
            struct.places[words[0]] = int(words[1]), int(words[2])
        elif line[0].isspace():
            headers[-1].structs[-1].members += words
        elif words[0] == "header" and words[2] == "=":
            headers.append(Header(words[1], words[3:]))
        elif words[0] == "const":
            headers[-1].consts.append(Const(words[1], words[-1]))
        elif words[0] == "struct" and headers[-1].is_listed():
            struct = Struct(words[1], words[1])
            struct.size, struct.align = int(words[2]), int(words[3])
            headers[-1].structs.append(struct)
        elif words[0] == "struct":
            headers[-1].structs.append(Struct(words[1], words[-1]))
        else:
            sys.exit(f"{path}:{number}: what is this?")
    return headers


def program(header, xen):
    """Prints one line for each entry of the table."""
    if xen:
        includes = ["#define __XEN_TOOLS__ 1", "#include <xen/xen.h>"]
        includes += [f"#include <{name}>" for name in header.theirs]
    else:
        includes = [f"#include <{header.ours}>"]
    lines = [PROLOGUE % "\n".join(includes)]
    for const in header.consts:
        value = const.theirs if xen else const.ours
        lines.append(f'\tprintf("{const.ours} %lld\\n", (long long)({value}));')
    for struct in header.structs:
        kind = f"struct {struct.theirs if xen else struct.ours}"
        lines.append(f'\tprintf("sizeof({struct.ours}) %zu\\n", sizeof({kind}));')
        lines.append(f'\tprintf("alignof({struct.ours}) %zu\\n", _Alignof({kind}));')
        for member in struct.members:
            name = f"{struct.ours}.{member}"
            lines.append(f"\t{{ {kind} s; memset(&s, 0, sizeof(s));")
            if is_bit_field(header, struct, member):
                lines.append(f"\ts.{member} = ~0u;")
            else:
                lines.append(f"\tmemset(&s.{member}, 0xff, sizeof(s.{member}));")
            lines.append(f'\tshow("{name}", &s, sizeof(s)); }}')
    return "\n".join(lines) + "\n\treturn 0;\n}\n"


def run(source, include):
    with tempfile.TemporaryDirectory() as folder:
        c, exe = f"{folder}/abi.c", f"{folder}/abi"
        pathlib.Path(c).write_text(source)
        subprocess.run(["gcc", "-w", "-std=gnu11", *include, "-o", exe, c], check=True)
        out = subprocess.run([exe], check=True, capture_output=True, text=True).stdout
    return dict(line.split(" ", 1) for line in out.splitlines())


def preprocess(args, source):
    return subprocess.run(["gcc", "-E", *args, "-I", str(OURS), "-x", "c", "-"], check=True,
                          input=source, capture_output=True, text=True).stdout


def macros(source):
    return {line.split()[1].split("(")[0]
            for line in preprocess(["-dM"], source).splitlines()}


def own_text(header):
    """The header's text without comments and preprocessor lines."""
    text = (OURS / header.ours).read_text()
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    text = re.sub(r"//[^\n]*", " ", text)
    text = re.sub(r"\\\n", " ", text)
    return re.sub(r"^\s*#.*$", " ", text, flags=re.M)


def members_of(body, prefix=""):
    """Names and whether each is a bit field; those of a named union or struct inside with their path."""
    found = []
    while True:
        inner = re.search(r"(?:struct|union)\s*\{([^{}]*)\}\s*(\w+)\s*;", body)
        if not inner:
            break
        found.append((prefix + inner[2], False))
        found += members_of(inner[1], prefix + inner[2] + ".")
        body = body.replace(inner[0], "")
    for declaration in filter(str.strip, body.split(";")):
        for part in declaration.split(","):
            name = re.search(r"(\w+)\s*(?:\[[^]]*\])?\s*(:\s*\d+)?\s*$", part)
            if not name:
                sys.exit(f"cannot read the member \"{part.strip()}\"")
            found.append((prefix + name[1], bool(name[2])))
    return found


def structs_of(header):
    text, found = own_text(header), {}
    pattern = r"struct\s+(\w+)\s*\{((?:[^{}]|\{[^{}]*\})*)\}[^;]*;"
    for match in re.finditer(pattern, text):
        found[match[1]] = dict(members_of(match[2]))
    return found, re.sub(pattern, " ", text).strip()


def is_bit_field(header, struct, member):
    return structs_of(header)[0].get(struct.ours, {}).get(member, False)


def left_out(header):
    """What the header defines and the table has not."""
    base = "#include <linux/types.h>\n"
    guard = re.compile(r"_H_*$")
    consts = {m for m in macros(base + f"#include <{header.ours}>\n") - macros(base)
              if not guard.search(m)}
    # Those of other headers that it includes are not its own.
    consts = {m for m in consts if re.search(rf"#\s*define\s+{m}\b",
                                             (OURS / header.ours).read_text())}
    missing = [f"const {name}" for name in sorted(consts - {c.ours for c in header.consts})]
    structs, rest = structs_of(header)
    if rest:
        missing.append(f"something that is neither a constant nor a structure: {rest[:60]!r}")
    table = {s.ours: s for s in header.structs}
    for name, members in structs.items():
        if name not in table:
            missing.append(f"struct {name}")
            continue
        missing += [f"{name}.{m}" for m in members if m not in table[name].members]
    return missing


def listed(header):
    """What the table itself says, as a program would print it."""
    lines = {const.ours: str(int(const.theirs, 0)) for const in header.consts}
    for struct in header.structs:
        lines[f"sizeof({struct.ours})"] = str(struct.size)
        lines[f"alignof({struct.ours})"] = str(struct.align)
        for member, (offset, size) in struct.places.items():
            rest = struct.size - offset - size
            lines[f"{struct.ours}.{member}"] = "00" * offset + "ff" * size + "00" * rest
    return lines


def public_part(patch):
    """Of a patch to Xen, what changes public headers."""
    files = re.split(r"^(?=diff --git )", patch.read_text(), flags=re.M)
    return "".join(f for f in files if f.startswith("diff --git a/xen/include/public/"))


def patched(patches, folder):
    """A copy of Xen's headers with the first series that fits; None if there is none at all."""
    series = sorted({patch.parent for patch in patches.glob("*/*.patch")})
    for directory in series:
        shutil.rmtree(f"{folder}/xen", ignore_errors=True)
        shutil.copytree(XEN / "xen", f"{folder}/xen")
        text = "".join(public_part(patch) for patch in sorted(directory.glob("*.patch")))
        # a/xen/include/public/hvm/dm_op.h is xen/hvm/dm_op.h here
        done = subprocess.run(["patch", "-p4", "-s", "-f", "-d", f"{folder}/xen"], input=text,
                              text=True, check=False, stdout=subprocess.DEVNULL)
        if text and done.returncode == 0:
            return folder
    if series:
        sys.exit(f"no series below {patches} fits {XEN}/xen")
    return None


def theirs_of(header):
    if header.is_listed():
        return listed(header)
    with tempfile.TemporaryDirectory() as folder:
        include = patched(header.patches, folder) if header.patches else XEN
        return include and run(program(header, True), ["-I", str(include)])


def check(header):
    """Yields (description, what is wrong or None)."""
    for what in left_out(header):
        yield f"{header.ours}: {what}", "is not in the table"
    ours = run(program(header, False), ["-I", str(OURS)])
    theirs = theirs_of(header)
    if theirs is None:
        print(f"skipped - {header.ours}: there are no patches to Xen to compare with")
        return
    for name, value in ours.items():
        wrong = None if theirs[name] == value else f"{value}, Xen's {theirs[name]}"
        yield f"{header.ours}: {name}", wrong


def main():
    headers = read_table(HERE / "abi.txt")
    results = []
    named = {header.ours for header in headers}
    for path in sorted((OURS / "xen/interface").rglob("*.h")):
        name = str(path.relative_to(OURS))
        if name not in named:
            results.append((name, "has no place in the table"))
    for header in headers:
        results += check(header)
    for name, wrong in results:
        if wrong:
            print(f"not ok - {name}: {wrong}")
    failed = sum(bool(wrong) for _, wrong in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return failed != 0 or not results


if __name__ == "__main__":
    sys.exit(main())
