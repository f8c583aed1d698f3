"""The whole of it: start, deploy, call, report, stop."""

import signal
import sys
import time

from .calls import Calls
from .deployment import deploy
from .hosts import DATA, running


def main() -> int:
    # A TERM stops what was started, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    DATA.mkdir(parents=True, exist_ok=True)
    began, table, left = time.monotonic(), None, ""
    try:
        with running() as host:
            started = time.monotonic()
            deployment = deploy(host)
            deployed = time.monotonic()
            table = Calls(host, deployment).all()
    except KeyboardInterrupt:
        print("localstack smoke: stopped")
        return 130
    except Exception as error:
        print(error, file=sys.stderr)
        told = next(iter(str(error).splitlines()), type(error).__name__)
        if table is None:
            print(f"localstack smoke: FAILED before anything was called: {told}")
            return 1
        left = f"; FAILED to stop: {told}"
    print(table)
    held = "all held" if table.failures == 0 else f"{table.failures} FAILED"
    print(
        f"localstack smoke ({host.name}): {table.calls} calls, {held}; started in {started - began:.0f} s, "
        f"deployed in {deployed - started:.0f} s, {time.monotonic() - began:.0f} s in all{left}"
    )
    return 1 if table.failures or left else 0


if __name__ == "__main__":
    sys.exit(main())
