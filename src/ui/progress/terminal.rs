//! A terminal as indicatif draws on it: a writer that was passed in, and a function that tells its size.
//!
//! What is drawn is written at once when it is complete, so that nobody sees it half drawn. The cursor then waits at
//! the start of the last line: the `^C` that a terminal echoes stands where the next drawing erases it.

use std::{
    fmt,
    io::{self, BufWriter, Write},
    sync::{Arc, Mutex, PoisonError},
};

use indicatif::TermLike;

/// A terminal. Clones write to the same one.
#[derive(Clone)]
pub struct Terminal {
    writer: Arc<Mutex<BufWriter<Box<dyn Write + Send>>>>,
    size: Measure,
}

/// Tells the size of a terminal.
type Measure = Arc<dyn Fn() -> Size + Send + Sync>;

/// The size of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub columns: u16,
    /// Lines.
    pub lines: u16,
}

impl Terminal {
    /// Returns a terminal that is written to by `writer` and asked for its size whenever it is drawn on.
    pub fn new(writer: Box<dyn Write + Send>, size: impl Fn() -> Size + Send + Sync + 'static) -> Self {
        let measure = move || {
            let Size { columns, lines } = size();
            Size { columns: columns.max(20), lines: lines.max(4) }
        };
        Self { writer: Arc::new(Mutex::new(BufWriter::new(writer))), size: Arc::new(measure) }
    }

    /// Returns the size as it is now, which is never nothing.
    pub(super) fn size(&self) -> Size {
        (self.size)()
    }

    /// Writes lines that stay. Nothing may be drawn at that moment.
    pub(super) fn print(&self, lines: &str) -> io::Result<()> {
        self.write(lines).and_then(|()| self.lock().flush())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BufWriter<Box<dyn Write + Send>>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, text: &str) -> io::Result<()> {
        self.lock().write_all(text.as_bytes())
    }

    fn step(&self, count: usize, direction: char) -> io::Result<()> {
        if count == 0 { Ok(()) } else { self.write(&format!("\x1b[{count}{direction}")) }
    }
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal").finish_non_exhaustive()
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        (self.size)().columns
    }

    fn height(&self) -> u16 {
        (self.size)().lines
    }

    fn move_cursor_up(&self, count: usize) -> io::Result<()> {
        self.step(count, 'A')
    }

    fn move_cursor_down(&self, count: usize) -> io::Result<()> {
        self.step(count, 'B')
    }

    fn move_cursor_right(&self, count: usize) -> io::Result<()> {
        self.step(count, 'C')
    }

    fn move_cursor_left(&self, count: usize) -> io::Result<()> {
        self.step(count, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write(&format!("{text}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.write(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.write("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        if self.lock().buffer().is_empty() {
            // Nothing was drawn, and somebody may be typing.
            return Ok(());
        }
        self.write("\r").and_then(|()| self.lock().flush())
    }
}
