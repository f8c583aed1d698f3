use std::{io::Read, process::ExitCode};

use anyhow::{Context, Result};
use event_sources::{InvocationType, InvokeError, Invoker};

use super::running;
use crate::{cli::InvokeOptions, data::DataDirectory, output};

/// Invokes a function once and prints what it answers.
///
/// # Errors
/// When nothing runs, the event cannot be read, or the host does not know the function. A function's own error is
/// printed, and the exit code is 1.
pub(crate) async fn invoke(data: &DataDirectory, options: &InvokeOptions) -> Result<ExitCode> {
    let state = running(data)?;
    let event = match &options.data_file {
        None => b"{}".to_vec(),
        Some(file) if file.as_os_str() == "-" => {
            let mut event = Vec::new();
            std::io::stdin()
                .read_to_end(&mut event)
                .context("reading stdin")?;
            event
        }
        Some(file) => std::fs::read(file).with_context(|| format!("reading {}", file.display()))?,
    };
    let kind = match options.event {
        true => InvocationType::Event,
        false => InvocationType::RequestResponse,
    };
    let invoker = Invoker::new(&state.http)?;
    match invoker.invoke(&options.name, kind, event).await {
        Ok(answer) => {
            if !answer.is_empty() {
                output::line(&String::from_utf8_lossy(&answer))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(InvokeError::Function { payload, .. }) => {
            output::line(&payload)?;
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(error.into()),
    }
}
