//! The two surfaces of a run: results on standard output, everything else on standard error.

use std::io::{self, Write};

use super::Style;

/// Where a run writes. Both writers are passed in, so that tests can read what was written.
pub struct Screen {
    results: Surface,
    messages: Surface,
}

struct Surface {
    writer: Box<dyn Write + Send>,
    style: Style,
    /// Nobody reads it any more.
    is_closed: bool,
}

/// Why something could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    /// Standard output takes no more.
    #[error("failed to write to standard output")]
    Write { source: io::Error },
    /// Nobody draws progress.
    #[error("failed to start the thread that shows progress")]
    Thread { source: io::Error },
}

impl Screen {
    /// Returns a screen of standard output and standard error, each with what it can show.
    pub fn new(results: (Box<dyn Write + Send>, Style), messages: (Box<dyn Write + Send>, Style)) -> Self {
        let surface = |(writer, style)| Surface { writer, style, is_closed: false };
        Self { results: surface(results), messages: surface(messages) }
    }

    /// Writes a result. A reader that went away (`loam show | head`) is no error: the rest is dropped.
    ///
    /// # Errors
    /// [`PrintError`] where standard output fails otherwise: a result that was not written was not given.
    pub fn result(&mut self, write: impl FnOnce(&mut dyn Write, Style) -> io::Result<()>) -> Result<(), PrintError> {
        self.results.write(write).map_err(|source| PrintError::Write { source })
    }

    /// Writes to standard error; where that fails there is nobody to tell.
    pub fn message(&mut self, write: impl FnOnce(&mut dyn Write, Style) -> io::Result<()>) {
        if self.messages.write(write).is_err() {
            self.messages.is_closed = true;
        }
    }

    /// Returns what standard output can show.
    #[must_use]
    pub fn result_style(&self) -> Style {
        self.results.style
    }

    /// Returns what standard error can show.
    #[must_use]
    pub fn message_style(&self) -> Style {
        self.messages.style
    }
}

impl Surface {
    fn write(&mut self, write: impl FnOnce(&mut dyn Write, Style) -> io::Result<()>) -> io::Result<()> {
        if self.is_closed {
            return Ok(());
        }
        let mut buffered = io::BufWriter::new(&mut self.writer);
        let written = write(&mut buffered, self.style).and_then(|()| buffered.flush());
        // What could not be written must not be tried again when the buffer goes.
        let _ = buffered.into_parts();
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(())
            }
            written => written,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn screen(kind: io::ErrorKind) -> Screen {
        let surface = || -> (Box<dyn Write + Send>, Style) { (Box::new(Failing(kind)), Style::plain()) };
        Screen::new(surface(), surface())
    }

    #[test]
    fn a_reader_that_went_away_is_no_error_and_a_full_disk_is() {
        let mut gone = screen(io::ErrorKind::BrokenPipe);
        assert!(gone.result(|out, _| writeln!(out, "x")).is_ok());
        assert!(gone.result(|_, _| panic!("nothing more is worked out for nobody")).is_ok());
        let mut full = screen(io::ErrorKind::StorageFull);
        let error = full.result(|out, _| writeln!(out, "x")).expect_err("the disk is full");
        assert_eq!(error.to_string(), "failed to write to standard output");
        full.message(|out, _| writeln!(out, "x"));
    }
}
