"""The whole of it: start, deploy, call, tell, stop."""

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
    began = time.monotonic()
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
        print(f"localstack smoke: FAILED before anything was called: {str(error).splitlines()[0]}")
        return 1
    print(table)
    held = "all held" if table.failures == 0 else f"{table.failures} FAILED"
    print(
        f"localstack smoke ({host.name}): {table.calls} calls, {held}; started in {started - began:.0f} s, "
        f"deployed in {deployed - started:.0f} s, {time.monotonic() - began:.0f} s in all"
    )
    return 1 if table.failures else 0


if __name__ == "__main__":
    sys.exit(main())
