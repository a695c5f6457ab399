//! Extraction: what is refused, what a failure leaves, and who gets a target first.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::PathBuf,
    sync::Arc,
};

use bytes::Bytes;
use loam_bundle::{
    archive::{Build, Manifest, Output, Place, Trust, build},
    codec::Format,
    digest::Digest,
    extract::{
        Expected, ExtractError, Extraction, Limits, Materialised, Replace, SEED_MARKER, SeedState, materialise,
        seed_state,
    },
    progress::Report,
    store::Memory,
    tree::{Selection, index},
};
use loam_provider::{ObjectKey, ObjectStore, Precondition};

struct World {
    dir: tempfile::TempDir,
    store: Arc<dyn ObjectStore>,
}

fn extraction(expected: Expected, replace: Replace) -> Extraction {
    let created_at = "2026-11-20T10:05:00Z".parse().unwrap();
    Extraction { expected, limits: Limits::default(), replace, created_at }
}

fn unverified() -> Expected {
    Expected { trust: Trust::Unverified, content_root: None, size: None }
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("source");
        fs::create_dir_all(source.join("sealed/deep")).unwrap();
        fs::write(source.join("sealed/deep/file"), "content").unwrap();
        fs::write(source.join("big"), vec![7; 5_000_000]).unwrap();
        fs::hard_link(source.join("big"), source.join("same")).unwrap();
        symlink("sealed/deep", source.join("link")).unwrap();
        fs::set_permissions(source.join("sealed"), fs::Permissions::from_mode(0o555)).unwrap();
        fs::create_dir(dir.path().join("out")).unwrap();
        Self { dir, store: Arc::new(Memory::new("test")) }
    }

    fn target(&self) -> PathBuf {
        self.dir.path().join("out/t")
    }

    fn place(&self, key: &str) -> Place {
        Place { store: Arc::clone(&self.store), key: ObjectKey::new(key).unwrap() }
    }

    async fn seed(&self, key: &str) -> Manifest {
        let what = Build {
            source: self.dir.path().join("source"),
            selection: Selection::all(),
            created_at: "2026-11-20T10:05:00Z".parse().unwrap(),
            app: BTreeMap::new(),
            metadata: BTreeMap::new(),
        };
        let output = Output { place: self.place(key), format: Format::TarZst, level: Some(1) };
        build(&what, &[output], &Report::none()).await.unwrap().remove(0).manifest
    }

    async fn put(&self, key: &str, bytes: Vec<u8>) {
        let key = ObjectKey::new(key).unwrap();
        self.store.put(&key, Bytes::from(bytes), &BTreeMap::new(), &Precondition::Always).await.unwrap();
    }

    async fn extract(&self, key: &str, how: &Extraction) -> Result<Materialised, ExtractError> {
        materialise(&self.place(key), &self.target(), how, &Report::none()).await
    }

    /// Extracts a hostile archive, which must fail and leave nothing.
    async fn refused(&self, archive: Vec<u8>) -> ExtractError {
        self.put("hostile.tar", archive).await;
        let error = self.extract("hostile.tar", &extraction(unverified(), Replace::Never)).await.unwrap_err();
        assert_eq!(self.left(), Vec::<String>::new(), "{error}");
        assert!(!self.dir.path().join("outside").exists() && !self.dir.path().join("out/outside").exists());
        error
    }

    fn left(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path().join("out")).unwrap();
        let mut left: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        left
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for sealed in ["source/sealed", "out/t/sealed"] {
            let _ = fs::set_permissions(self.dir.path().join(sealed), fs::Permissions::from_mode(0o755));
        }
    }
}

#[tokio::test]
async fn an_archive_becomes_the_tree_it_was_made_of() {
    let world = World::new();
    let manifest = world.seed("seed.tar.zst").await;
    assert_eq!(seed_state(&world.target(), &manifest.archive.sha256).unwrap(), SeedState::Absent);
    let how = extraction(Expected::of(&manifest), Replace::Never);
    let Materialised::Extracted(marker) = world.extract("seed.tar.zst", &how).await.unwrap() else {
        panic!("nothing was there to reuse")
    };
    assert_eq!((marker.sha256, marker.content_root), (manifest.archive.sha256, manifest.content_root));
    assert_eq!(world.left(), ["t"]);
    let index = index(&world.target(), &Selection::all(), &Report::none()).await.unwrap();
    assert_eq!(index.content_root, manifest.content_root);
    assert_eq!(fs::metadata(world.target().join("same")).unwrap().nlink(), 2);
    for path in ["big", "sealed", "sealed/deep/file", "."] {
        let stat = |top: PathBuf| {
            let metadata = fs::metadata(top.join(path)).unwrap();
            (metadata.mtime(), metadata.mtime_nsec(), metadata.mode())
        };
        let (made, source) = (stat(world.target()), stat(world.dir.path().join("source")));
        assert_eq!(made.2, source.2, "{path}");
        assert!(path == "." || made == source, "{path}");
    }
    assert_eq!(seed_state(&world.target(), &marker.sha256).unwrap(), SeedState::Ready(marker.clone()));
    assert_eq!(seed_state(&world.target(), &Digest::of(b"")).unwrap(), SeedState::Other(marker.clone()));
    assert_eq!(world.extract("seed.tar.zst", &how).await.unwrap(), Materialised::Reused(marker));
    fs::remove_file(world.target().join(SEED_MARKER)).unwrap();
    assert_eq!(seed_state(&world.target(), &manifest.archive.sha256).unwrap(), SeedState::Partial);
}

#[tokio::test]
async fn of_many_who_want_a_target_one_extracts_and_the_others_reuse() {
    let world = World::new();
    let manifest = world.seed("seed.tar.zst").await;
    let how = extraction(Expected::of(&manifest), Replace::Never);
    let wanting: Vec<_> = (0..4)
        .map(|_| {
            let (place, target) = (world.place("seed.tar.zst"), world.target());
            tokio::spawn(async move { materialise(&place, &target, &how, &Report::none()).await.unwrap() })
        })
        .collect();
    let mut extracted = 0;
    for wanting in wanting {
        extracted += usize::from(matches!(wanting.await.unwrap(), Materialised::Extracted(_)));
    }
    assert_eq!((extracted, world.left()), (1, vec!["t".to_owned()]));
}

#[tokio::test]
async fn a_target_with_something_in_it_stays_unless_it_may_be_replaced() {
    let world = World::new();
    let manifest = world.seed("seed.tar.zst").await;
    fs::create_dir(world.target()).unwrap();
    fs::write(world.target().join("mine"), "mine").unwrap();
    let never = extraction(Expected::of(&manifest), Replace::Never);
    let error = world.extract("seed.tar.zst", &never).await.unwrap_err();
    assert!(matches!(error, ExtractError::TargetExists { .. }), "{error}");
    assert_eq!(fs::read_to_string(world.target().join("mine")).unwrap(), "mine");
    let existing = extraction(Expected::of(&manifest), Replace::Existing);
    world.extract("seed.tar.zst", &existing).await.unwrap();
    assert!(!world.target().join("mine").exists() && world.target().join("big").exists());
    assert_eq!(world.left(), ["t"]);
}

#[tokio::test]
async fn a_damaged_archive_leaves_the_target_as_it_was() {
    let world = World::new();
    let manifest = world.seed("seed.tar.zst").await;
    let (_, whole) = world.store.get(&ObjectKey::new("seed.tar.zst").unwrap()).await.unwrap();
    fs::create_dir(world.target()).unwrap();
    fs::write(world.target().join("mine"), "mine").unwrap();
    let how = extraction(Expected::of(&manifest), Replace::Existing);
    let mut damaged: Vec<Vec<u8>> = (1..8).map(|part| whole[..whole.len() * part / 8].to_vec()).collect();
    for at in (0..whole.len()).step_by(whole.len() / 24 + 1) {
        let mut flipped = whole.to_vec();
        flipped[at] ^= 0x10;
        damaged.push(flipped);
    }
    for (n, archive) in damaged.into_iter().enumerate() {
        world.put("damaged.tar.zst", archive).await;
        let error = world.extract("damaged.tar.zst", &how).await;
        assert!(error.is_err(), "damage {n}");
        assert_eq!(world.left(), ["t"], "damage {n}");
        assert_eq!(fs::read_to_string(world.target().join("mine")).unwrap(), "mine");
    }
    let other = Expected { content_root: Some(loam_bundle::digest::ContentRoot(Digest::of(b""))), ..how.expected };
    let error = world.extract("seed.tar.zst", &extraction(other, Replace::Existing)).await.unwrap_err();
    assert!(matches!(error, ExtractError::WrongContent { .. }), "{error}");
    let other = Expected { trust: Trust::Sha256(Digest::of(b"")), ..how.expected };
    let error = world.extract("seed.tar.zst", &extraction(other, Replace::Existing)).await.unwrap_err();
    assert!(matches!(error, ExtractError::WrongDigest { .. }), "{error}");
    assert_eq!(world.left(), ["t"]);
}

#[tokio::test]
async fn what_a_dead_extraction_left_is_removed() {
    let world = World::new();
    let manifest = world.seed("seed.tar.zst").await;
    let stale = world.dir.path().join(format!("out/.t.loam-{}", manifest.archive.sha256.short()));
    fs::create_dir_all(stale.join("half")).unwrap();
    fs::create_dir_all(world.dir.path().join("out/.t.loam-0000000000000000")).unwrap();
    fs::write(world.dir.path().join("out/.t.loam-lock"), "").unwrap();
    let how = extraction(Expected::of(&manifest), Replace::Never);
    world.extract("seed.tar.zst", &how).await.unwrap();
    assert_eq!(world.left(), ["t"]);
    assert!(!world.target().join("half").exists());
}

#[tokio::test]
async fn a_missing_archive_and_too_little_room_are_said_before_anything_is_made() {
    let world = World::new();
    let manifest = world.seed("seed.tar.zst").await;
    let how = extraction(Expected::of(&manifest), Replace::Never);
    let error = world.extract("nothing.tar", &how).await.unwrap_err();
    assert!(matches!(&error, ExtractError::Missing { url } if url == "memory://test/nothing.tar"), "{error}");
    for size in [(u64::MAX, 1), (1, u64::MAX)] {
        let huge = Expected { size: Some(size), ..how.expected };
        let error = world.extract("seed.tar.zst", &extraction(huge, Replace::Never)).await.unwrap_err();
        assert!(matches!(error, ExtractError::NoRoom { .. }), "{error}");
    }
    assert_eq!(world.left(), Vec::<String>::new());
}

/// An entry of a hostile archive: its name as raw bytes, type, link target and content.
fn entry(name: &str, kind: tar::EntryType, link: &str, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o6755);
    header.set_size(content.len() as u64);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
    [entries.concat(), vec![0; 1024]].concat()
}

#[tokio::test]
async fn hostile_archives_are_refused_and_leave_nothing() {
    use tar::EntryType as Kind;
    let world = World::new();
    let file = |name: &str| entry(name, Kind::Regular, "", b"content");
    let link = |name: &str, target: &str| entry(name, Kind::Symlink, target, b"");
    let hard = |name: &str, target: &str| entry(name, Kind::Link, target, b"");
    let outside = world.dir.path().join("outside").display().to_string();
    let deep = "d/".repeat(47) + "f";
    for (what, entries) in [
        ("traversal", vec![file("../outside")]),
        ("traversal within", vec![file("a/../../outside")]),
        ("absolute", vec![file("/outside")]),
        ("absolute path of ours", vec![file(&outside)]),
        ("drive letter", vec![file("C:outside")]),
        ("backslash", vec![file("..\\outside")]),
        ("marker", vec![file(".loam/seed.json")]),
        ("write through a link", vec![link("a", ".."), file("a/outside")]),
        ("write through a link beneath", vec![link("a", "b"), file("a/x")]),
        ("folder over a link", vec![link("a", "b"), entry("a/", Kind::Directory, "", b"")]),
        ("link over a folder", vec![entry("a/", Kind::Directory, "", b""), link("a", "b")]),
        ("absolute link", vec![link("a", "/etc")]),
        ("link out", vec![entry("a/", Kind::Directory, "", b""), link("a/b", "../../outside")]),
        ("link out by way of a link", vec![link("x", "."), link("y", "x/../../outside")]),
        ("hard link out", vec![hard("a", "../source/big")]),
        ("absolute hard link", vec![hard("a", "/etc/passwd")]),
        ("hard link to a link", vec![link("a", "b"), hard("c", "a")]),
        ("hard link to what comes later", vec![hard("a", "b"), file("b")]),
        ("hard link to a folder", vec![entry("a/", Kind::Directory, "", b""), hard("b", "a")]),
        ("device", vec![entry("a", Kind::Char, "", b"")]),
        ("FIFO", vec![entry("a", Kind::Fifo, "", b"")]),
        ("duplicate", vec![file("a"), file("./a")]),
        ("duplicate folder", vec![entry("a/", Kind::Directory, "", b""), entry("a/", Kind::Directory, "", b"")]),
        ("file as folder", vec![file("a"), file("a/b")]),
        ("two tops", vec![entry("./", Kind::Directory, "", b""), entry("./", Kind::Directory, "", b"")]),
    ] {
        let error = world.refused(archive(&entries)).await;
        let is_told = matches!(error, ExtractError::Refused { .. } | ExtractError::Malformed { .. });
        assert!(is_told, "{what}: {error:?}");
    }
    let limits = Limits { depth: 20, ..Limits::default() };
    world.put("deep.tar", archive(&[file(&deep)])).await;
    let how = Extraction { limits, ..extraction(unverified(), Replace::Never) };
    assert!(matches!(world.extract("deep.tar", &how).await.unwrap_err(), ExtractError::TooLarge { limit: 20, .. }));
    assert!(matches!(world.refused(b"not a tar".repeat(99)).await, ExtractError::Malformed { .. }));
    assert!(matches!(world.refused(Vec::new()).await, ExtractError::Malformed { .. }));
}

#[tokio::test]
async fn setuid_bits_and_owners_are_not_kept() {
    let world = World::new();
    world.put("x.tar", archive(&[entry("a/b", tar::EntryType::Regular, "", b"x")])).await;
    world.extract("x.tar", &extraction(unverified(), Replace::Never)).await.unwrap();
    let metadata = fs::metadata(world.target().join("a/b")).unwrap();
    assert_eq!((metadata.mode() & 0o7777, metadata.uid()), (0o755, fs::metadata(world.dir.path()).unwrap().uid()));
    assert_eq!(fs::metadata(world.target().join("a")).unwrap().mode() & 0o7777, 0o755);
}

#[tokio::test]
async fn bombs_are_refused_whatever_their_compression() {
    let world = World::new();
    let mut zeros = entry("zeros", tar::EntryType::Regular, "", b"");
    let bytes = 130_u64 << 20;
    zeros[124..136].copy_from_slice(format!("{bytes:011o}\0").as_bytes());
    zeros[148..156].fill(b' ');
    let sum: u32 = zeros.iter().map(|&byte| u32::from(byte)).sum();
    zeros[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    zeros.resize(512 + bytes as usize + 1024, 0);
    let packed = zstd::encode_all(zeros.as_slice(), 1).unwrap();
    let error = world.refused(packed.clone()).await;
    assert!(matches!(error, ExtractError::TooLarge { limit: 1000, .. }), "{error}");
    // Who knows the size from a manifest may have zeros.
    let sized = Expected { size: Some((zeros.len() as u64, 1)), ..unverified() };
    world.extract("hostile.tar", &extraction(sized, Replace::Never)).await.unwrap();
    let metadata = fs::metadata(world.target().join("zeros")).unwrap();
    assert_eq!(metadata.len(), bytes);
    assert!(metadata.blocks() * 512 < bytes / 2, "zeros are holes");
    fs::remove_dir_all(world.target()).unwrap();
    let less = Expected { size: Some((zeros.len() as u64 - 1, 1)), ..unverified() };
    let error = world.extract("hostile.tar", &extraction(less, Replace::Never)).await.unwrap_err();
    assert!(matches!(error, ExtractError::TooLarge { what: "bytes", .. }), "{error}");
    assert_eq!(world.left(), Vec::<String>::new());
}

#[tokio::test]
async fn an_extraction_that_is_given_up_cleans_up_after_itself() {
    let world = World::new();
    let manifest = world.seed("seed.tar.zst").await;
    let how = extraction(Expected::of(&manifest), Replace::Never);
    let (place, target) = (world.place("seed.tar.zst"), world.target());
    let report = Report::new(|_| {});
    let mut running = Box::pin(materialise(&place, &target, &how, &report));
    tokio::select! {
        biased;
        _ = &mut running => {}
        () = tokio::task::yield_now() => {}
    }
    drop(running);
    // Whoever is next waits for the lock, and finds nothing in its way.
    world.extract("seed.tar.zst", &how).await.unwrap();
    assert_eq!(world.left(), ["t"]);
}
