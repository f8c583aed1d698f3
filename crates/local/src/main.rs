//! `cargo local`: see `cargo local --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    local::run(std::env::args_os())
}
