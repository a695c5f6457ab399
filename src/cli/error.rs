//! Failures to text and exit codes; see docs/exit-codes.md.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use loam_provider::ProviderError;

use super::{terminal::Terminal, usage::Stop};
use crate::{
    diag::Diagnostics,
    event::{Secrets, Trouble},
    modules::InstallError,
    plan::FileError,
    source::Sources,
    state::StateError,
    ui,
};

/// How a command ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    /// Done, or nothing to do.
    Done,
    /// `--detailed-exitcode`: there are changes.
    Changes,
    /// `fmt --check`: some file is laid out differently.
    Differs,
    /// Something failed, and has been told already.
    Failed,
}

/// Why a command could not do what it was asked.
#[derive(Debug)]
pub(super) enum Failure {
    /// The configuration is wrong.
    Configuration {
        /// What is wrong with it.
        diagnostics: Diagnostics,
        /// The texts that the diagnostics point into.
        sources: Sources,
    },
    /// The world, or the call of the command, is.
    Other(Trouble),
}

impl Failure {
    /// Returns a failure that is fully told by one fragment.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self::Other(Trouble {
            message: message.into(),
            causes: Vec::new(),
            attribute: None,
            hint: None,
            evidence: Vec::new(),
        })
    }

    /// Returns the failure with a way out.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Other(trouble) = &mut self {
            trouble.hint = Some(hint.into());
        }
        self
    }
}

impl<E: std::error::Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut trouble = Trouble::of(&error, &Secrets::default());
        let outermost: &(dyn std::error::Error + 'static) = &error;
        for cause in std::iter::successors(Some(outermost), |cause| cause.source()) {
            if let Some(state) = cause.downcast_ref::<StateError>() {
                trouble.hint = trouble.hint.or_else(|| state.hint());
            }
            if let Some(install) = cause.downcast_ref::<InstallError>() {
                trouble.hint = trouble.hint.or_else(|| install.hint());
            }
            if let Some(plan) = cause.downcast_ref::<FileError>() {
                trouble.hint = trouble.hint.or_else(|| plan.hint().map(str::to_owned));
            }
            if let Some(provider) = cause.downcast_ref::<ProviderError>() {
                trouble.hint = trouble.hint.or_else(|| provider.hint.clone());
                trouble.evidence.extend(provider.evidence.iter().cloned());
            }
        }
        Self::Other(trouble)
    }
}

/// Tells a failure and returns the process's exit code.
pub(super) fn exit(terminal: &mut Terminal, outcome: Result<Code, Failure>) -> ExitCode {
    match outcome {
        Ok(Code::Done) => ExitCode::SUCCESS,
        Ok(Code::Failed) => ExitCode::from(1),
        Ok(Code::Changes) => ExitCode::from(2),
        Ok(Code::Differs) => ExitCode::from(3),
        Err(failure) => {
            tell(terminal, &failure);
            ExitCode::from(1)
        }
    }
}

/// Tells a failure.
pub(super) fn tell(terminal: &mut Terminal, failure: &Failure) {
    match failure {
        Failure::Configuration { diagnostics, sources } => terminal.diagnostics(diagnostics, sources),
        Failure::Other(trouble) => {
            let trouble = terminal.redacted(trouble);
            let is_told =
                terminal.is_json() && terminal.screen.result(|out, _| ui::error_json(out, None, &trouble)).is_ok();
            // What made a program's line impossible may be the failure itself.
            if !is_told {
                terminal.screen.message(|out, style| ui::error(out, style, None, &trouble));
            }
        }
    }
}

/// Tells what is wrong with the arguments: help and version are no errors.
pub(super) fn usage(terminal: &mut Terminal, stop: Stop) -> ExitCode {
    match stop {
        Stop::Help(help) => {
            // A closed standard output changes nothing about the outcome.
            let _ = if terminal.screen.result_style().is_coloured() {
                help.print()
            } else if help.use_stderr() {
                write!(io::stderr(), "{}", help.render())
            } else {
                write!(io::stdout(), "{}", help.render())
            };
            if help.use_stderr() { ExitCode::from(1) } else { ExitCode::SUCCESS }
        }
        Stop::Mistake(failure) => exit(terminal, Err(failure)),
    }
}
