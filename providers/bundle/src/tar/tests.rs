#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fs, io::Read, os::unix::fs::symlink, path::Path};

use super::*;
use crate::{
    extract::Limits,
    tree::{
        Reading, Selection,
        walk::{top, walk},
    },
};

/// Returns the canonical stream of a directory.
fn stream(directory: &Path) -> Vec<u8> {
    let walked = walk(directory, &Selection::all()).unwrap();
    let mut stream = Vec::new();
    for piece in pieces(directory, top(directory).unwrap(), &walked).unwrap() {
        match piece {
            Piece::Bytes(bytes) => stream.extend(bytes),
            Piece::Linked { .. } => {}
            Piece::Content(walked) => {
                let mut content = vec![0; walked.seen.bytes as usize];
                Reading::open(directory, walked).unwrap().fill(&mut content).unwrap();
                stream.extend(content);
                stream.resize(stream.len() + padding(walked.seen.bytes), 0);
            }
        }
    }
    stream
}

fn members(stream: &[u8]) -> Result<Vec<Member>, TarError> {
    let mut reader = Reader::new(stream, Limits::default());
    let mut members = Vec::new();
    while let Some(member) = reader.next()? {
        members.push(member);
    }
    Ok(members)
}

fn tree() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let long = "long-name-".repeat(12);
    fs::create_dir_all(dir.path().join("d").join(&long)).unwrap();
    fs::write(dir.path().join("d").join(&long).join("ü"), "x".repeat(1000)).unwrap();
    fs::write(dir.path().join("block"), [7; 512]).unwrap();
    fs::write(dir.path().join("empty"), "").unwrap();
    fs::hard_link(dir.path().join("block"), dir.path().join("other")).unwrap();
    symlink(format!("d/{long}"), dir.path().join("link")).unwrap();
    dir
}

#[test]
fn our_reader_reads_what_our_writer_wrote() {
    let dir = tree();
    let members = members(&stream(dir.path())).unwrap();
    let long = "long-name-".repeat(12);
    let shown: Vec<String> = members.iter().map(|member| format!("{} {:?}", member.path, member.kind)).collect();
    assert_eq!(
        shown,
        [
            " Directory".to_owned(),
            "block File { bytes: 512 }".to_owned(),
            "d Directory".to_owned(),
            format!("d/{long} Directory"),
            format!("d/{long}/ü File {{ bytes: 1000 }}"),
            "empty File { bytes: 0 }".to_owned(),
            format!("link Symlink {{ target: \"d/{long}\" }}"),
            "other HardLink { target: \"block\" }".to_owned(),
        ]
    );
    let walked = walk(dir.path(), &Selection::all()).unwrap();
    for (member, walked) in members[1..].iter().zip(&walked) {
        assert_eq!(member.modified, walked.seen.modified, "{}", member.path);
    }
}

#[test]
fn another_reader_reads_what_our_writer_wrote() {
    let dir = tree();
    let stream = stream(dir.path());
    let mut archive = tar::Archive::new(stream.as_slice());
    let mut seen = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        assert_eq!((entry.header().uid().unwrap(), entry.header().gid().unwrap()), (0, 0));
        seen.push((path, content.len()));
    }
    assert_eq!(seen.len(), 8);
    assert!(seen.iter().any(|(path, bytes)| path.ends_with("/ü") && *bytes == 1000));
}

#[test]
fn the_same_tree_gives_the_same_bytes() {
    let dir = tree();
    assert!(stream(dir.path()) == stream(dir.path()));
    assert_eq!(stream(dir.path()).len() % BLOCK, 0);
}

#[test]
fn links_that_lead_out_are_not_archived() {
    let dir = tempfile::tempdir().unwrap();
    symlink("/etc/passwd", dir.path().join("out")).unwrap();
    let walked = walk(dir.path(), &Selection::all()).unwrap();
    let error = pieces(dir.path(), top(dir.path()).unwrap(), &walked).unwrap_err();
    assert!(error.to_string().contains("/etc/passwd"), "{error}");
}

#[test]
fn every_truncation_and_every_flipped_header_bit_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "content").unwrap();
    let stream = stream(dir.path());
    assert_eq!(members(&stream).unwrap().len(), 2);
    for length in (0..stream.len() - 512).step_by(37).chain([stream.len() - 512, stream.len() - 1]) {
        assert!(members(&stream[..length]).is_err(), "cut to {length} of {}", stream.len());
    }
    let trailing = [stream.as_slice(), b"x"].concat();
    assert!(members(&trailing).is_err());
    for byte in 0..500 {
        let mut flipped = stream.clone();
        flipped[byte] ^= 1;
        assert!(members(&flipped).is_err(), "bit in byte {byte}");
    }
}

/// Returns a stream of one file whose header was changed before its checksum was made.
fn hostile(change: impl Fn(&mut tar::Header)) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_path("file").unwrap();
    header.set_mode(0o644);
    header.set_size(0);
    header.set_entry_type(tar::EntryType::Regular);
    change(&mut header);
    header.set_cksum();
    [header.as_bytes().as_slice(), &[0; 1024]].concat()
}

/// Returns a stream of one file with PAX records before it.
fn with_pax(records: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_pax_extensions(records.iter().map(|(key, value)| (*key, value.as_bytes()))).unwrap();
    [builder.get_ref().as_slice(), &hostile(|_| {})].concat()
}

#[test]
fn what_two_readers_could_understand_differently_is_refused() {
    assert_eq!(members(&hostile(|_| {})).unwrap()[0].path, "file");
    for (what, change) in [
        ("device", (|header| header.set_entry_type(tar::EntryType::Char)) as fn(&mut tar::Header)),
        ("block device", |header| header.set_entry_type(tar::EntryType::Block)),
        ("FIFO", |header| header.set_entry_type(tar::EntryType::Fifo)),
        ("GNU sparse", |header| header.set_entry_type(tar::EntryType::GNUSparse)),
        ("unknown", |header| header.set_entry_type(tar::EntryType::new(b'Z'))),
        ("v7", |header| header.as_mut_bytes()[257..265].fill(0)),
        ("directory with content", |header| {
            header.set_entry_type(tar::EntryType::Directory);
            header.set_size(512);
        }),
        ("octal", |header| header.as_mut_bytes()[124..136].copy_from_slice(b"0000000009\0\0")),
        ("negative size", |header| header.as_mut_bytes()[124..136].fill(0xff)),
        ("not UTF-8", |header| header.as_mut_bytes()[0] = 0xff),
    ] {
        assert!(members(&hostile(change)).is_err(), "{what}");
    }
    assert_eq!(members(&with_pax(&[("path", "other"), ("mtime", "1.5")])).unwrap()[0].path, "other");
    for records in [
        [("size", "4096")].as_slice(),
        &[("path", "a"), ("path", "b")],
        &[("path", "")],
        &[("path", "a\0b")],
        &[("GNU.sparse.major", "1")],
        &[("hdrcharset", "BINARY")],
        &[("size", "-1")],
        &[("mtime", "soon")],
    ] {
        assert!(members(&with_pax(records)).is_err(), "{records:?}");
    }
    let doubled = [&with_pax(&[("path", "a")])[..1024], &with_pax(&[("path", "b")])].concat();
    assert!(members(&doubled).is_err());
}

#[test]
fn floods_of_entries_and_huge_extended_headers_are_refused() {
    let stream = [&hostile(|_| {})[..512], &hostile(|_| {})].concat();
    let limits = Limits { entries: 1, ..Limits::default() };
    let mut reader = Reader::new(stream.as_slice(), limits);
    reader.next().unwrap();
    assert!(matches!(reader.next().unwrap_err(), TarError::TooLarge { what: "entries", limit: 1 }));
    let stream = with_pax(&[("comment", &"x".repeat(5000))]);
    let limits = Limits { pax_bytes: 4096, ..Limits::default() };
    assert!(matches!(Reader::new(stream.as_slice(), limits).next().unwrap_err(), TarError::TooLarge { .. }));
}
