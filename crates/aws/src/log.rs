use std::io::{self, ErrorKind, Stdout, Write};

/// A function's log, on its standard output. A line that cannot be written is lost, as on a full disk: no invocation
/// fails for it.
#[derive(Debug)]
pub struct Log<Output = Stdout>(Output);

impl Log {
    /// The log of this process.
    pub fn open() -> Self {
        Self(io::stdout())
    }
}

impl<Output: Write> Write for Log<Output> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() != ErrorKind::Interrupted => Ok(bytes.len()),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::LineWriter};

    use super::*;

    #[test]
    fn a_full_disk_loses_lines_and_fails_nothing() {
        let full = || LineWriter::new(File::create("/dev/full").unwrap());
        assert!(writeln!(full(), "a line").is_err());
        let mut log = Log(full());
        for _ in 0..3 {
            writeln!(log, "a line").unwrap();
        }
        log.flush().unwrap();
    }
}
