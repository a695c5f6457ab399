//! The compressions an archive may have: names, levels, encoders, and decoders chosen by magic.
//!
//! Knows nothing of tar or stores. zstd is written in independent frames elsewhere
//! (`archive::frames`); here it is only read.

use std::{
    fmt,
    io::{self, BufRead, Read, Write},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

/// How an archive is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Format {
    /// Independent zstd frames.
    #[serde(rename = "tar.zst")]
    TarZst,
    /// gzip.
    #[serde(rename = "tar.gz")]
    TarGz,
    /// xz.
    #[serde(rename = "tar.xz")]
    TarXz,
    /// LZ4 frames.
    #[serde(rename = "tar.lz4")]
    TarLz4,
    /// bzip2.
    #[serde(rename = "tar.bz2")]
    TarBz2,
    /// No compression.
    #[serde(rename = "tar")]
    Tar,
}

/// Why a format or level is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// No format has this name.
    #[error("`{name}` is no archive format; there are `tar.zst`, `tar.gz`, `tar.xz`, `tar.lz4`, `tar.bz2` and `tar`")]
    UnknownFormat { name: String },
    /// The format has no such level.
    #[error("`{format}` has no compression level {level}; it takes {from} to {to}")]
    Level { format: Format, level: i32, from: i32, to: i32 },
    /// The format has no levels.
    #[error("`{format}` takes no compression level")]
    NoLevels { format: Format },
}

impl Format {
    /// Every format, the default one first.
    pub const ALL: [Self; 6] = [Self::TarZst, Self::TarGz, Self::TarXz, Self::TarLz4, Self::TarBz2, Self::Tar];

    /// Returns the format's name, which is also its file extension.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TarZst => "tar.zst",
            Self::TarGz => "tar.gz",
            Self::TarXz => "tar.xz",
            Self::TarLz4 => "tar.lz4",
            Self::TarBz2 => "tar.bz2",
            Self::Tar => "tar",
        }
    }

    /// Returns the level that is used for `level`, the default one if none was asked for.
    ///
    /// # Errors
    /// When the format has no such level.
    pub fn level(self, level: Option<i32>) -> Result<Option<i32>, CodecError> {
        let (from, to, default) = match self {
            Self::TarZst => (1, 19, 3),
            Self::TarGz => (1, 9, 6),
            Self::TarXz => (0, 9, 6),
            Self::TarBz2 => (1, 9, 9),
            Self::TarLz4 | Self::Tar => {
                return if level.is_none() { Ok(None) } else { Err(CodecError::NoLevels { format: self }) };
            }
        };
        let level = level.unwrap_or(default);
        if (from..=to).contains(&level) {
            Ok(Some(level))
        } else {
            Err(CodecError::Level { format: self, level, from, to })
        }
    }

    /// Returns the format whose magic `start`, the first bytes of an archive, shows; plain tar if none does.
    pub(crate) fn detect(start: &[u8]) -> Self {
        let skippable = start.len() >= 4 && start[1..4] == [0x2a, 0x4d, 0x18] && start[0] & 0xf0 == 0x50;
        if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) || skippable {
            Self::TarZst
        } else if start.starts_with(&[0x1f, 0x8b]) {
            Self::TarGz
        } else if start.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0]) {
            Self::TarXz
        } else if start.starts_with(&[0x04, 0x22, 0x4d, 0x18]) {
            Self::TarLz4
        } else if start.starts_with(b"BZh") {
            Self::TarBz2
        } else {
            Self::Tar
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = CodecError;

    fn from_str(name: &str) -> Result<Self, CodecError> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| CodecError::UnknownFormat { name: name.to_owned() })
    }
}

/// Most memory an xz decoder may take; level 9 needs 65 MiB.
const XZ_MEMORY: u64 = 256 << 20;

/// The largest zstd window that is accepted, as a power of two: 128 MiB.
const ZSTD_WINDOW_LOG: u32 = 27;

/// Returns a reader of the tar stream in `reader`, whatever its compression, and the compression.
///
/// # Errors
/// When the first bytes cannot be read or the decoder cannot be set up.
pub(crate) fn decoder<'a>(mut reader: impl BufRead + Send + 'a) -> io::Result<(Format, Box<dyn Read + Send + 'a>)> {
    let format = Format::detect(reader.fill_buf()?);
    let decoder: Box<dyn Read + Send + 'a> = match format {
        Format::TarZst => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(reader)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
        Format::TarGz => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
        Format::TarXz => {
            let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, liblzma::stream::CONCATENATED)
                .map_err(io::Error::other)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(reader, stream))
        }
        Format::TarLz4 => Box::new(Lz4Frames { decoder: Some(lz4_flex::frame::FrameDecoder::new(reader)) }),
        Format::TarBz2 => Box::new(bzip2::bufread::MultiBzDecoder::new(reader)),
        Format::Tar => Box::new(reader),
    };
    Ok((format, decoder))
}

/// Reads LZ4 frames one after another until the input ends.
struct Lz4Frames<R: BufRead> {
    decoder: Option<lz4_flex::frame::FrameDecoder<R>>,
}

impl<R: BufRead> Read for Lz4Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            let count = decoder.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let Some(decoder) = self.decoder.take() else { break };
            let mut reader = decoder.into_inner();
            if !reader.fill_buf()?.is_empty() {
                self.decoder = Some(lz4_flex::frame::FrameDecoder::new(reader));
            }
        }
        Ok(0)
    }
}

/// An encoder of everything but zstd.
pub(crate) enum Encoder<W: Write> {
    Gz(flate2::write::GzEncoder<W>),
    Xz(liblzma::write::XzEncoder<W>),
    Lz4(lz4_flex::frame::FrameEncoder<W>),
    Bz2(bzip2::write::BzEncoder<W>),
    Plain(W),
}

/// What a format's encoder is: one that streams, or frames compressed in parallel.
pub(crate) enum Encoding<W: Write> {
    Stream(Box<Encoder<W>>),
    Frames(W),
}

impl<W: Write> Encoding<W> {
    /// `level` has been through [`Format::level`].
    pub(crate) fn new(format: Format, level: Option<i32>, output: W) -> Self {
        let level = level.and_then(|level| u32::try_from(level).ok()).unwrap_or(0);
        Self::Stream(Box::new(match format {
            Format::TarZst => return Self::Frames(output),
            Format::TarGz => Encoder::Gz(
                // No time and no name: the same tree gives the same bytes.
                flate2::GzBuilder::new().mtime(0).write(output, flate2::Compression::new(level)),
            ),
            Format::TarXz => Encoder::Xz(liblzma::write::XzEncoder::new(output, level)),
            Format::TarLz4 => {
                let frame = lz4_flex::frame::FrameInfo::new()
                    .block_size(lz4_flex::frame::BlockSize::Max4MB)
                    .content_checksum(true);
                Encoder::Lz4(lz4_flex::frame::FrameEncoder::with_frame_info(frame, output))
            }
            Format::TarBz2 => Encoder::Bz2(bzip2::write::BzEncoder::new(output, bzip2::Compression::new(level))),
            Format::Tar => Encoder::Plain(output),
        }))
    }
}

impl<W: Write> Encoder<W> {
    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Gz(encoder) => encoder.write_all(bytes),
            Self::Xz(encoder) => encoder.write_all(bytes),
            Self::Lz4(encoder) => encoder.write_all(bytes),
            Self::Bz2(encoder) => encoder.write_all(bytes),
            Self::Plain(output) => output.write_all(bytes),
        }
    }

    /// Writes what is left and returns the output.
    pub(crate) fn finish(self) -> io::Result<W> {
        match self {
            Self::Gz(encoder) => encoder.finish(),
            Self::Xz(encoder) => encoder.finish(),
            Self::Lz4(encoder) => encoder.finish().map_err(io::Error::other),
            Self::Bz2(encoder) => encoder.finish(),
            Self::Plain(output) => Ok(output),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_streaming_format_is_read_back_and_recognised() {
        let text = b"the same bytes again ".repeat(50_000);
        for format in Format::ALL {
            let Encoding::Stream(mut encoder) = Encoding::new(format, format.level(None).unwrap(), Vec::new()) else {
                assert_eq!(format, Format::TarZst);
                continue;
            };
            encoder.write_all(&text).unwrap();
            let packed = encoder.finish().unwrap();
            let (found, mut decoder) = decoder(packed.as_slice()).unwrap();
            let mut unpacked = Vec::new();
            decoder.read_to_end(&mut unpacked).unwrap();
            assert_eq!(found, format);
            assert!(unpacked == text, "{format}");
        }
    }

    #[test]
    fn truncated_input_is_an_error_and_no_short_stream() {
        let text = b"0123456789abcdef".repeat(10_000);
        for format in [Format::TarGz, Format::TarXz, Format::TarLz4, Format::TarBz2] {
            let Encoding::Stream(mut encoder) = Encoding::new(format, format.level(None).unwrap(), Vec::new()) else {
                panic!("{format} streams")
            };
            encoder.write_all(&text).unwrap();
            let packed = encoder.finish().unwrap();
            let (_, mut decoder) = decoder(&packed[..packed.len() - 9]).unwrap();
            assert!(decoder.read_to_end(&mut Vec::new()).is_err(), "{format}");
        }
    }

    #[test]
    fn levels_outside_the_format_s_range_are_refused() {
        assert!(matches!(Format::TarZst.level(Some(20)), Err(CodecError::Level { to: 19, .. })));
        assert!(matches!(Format::TarLz4.level(Some(1)), Err(CodecError::NoLevels { .. })));
        assert_eq!("tar.zst".parse::<Format>(), Ok(Format::TarZst));
        assert!("zip".parse::<Format>().unwrap_err().to_string().contains("tar.bz2"));
    }
}
