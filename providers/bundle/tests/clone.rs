//! Clones: the same tree, quickly, and nothing half done.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    io::{Seek, SeekFrom, Write},
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use loam_bundle::{
    clone::{Blocks, CloneError, Cloned, Cloning, Markers, NEVER_REWRITTEN, clone},
    progress::Report,
    tree::{Selection, TreeError, index},
};

fn source(dir: &Path) -> PathBuf {
    let source = dir.join("source");
    fs::create_dir_all(source.join("sealed")).unwrap();
    fs::create_dir_all(source.join(".loam")).unwrap();
    fs::write(source.join(".loam/seed.json"), "{}").unwrap();
    fs::write(source.join("sealed/1.sst"), "table").unwrap();
    fs::write(source.join("LOG"), "log").unwrap();
    fs::write(source.join("empty"), "").unwrap();
    fs::hard_link(source.join("LOG"), source.join("LOG.old")).unwrap();
    symlink("/somewhere/else", source.join("link")).unwrap();
    let mut sparse = fs::File::create(source.join("sparse")).unwrap();
    sparse.seek(SeekFrom::Start(40 << 20)).unwrap();
    sparse.write_all(b"end").unwrap();
    sparse.set_len(80 << 20).unwrap();
    fs::set_permissions(source.join("sealed"), fs::Permissions::from_mode(0o555)).unwrap();
    source
}

fn how(share: Option<Selection>, markers: Markers) -> Cloning {
    Cloning { blocks: Blocks::Shared, share, selection: Selection::all(), markers }
}

async fn content(path: &Path) -> String {
    index(path, &Selection::all(), &Report::none()).await.unwrap().content_root.to_string()
}

fn stat(path: PathBuf) -> (i64, i64, u32, u64) {
    let metadata = fs::symlink_metadata(path).unwrap();
    (metadata.mtime(), metadata.mtime_nsec(), metadata.mode(), metadata.len())
}

#[tokio::test]
async fn a_clone_is_the_same_tree_with_its_modes_times_links_and_holes() {
    let dir = tempfile::tempdir().unwrap();
    let (source, target) = (source(dir.path()), dir.path().join("out/clone"));
    let cloned = clone(&source, &target, &how(None, Markers::Drop), &Report::none()).await.unwrap();
    assert_eq!(cloned.bytes, (80 << 20) + 11);
    assert_eq!((cloned.linked, cloned.reflinked + cloned.copied), (1, 4));
    assert_eq!(content(&target).await, content(&source).await);
    for path in ["LOG", "sealed", "sealed/1.sst", "link", "sparse"] {
        assert_eq!(stat(target.join(path)), stat(source.join(path)), "{path}");
    }
    assert!(fs::metadata(target.join("sparse")).unwrap().blocks() < 10_000);
    let inode = |path: PathBuf| fs::metadata(path).unwrap().ino();
    assert_eq!(inode(target.join("LOG")), inode(target.join("LOG.old")));
    assert_ne!(inode(target.join("LOG")), inode(source.join("LOG")));
    assert!(!target.join(".loam").exists());
    assert_eq!(fs::read_dir(dir.path().join("out")).unwrap().count(), 1);
}

#[tokio::test]
async fn files_that_are_never_rewritten_may_be_shared_and_markers_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (source, target) = (source(dir.path()), dir.path().join("clone"));
    let share = Selection::new(NEVER_REWRITTEN.iter().copied(), []).unwrap();
    let cloned = clone(&source, &target, &how(Some(share), Markers::Keep), &Report::none()).await.unwrap();
    let shared = fs::metadata(target.join("sealed/1.sst")).unwrap().ino();
    let is_shared = shared == fs::metadata(source.join("sealed/1.sst")).unwrap().ino();
    // Where the file system reflinks, nothing needs to be linked.
    assert!(is_shared || cloned.reflinked > 0, "{cloned:?}");
    assert_ne!(fs::metadata(target.join("LOG")).unwrap().ino(), fs::metadata(source.join("LOG")).unwrap().ino());
    assert_eq!(fs::read_to_string(target.join(".loam/seed.json")).unwrap(), "{}");
    assert_eq!(content(&target).await, content(&source).await);
}

#[tokio::test]
async fn blocks_are_shared_always_or_never_where_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let source = source(dir.path());
    let target = |name: &str| dir.path().join(name);
    let how = |blocks| Cloning { blocks, ..how(None, Markers::Drop) };
    let own = clone(&source, &target("own"), &how(Blocks::Own), &Report::none()).await.unwrap();
    assert_eq!((own.reflinked, own.linked, own.copied), (0, 1, 4));
    assert_eq!(content(&target("own")).await, content(&source).await);
    assert!(fs::metadata(target("own").join("sparse")).unwrap().blocks() < 10_000);

    let can = clone(&source, &target("can"), &how(Blocks::Shared), &Report::none()).await.unwrap().reflinked > 0;
    match clone(&source, &target("shared"), &how(Blocks::SharedOrFail), &Report::none()).await {
        Ok(shared) => assert!(can && shared.copied <= 1, "only the empty file has nothing to share: {shared:?}"),
        Err(error) => {
            assert!(!can && matches!(error, CloneError::CannotShare { .. }), "{error}");
            assert!(!target("shared").exists());
        }
    }
}

#[tokio::test]
async fn a_clone_never_touches_what_is_there_and_names_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let (source, target) = (source(dir.path()), dir.path().join("clone"));
    fs::create_dir(&target).unwrap();
    fs::write(target.join("mine"), "mine").unwrap();
    let error = clone(&source, &target, &how(None, Markers::Drop), &Report::none()).await.unwrap_err();
    assert!(matches!(error, CloneError::TargetExists { .. }), "{error}");
    assert_eq!(fs::read_to_string(target.join("mine")).unwrap(), "mine");
    fs::remove_file(target.join("mine")).unwrap();
    let nowhere = dir.path().join("nowhere");
    let error = clone(&nowhere, &target, &how(None, Markers::Drop), &Report::none()).await.unwrap_err();
    assert!(matches!(error, CloneError::Tree(TreeError::Missing { .. })), "{error}");
    let cloned: Cloned = clone(&source, &target, &how(None, Markers::Drop), &Report::none()).await.unwrap();
    assert!(cloned.bytes > 0 && target.join("LOG").exists());
}
