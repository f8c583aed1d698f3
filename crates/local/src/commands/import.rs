use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use comfy_table::{Table, presets::NOTHING};
use serde_json::Value;

use super::running;
use crate::{api::Api, cli::ImportOptions, data::DataDirectory, output};

/// Shows what SLAs files become, and makes them where that is asked for. A failure if something is refused; with `--diff` if
/// an SLA would be new or change.
///
/// # Errors
/// When a file cannot be read or is no YAML, nothing runs, or the request is refused.
pub(crate) async fn import(data: &DataDirectory, options: &ImportOptions) -> Result<ExitCode> {
    let files = Files::read(&options.paths)?;
    let url = match &options.url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => running(data)?.http,
    };
    let dry_run = if options.apply { "false" } else { "true" };
    let query = [("dry_run", dry_run), ("window", options.window.as_str())];
    let api = Api::new(&url)?;
    let (status, answer) = api
        .post_yaml("/sla/import", &query, files.body.clone())
        .await?;
    if !status.is_success() {
        bail!(
            "POST /sla/import: {status}: {}",
            answer["detail"].as_str().unwrap_or_default()
        );
    }
    let entries = |name: &str| answer[name].as_array().cloned().unwrap_or_default();
    let (created, refused) = (entries("created"), entries("refused"));
    output::line(&table(
        &files,
        &created,
        &entries("adapted"),
        &refused,
        options.apply,
    ))?;
    let changed = created
        .iter()
        .filter(|sla| sla["unchanged"] != true)
        .count();
    output::line(&format!(
        "{changed} new or changed, {} unchanged, {} refused.{}",
        created.len() - changed,
        refused.len(),
        if options.apply {
            ""
        } else {
            " Nothing is saved: --apply does so."
        },
    ))?;
    let is_failure = if options.diff {
        changed > 0
    } else {
        !refused.is_empty()
    };
    Ok(if is_failure {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// The files as one body, so that they can refer to each other.
struct Files {
    body: String,
    /// Each file, and the number of its first document.
    starts: Vec<(PathBuf, usize)>,
}

impl Files {
    fn read(paths: &[PathBuf]) -> Result<Self> {
        let mut files = Self {
            body: String::new(),
            starts: Vec::new(),
        };
        let mut documents = 0;
        for path in listed(paths)? {
            let text =
                fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            let count = slo_files::count_documents(&text)
                .with_context(|| format!("{} is not YAML", path.display()))?;
            if count == 0 {
                continue;
            }
            files.starts.push((path, documents));
            documents += count;
            files.body.push_str(&text);
            // Ends the document, whether the next file begins with `---` or not.
            files.body.push_str("\n...\n");
        }
        if files.starts.is_empty() {
            bail!("there is no document in these files");
        }
        Ok(files)
    }

    /// The file that a document is in, and its number there.
    fn place(&self, document: usize) -> (String, usize) {
        let starts = self.starts.iter().rev();
        let found = starts.into_iter().find(|(_, start)| *start <= document);
        found.map_or_else(
            || (String::new(), document),
            |(path, start)| (path.display().to_string(), document - start),
        )
    }
}

/// The files that are meant, those of a directory by name.
fn listed(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = fs::read_dir(path).with_context(|| format!("reading {}", path.display()))?;
        let mut found: Vec<PathBuf> = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<std::io::Result<_>>()?;
        found.retain(|path| is_yaml(path));
        found.sort();
        files.append(&mut found);
    }
    Ok(files)
}

fn is_yaml(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    path.is_file() && matches!(extension, Some("yaml" | "yml"))
}

fn table(
    files: &Files,
    created: &[Value],
    adapted: &[Value],
    refused: &[Value],
    is_applied: bool,
) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(["", "SLA", "WHERE", "WHAT"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for sla in created {
        let version = &sla["version"];
        let objectives = sla["objectives"].as_array().map_or(0, Vec::len);
        let word = match (sla["unchanged"] == true, version.as_u64()) {
            (true, _) => "unchanged",
            (false, Some(0 | 1)) => "new",
            (false, _) => "changed",
        };
        let will = if is_applied || word == "unchanged" {
            "is"
        } else {
            "would be"
        };
        let what = format!("{will} version {version}, objectives: {objectives}");
        table.add_row([word.to_owned(), text(&sla["name"]), String::new(), what]);
    }
    for (word, entries, said) in [("adapted", adapted, "what"), ("refused", refused, "reason")] {
        for entry in entries {
            let document = entry["document"].as_u64().unwrap_or_default() as usize;
            let (file, document) = files.place(document);
            let place = format!("{file} {document}:{}", text(&entry["pointer"]));
            table.add_row([
                word.to_owned(),
                text(&entry["sla"]),
                place,
                text(&entry[said]),
            ]);
        }
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_directory_are_one_body_whose_documents_are_found_again() {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("b.yml", "---\nx: 1\n---\nx: 2\n"),
            ("a.yaml", "# first\nx: 0"),
            ("c.yaml", "# nothing\n"),
            ("d.yaml", "- x: 3\n- x: 4\n"),
            ("e.txt", "no: [yaml"),
        ] {
            fs::write(directory.path().join(name), text).unwrap();
        }
        let files = Files::read(&[directory.path().to_owned()]).unwrap();
        assert_eq!(slo_files::count_documents(&files.body), Ok(5));
        let places: Vec<(String, usize)> = (0..5).map(|document| files.place(document)).collect();
        let expected = [
            ("a.yaml", 0),
            ("b.yml", 0),
            ("b.yml", 1),
            ("d.yaml", 0),
            ("d.yaml", 1),
        ];
        for ((path, document), (name, number)) in places.iter().zip(expected) {
            assert!(
                path.ends_with(name) && *document == number,
                "{path} {document}"
            );
        }
        fs::write(directory.path().join("f.yaml"), "x: [").unwrap();
        assert!(Files::read(&[directory.path().to_owned()]).is_err());
        assert!(Files::read(&[directory.path().join("c.yaml")]).is_err());
    }
}
