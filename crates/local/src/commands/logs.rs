use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::time::sleep;

use crate::{data::DataDirectory, output, process::end_of, signals::Signals};

/// How much of each log is shown when all are, and when one is.
const LINES_OF_EACH: usize = 20;
const LINES_OF_ONE: usize = 1000;
const PAUSE: Duration = Duration::from_millis(300);

/// Shows the end of one log or of all, and what comes after it.
///
/// # Errors
/// When there is no such log.
pub(crate) async fn logs(
    data: &DataDirectory,
    name: Option<&str>,
    follow: bool,
) -> Result<ExitCode> {
    let directory = data.path("logs");
    let mut shown: BTreeMap<PathBuf, u64> = BTreeMap::new();
    let lines = name.map_or(LINES_OF_EACH, |_| LINES_OF_ONE);
    let mut signals = Signals::listen()?;
    for path in log_files(&directory, name)? {
        // Who follows gets the line that is still being written when it is whole.
        let (text, length) = match follow {
            true => since(&path, 0)?,
            false => (end_of(&path, lines), 0),
        };
        show(&path, name, last(&text, lines))?;
        shown.insert(path, length);
    }
    if shown.is_empty() {
        match name {
            Some(name) => bail!("{}", no_log(name, &log_files(&directory, None)?)),
            None if !follow => bail!("there is no log in {}", directory.display()),
            None => {}
        }
    }
    if !follow {
        return Ok(ExitCode::SUCCESS);
    }
    let following = async {
        loop {
            for path in log_files(&directory, name)? {
                let from = shown.entry(path.clone()).or_default();
                let (text, length) = since(&path, *from)?;
                *from = length;
                show(&path, name, &text)?;
            }
            sleep(PAUSE).await;
        }
    };
    tokio::select! {
        outcome = following => outcome,
        () = signals.received() => Ok(ExitCode::SUCCESS),
    }
}

fn no_log(name: &str, others: &[PathBuf]) -> String {
    let others: Vec<_> = others.iter().map(|path| stem(path)).collect();
    match others.is_empty() {
        true => format!("there is no log of {name}, nor any other"),
        false => format!("there is no log of {name}; there are {}", others.join(", ")),
    }
}

fn log_files(directory: &Path, name: Option<&str>) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(directory).with_context(|| format!("reading {}", directory.display()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_file() && name.is_none_or(|name| stem(path) == name))
        .collect();
    files.sort();
    Ok(files)
}

/// The whole lines that were written after the first `from` bytes, and how far they reach.
fn since(path: &Path, from: u64) -> Result<(String, u64)> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    // A log that was begun anew is shorter than it was.
    let from = if length < from { 0 } else { from };
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(length - from).read_to_end(&mut bytes)?;
    let whole = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    bytes.truncate(whole);
    Ok((
        String::from_utf8_lossy(&bytes).into_owned(),
        from + whole as u64,
    ))
}

/// The last lines of a text.
fn last(text: &str, lines: usize) -> &str {
    let breaks = text.strip_suffix('\n').unwrap_or(text);
    let breaks = breaks.rmatch_indices('\n');
    let before = breaks.map(|(position, _)| position + 1).nth(lines - 1);
    &text[before.unwrap_or(0)..]
}

/// Of several logs each line says whose it is.
fn show(path: &Path, name: Option<&str>, text: &str) -> io::Result<()> {
    for line in text.lines() {
        match name {
            Some(_) => output::line(line)?,
            None => output::line(&format!("{} | {line}", stem(path)))?,
        }
    }
    Ok(())
}

fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_lines_are_shown_and_each_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("etl.log");
        fs::write(&path, "one\ntw").unwrap();
        assert_eq!(since(&path, 0).unwrap(), ("one\n".to_owned(), 4));
        fs::write(&path, "one\ntwo\n").unwrap();
        assert_eq!(since(&path, 4).unwrap(), ("two\n".to_owned(), 8));
        fs::write(&path, "new\n").unwrap();
        assert_eq!(since(&path, 8).unwrap(), ("new\n".to_owned(), 4));
    }

    #[test]
    fn the_last_lines_are_those_at_the_end() {
        for (text, lines, end) in [
            ("a\nb\nc\n", 2, "b\nc\n"),
            ("a\nb\nc\n", 3, "a\nb\nc\n"),
            ("a\n\n", 1, "\n"),
            ("", 2, ""),
        ] {
            assert_eq!(last(text, lines), end, "{text:?}");
        }
    }

    #[test]
    fn a_name_without_a_log_is_told_those_that_have_one() {
        let others = ["logs/etl.log", "logs/mysql.log"].map(PathBuf::from);
        assert_eq!(
            no_log("elt", &others),
            "there is no log of elt; there are etl, mysql"
        );
    }

    #[tokio::test]
    async fn following_what_has_no_log_ends_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let data = DataDirectory::open(&directory.path().join("data")).unwrap();
        let error = logs(&data, Some("nothing"), true).await.unwrap_err();
        assert!(error.to_string().contains("no log of nothing"), "{error}");
    }
}
