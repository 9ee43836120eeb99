"""Keeps the documentation true: its programs are compiled and run, its queries are asked.

    check_snippets.py extract DIR FILE.md...   writes every program and query into DIR
    check_snippets.py run SNIPPET COMMAND...   runs it, and compares what it prints

A snippet is a fenced block of cpp, c, python or sql. A cpp or c block without main() is only
compiled; one without #include is a fragment, and left alone. What a snippet must print is the first
`text` block that follows it in its section; without one it must only succeed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

EXTENSIONS = {"cpp": ".cc", "c": ".c", "python": ".py", "sql": ".sql"}
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ ", re.MULTILINE)


def sections(markdown: str) -> list[list[tuple[str, str]]]:
    """The (language, text) blocks of every section. A # inside a block begins no section."""
    result: list[list[tuple[str, str]]] = [[]]
    end = 0
    for block in BLOCK.finditer(markdown):
        if HEADING.search(markdown[end : block.start()]):
            result.append([])
        result[-1].append((block[1], block[2]))
        end = block.end()
    return result


def snippets(markdown: str) -> list[tuple[str, str, str | None]]:
    """(language, text, expected output) of every snippet."""
    found = []
    for blocks in sections(markdown):
        for i, (language, text) in enumerate(blocks):
            is_code = language in ("cpp", "c")
            if language not in EXTENSIONS or (is_code and "#include" not in text):
                continue
            outputs = [output for kind, output in blocks[i:] if kind == "text"]
            found.append((language, text, outputs[0] if outputs else None))
    return found


def write_if_changed(path: Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def extract(directory: Path, documents: list[Path]) -> None:
    """Prints the paths of the snippets, separated by semicolons: a list of CMake."""
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("*.expected"):
        old.unlink()
    paths = []
    for document in documents:
        counts: dict[str, int] = {}
        for language, text, expected in snippets(document.read_text()):
            counts[language] = counts.get(language, 0) + 1
            name = f"{document.stem.lower()}_{language}_{counts[language]}"
            path = directory / (name + EXTENSIONS[language])
            write_if_changed(path, text)
            if expected is not None:
                (directory / (path.name + ".expected")).write_text(expected)
            paths.append(str(path))
        if not counts:
            sys.exit(f"{document} has no snippets: is its Markdown still what this script expects?")
    print(";".join(paths), end="")


def run(snippet: Path, command: list[str]) -> None:
    expected = snippet.with_name(snippet.name + ".expected")
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(
            command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    print(done.stdout, end="")
    if done.returncode != 0:
        sys.exit(f"{snippet.name}: exit code {done.returncode}")
    if expected.exists() and done.stdout != expected.read_text():
        sys.exit(f"{snippet.name} must print:\n{expected.read_text()}")


def main() -> None:
    if len(sys.argv) >= 4 and sys.argv[1] == "extract":
        extract(Path(sys.argv[2]), [Path(name) for name in sys.argv[3:]])
    elif len(sys.argv) >= 4 and sys.argv[1] == "run":
        run(Path(sys.argv[2]), sys.argv[3:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
