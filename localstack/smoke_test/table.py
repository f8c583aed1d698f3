"""What was called, what it answered, and whether that is right."""

import time


class Wrong(Exception):
    """An answer that is not what it should be."""


class Table:
    """One row a call. A call that fails is a row, and the next one follows."""

    def __init__(self):
        self._rows = []

    def check(self, what, call):
        """Calls, and writes down what it answers or raises. Returns the answer, `None` if there is none."""
        began, answer = time.monotonic(), None
        try:
            answer = call()
            held, told = True, str(answer)
        except Exception as error:
            held, told = False, f"{type(error).__name__}: {error}"
        row = (what, told.replace("\n", " ")[:100], "ok" if held else "WRONG", f"{time.monotonic() - began:.2f} s")
        self._rows.append(row)
        print(f"  {row[2]:5} {row[0]}", flush=True)
        return answer

    @property
    def failures(self):
        return sum(row[2] != "ok" for row in self._rows)

    @property
    def calls(self):
        return len(self._rows)

    def __str__(self):
        rows = [("called", "answered", "", "took"), *self._rows]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
        return "\n".join(["", lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def expect(found, wanted, about=""):
    """Raises unless the two are equal."""
    if found != wanted:
        raise Wrong(f"{found!r} instead of {wanted!r} {about}")
    return found


def until(call, patience_seconds):
    """Calls until the answer is something, and returns it."""
    deadline = time.monotonic() + patience_seconds
    while True:
        if answer := call():
            return answer
        if time.monotonic() > deadline:
            raise Wrong(f"nothing after {patience_seconds} s")
        time.sleep(0.5)
