"""The C ABI as libabigail sees it in the library's debug information, and how it may change.

    tests/capi/abi/record           makes what is there now the baseline, at a release
    abi.py LIBRARY HEADER           the same for a library that was built, with -g

Programs that exist go on working when only functions, constants and, at the end of structs that
begin with struct_size, members are added. abidiff's own suppressions cannot say this: one for "data
members inserted at the end" also hides every other change of the struct. So `compare` cuts such
structs to the size they had, and then allows no change but additions.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BASELINE = os.path.join(HERE, "baseline.abi")
CONSTANTS = os.path.join(HERE, "constants.txt")

STRUCT = re.compile(r" *<class-decl name='(\w+)' size-in-bits='(\d+)'.*?</class-decl>\n", re.S)
MEMBER = re.compile(r" *<data-member access='public' layout-offset-in-bits='(\d+)'>\n"
                    r" *<var-decl name='(\w+)' type-id='([\w-]+)'[^\n]*\n *</data-member>\n")


def dump(library, header):
    """The ABI of a library as text: without paths, and without what the header does not show."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(header, folder)  # alone: what other headers define is private
        out = os.path.join(folder, "out.abi")
        subprocess.run(["abidw", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs",
                        "--no-elf-needed", "--no-architecture", "--exported-interfaces-only",
                        "--drop-private-types", "--headers-dir", folder, "--out-file", out, library],
                       check=True)
        with open(out) as file:
            text = re.sub(r" path='[^']*/", " path='", file.read())
    if text.count("<elf-symbol ") != text.count("<function-decl "):
        raise ValueError(f"{library} says of some functions no types: build it with -g")
    return text


def structs(abi):
    """The text of each struct, by name."""
    return {match[1]: match for match in STRUCT.finditer(abi)}


def cut_to(old, new):
    """`new`, where structs that begin with struct_size are as large as in `old`."""
    sizes = {name: int(match[2]) for name, match in structs(old).items()}
    for name, match in structs(new).items():
        members = list(MEMBER.finditer(match[0]))
        size = sizes.get(name, int(match[2]))
        if members[0][2] != "struct_size" or int(match[2]) <= size:
            continue
        text = match[0].replace(f"size-in-bits='{match[2]}'", f"size-in-bits='{size}'", 1)
        for member in members:
            if int(member[1]) >= size:
                text = text.replace(member[0], "")
        new = new.replace(match[0], text)
    return new


def compare(old, new):
    """What would break programs made for `old` when they meet `new`; empty when nothing does."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, abi in (("old", old), ("new", cut_to(old, new))):
            files.append(os.path.join(folder, name + ".abi"))
            with open(files[-1], "w") as file:
                file.write(abi)
        run = subprocess.run(["abidiff", "--no-added-syms", "--harmless", *files],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return "" if run.returncode == 0 else run.stdout or f"abidiff failed: {run.returncode}"


def constants(header):
    """The values of enumerators and macros, as text by name."""
    with open(header) as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    found = dict(re.findall(r"^ *(NVA_\w+) = (-?\w+),? *$", text, re.M))
    found.update(re.findall(r"^#define (NVA_\w+) +(\w+) *$", text, re.M))
    del found["NVA_ABI_VERSION"]  # to be raised
    return found


def recorded_constants():
    with open(CONSTANTS) as file:
        return dict(line.split() for line in file)


def record(library, header):
    with open(BASELINE, "w") as file:
        file.write(dump(library, header))
    with open(CONSTANTS, "w") as file:
        for name, value in sorted(constants(header).items()):
            file.write(f"{name} {value}\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    record(*sys.argv[1:])
