//! Archives as other programs see them: written here, read by `tar`, `zstd` and `sha256sum`; and the other way round.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
    sync::Arc,
};

use loam_bundle::{
    archive::{Adopt, ArchiveError, Build, Built, Outcome, Output, Place, Trust, adopt, build, read_manifest},
    codec::Format,
    digest::Digest,
    extract::{ExtractError, Limits},
    progress::Report,
    store::Directory,
    tree::{Selection, TreeError, index},
};
use loam_provider::{ObjectKey, ObjectStore};

struct World {
    dir: tempfile::TempDir,
    store: Arc<dyn ObjectStore>,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("source");
        fs::create_dir_all(source.join("db/wal")).unwrap();
        let noise: Vec<u8> = (0..9_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        fs::write(source.join("db/big.sst"), noise).unwrap();
        fs::write(source.join("db/zeros"), vec![0; 300_000]).unwrap();
        fs::write(source.join("db/wal/000.log"), "log").unwrap();
        fs::write(source.join("empty"), "").unwrap();
        fs::write(source.join("ünï cödé"), "x").unwrap();
        fs::write(source.join("tool"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(source.join("tool"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::hard_link(source.join("db/big.sst"), source.join("db/linked.sst")).unwrap();
        symlink("db/wal", source.join("current")).unwrap();
        let store = Arc::new(Directory::create(&dir.path().join("bucket")).unwrap());
        Self { dir, store }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    fn place(&self, key: &str) -> Place {
        Place { store: Arc::clone(&self.store), key: ObjectKey::new(key).unwrap() }
    }

    fn build(&self) -> Build {
        Build {
            source: self.path("source"),
            selection: Selection::all(),
            created_at: "2026-11-20T10:05:00Z".parse().unwrap(),
            app: BTreeMap::from([("height".to_owned(), 25_261_834.into())]),
            metadata: BTreeMap::from([("address".to_owned(), "seed_archive.x".to_owned())]),
        }
    }

    async fn built(&self, key: &str, format: Format) -> Result<Built, ArchiveError> {
        let output = Output { place: self.place(key), format, level: None };
        build(&self.build(), &[output], &Report::none()).await.map(|mut built| built.remove(0))
    }

    fn run(&self, command: &str) -> String {
        let output = Command::new("sh").arg("-ec").arg(command).current_dir(self.dir.path()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{command}: {text}{}", String::from_utf8_lossy(&output.stderr));
        text
    }
}

async fn content(path: &Path) -> String {
    index(path, &Selection::all(), &Report::none()).await.unwrap().content_root.to_string()
}

#[tokio::test]
async fn tar_and_sha256sum_accept_every_format_and_extract_the_same_tree() {
    let world = World::new();
    let expected = content(&world.path("source")).await;
    let formats = Format::ALL;
    let outputs: Vec<Output> = formats
        .iter()
        .map(|&format| Output { place: world.place(&format!("a/seed.{format}")), format, level: None })
        .collect();
    let built = build(&world.build(), &outputs, &Report::none()).await.unwrap();
    for (format, built) in formats.iter().zip(&built) {
        assert_eq!(built.manifest.content_root.to_string(), expected);
        // GNU tar has to be told of this one.
        let by = if *format == Format::TarLz4 { "-I lz4" } else { "" };
        let listed = format!("cd bucket/a && sha256sum -c seed.{format}.sha256 && tar {by} -tf seed.{format}");
        let listed = world.run(&listed);
        assert!(listed.starts_with(&format!("seed.{format}: OK\n./\n./current\n./db/\n")), "{listed}");
        world.run(&format!(
            "mkdir x-{format} && tar {by} -xf bucket/a/seed.{format} -C x-{format} && \
             diff -r --no-dereference source x-{format}"
        ));
        assert_eq!(content(&world.path(&format!("x-{format}"))).await, expected, "{format}");
    }
    let sums = world.run("zstd -dc bucket/a/seed.tar.zst | sha256sum; xz -dc bucket/a/seed.tar.xz | sha256sum");
    let tar = built[0].manifest.tar.sha256.to_string();
    assert_eq!(sums, format!("{tar}  -\n{tar}  -\n"));
    world.run("zstd -tq bucket/a/seed.tar.zst && tar --zstd -tf bucket/a/seed.tar.zst");
    assert_eq!(world.run("stat -c %h x-tar.zst/db/linked.sst"), "2\n");
}

#[tokio::test]
async fn the_manifest_tells_frames_that_decompress_on_their_own() {
    let world = World::new();
    let built = world.built("seed.tar.zst", Format::TarZst).await.unwrap();
    let manifest = read_manifest(&world.place("seed.tar.zst")).await.unwrap().unwrap();
    assert_eq!(manifest, built.manifest);
    assert_eq!(manifest.app["height"], 25_261_834);
    assert!(manifest.frames.len() >= 3);
    assert_eq!(manifest.frames.iter().map(|frame| frame.uncompressed).sum::<u64>(), manifest.tar.bytes);
    let archive = fs::read(world.path("bucket/seed.tar.zst")).unwrap();
    assert_eq!((Digest::of(&archive), archive.len() as u64), (manifest.archive.sha256, manifest.archive.bytes));
    for frame in &manifest.frames {
        let bytes = &archive[frame.offset as usize..(frame.offset + frame.compressed) as usize];
        assert_eq!(Digest::of(&zstd::decode_all(bytes).unwrap()), frame.sha256);
    }
    let meta = world.store.head(&ObjectKey::new("seed.tar.zst").unwrap()).await.unwrap().unwrap();
    assert_eq!(meta.metadata["address"], "seed_archive.x");
    // As the documentation tells people to do it by hand.
    let by_hand = "jq -r '.frames[] | @tsv' bucket/seed.tar.zst.manifest.json | while read -r key off len _; do \
                   tail -c +$((off+1)) bucket/$key | head -c $len; done | zstd -dc | sha256sum";
    assert_eq!(world.run(by_hand), format!("{}  -\n", manifest.tar.sha256));
}

#[tokio::test]
async fn the_same_tree_is_the_same_archive_and_nothing_is_overwritten() {
    let world = World::new();
    let first = world.built("seed.tar.zst", Format::TarZst).await.unwrap();
    assert_eq!(first.outcome, Outcome::Written);
    fs::remove_file(world.path("bucket/seed.tar.zst.manifest.json")).unwrap();
    let again = world.built("seed.tar.zst", Format::TarZst).await.unwrap();
    assert_eq!((again.outcome, again.manifest), (Outcome::AlreadyThere, first.manifest.clone()));
    assert_eq!(
        world.built("other.tar.zst", Format::TarZst).await.unwrap().manifest.archive.sha256,
        first.manifest.archive.sha256
    );

    fs::write(world.path("source/db/wal/000.log"), "changed").unwrap();
    let occupied = world.built("seed.tar.zst", Format::TarZst).await.unwrap_err();
    assert!(matches!(&occupied, ArchiveError::Occupied { found, .. } if *found == first.manifest.archive.sha256));
    assert_eq!(read_manifest(&world.place("seed.tar.zst")).await.unwrap().unwrap(), first.manifest);
    assert_eq!(fs::read_dir(world.path("bucket/.loam-tmp")).unwrap().count(), 0);

    // An archive somebody deleted leaves side files that must not describe the next one.
    fs::remove_file(world.path("bucket/seed.tar.zst")).unwrap();
    let next = world.built("seed.tar.zst", Format::TarZst).await.unwrap();
    assert_eq!(read_manifest(&world.place("seed.tar.zst")).await.unwrap().unwrap(), next.manifest);
    world.run("cd bucket && sha256sum -c seed.tar.zst.sha256");
}

#[tokio::test]
async fn a_source_that_is_missing_or_unfit_leaves_nothing_in_the_bucket() {
    let world = World::new();
    let mut build_of_nothing = world.build();
    build_of_nothing.source = world.path("nowhere");
    let output = Output { place: world.place("seed.tar.zst"), format: Format::TarZst, level: None };
    let missing = build(&build_of_nothing, std::slice::from_ref(&output), &Report::none()).await.unwrap_err();
    assert!(matches!(&missing, ArchiveError::Tree(TreeError::Missing { .. })), "{missing}");
    let level = Output { level: Some(99), ..output.clone() };
    assert!(matches!(build(&world.build(), &[level], &Report::none()).await, Err(ArchiveError::Codec(_))));
    symlink("/etc/passwd", world.path("source/out")).unwrap();
    let link = world.built("seed.tar.zst", Format::TarZst).await.unwrap_err();
    assert!(matches!(&link, ArchiveError::Tree(TreeError::LinkLeadsOut { .. })), "{link}");
    assert!(world.store.list("", None, 9).await.unwrap().objects.is_empty());
    assert_eq!(fs::read_dir(world.path("bucket/.loam-tmp")).unwrap().count(), 0);
}

#[tokio::test]
async fn archives_of_other_programs_are_adopted_with_their_content() {
    let world = World::new();
    let expected = content(&world.path("source")).await;
    world.run("cd source && for c in gnu pax ustar; do tar -cf ../bucket/$c.tar --format=$c . ; done");
    world.run("cd source && tar -cf - * | xz -T1 -0 > ../bucket/no-top.tar.xz && tar --zstd -cf ../bucket/y.tar.zst .");
    world.run("cd source && tar -cf - . | gzip > ../bucket/x.tgz && tar -cf - . | lz4 -q > ../bucket/x.tar.lz4");
    for name in ["gnu.tar", "pax.tar", "ustar.tar", "no-top.tar.xz", "y.tar.zst", "x.tgz", "x.tar.lz4"] {
        let how = Adopt {
            trust: Trust::Sha256(Digest::of(&fs::read(world.path("bucket").join(name)).unwrap())),
            limits: Limits::default(),
            created_at: "2026-11-20T10:05:00Z".parse().unwrap(),
        };
        let manifest = adopt(&world.place(name), &how, &Report::none()).await.unwrap();
        assert_eq!(manifest.content_root.to_string(), expected, "{name}");
        assert_eq!((manifest.tar.files, manifest.archive.name.as_str()), (7, name));
        let wrong = Adopt { trust: Trust::Sha256(Digest::of(b"")), ..how };
        let error = adopt(&world.place(name), &wrong, &Report::none()).await.unwrap_err();
        assert!(matches!(error, ArchiveError::Extract(ExtractError::WrongDigest { .. })), "{error}");
    }
    let missing = Adopt {
        trust: Trust::Unverified,
        limits: Limits::default(),
        created_at: "2026-11-20T10:05:00Z".parse().unwrap(),
    };
    let error = adopt(&world.place("none.tar"), &missing, &Report::none()).await.unwrap_err();
    assert!(matches!(&error, ArchiveError::Extract(ExtractError::Missing { url }) if url.ends_with("none.tar")));
}
