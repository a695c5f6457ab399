//! Series: publishing, restoring, following, and what stops a follower.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeMap, fs, os::unix::fs::symlink, path::PathBuf, process::Command, sync::Arc};

use bytes::Bytes;
use loam_bundle::{
    progress::Report,
    series::{
        Origin, Publish, Published, Pulled, Restore, Series, SeriesError, Status, Wanted, applied, find, init, publish,
        pull, status, versions,
    },
    store::Directory,
    tree::{Selection, index},
};
use loam_provider::{ObjectKey, Precondition};

struct World {
    dir: tempfile::TempDir,
    series: Series,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let world = Self {
            series: Series {
                store: Arc::new(Directory::create(&dir.path().join("bucket")).unwrap()),
                prefix: ObjectKey::new("chains/main").unwrap(),
            },
            dir,
        };
        world.write("db/1.sst", &noise(1, 6_000_000));
        world.write("db/2.sst", &noise(2, 300_000));
        world.write("db/same.sst", &noise(2, 300_000));
        world.write("CURRENT", b"1");
        world.write("empty", b"");
        fs::hard_link(world.path("source/CURRENT"), world.path("source/linked")).unwrap();
        symlink("db/1.sst", world.path("source/newest")).unwrap();
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.path("source").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn publish_as(&self, source_id: &str, origin: Origin, minute: u32) -> Publish {
        Publish {
            source: self.path("source"),
            selection: Selection::all(),
            source_id: source_id.to_owned(),
            origin,
            writer: "host:boot:1".to_owned(),
            created_at: format!("2026-11-20T10:{minute:02}:00Z").parse().unwrap(),
            app: BTreeMap::from([("height".to_owned(), minute.into())]),
            level: Some(1),
            full_every: 16,
        }
    }

    async fn push(&self, minute: u32) -> Published {
        publish(&self.series, &self.publish_as("node-1", Origin::Same, minute), &Report::none()).await.unwrap()
    }

    async fn pull(&self, wanted: Wanted) -> Result<Pulled, SeriesError> {
        pull(&self.series, &self.path("target"), &restore(wanted), &Report::none()).await
    }

    async fn init(&self, wanted: Wanted) -> Result<(), SeriesError> {
        init(&self.series, &self.path("target"), &restore(wanted), &Report::none()).await.map(drop)
    }

    async fn content(&self, name: &str) -> String {
        index(&self.path(name), &Selection::all(), &Report::none()).await.unwrap().content_root.to_string()
    }

    async fn status(&self) -> Status {
        status(&self.series, &self.path("target"), &Report::none()).await.unwrap()
    }

    fn run(&self, command: &str) -> String {
        let output = Command::new("sh").arg("-ec").arg(command).current_dir(self.dir.path()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{command}: {text}{}", String::from_utf8_lossy(&output.stderr));
        text
    }
}

fn restore(wanted: Wanted) -> Restore {
    Restore { wanted, selection: Selection::all(), applied_at: "2026-11-20T12:00:00Z".parse().unwrap() }
}

/// Returns bytes that do not compress.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn committed(published: Published) -> (u64, u64, u64) {
    match published {
        Published::Committed { cursor, new_bytes, reused_bytes, .. } => (cursor.version, new_bytes, reused_bytes),
        Published::Unchanged { cursor, .. } => panic!("nothing was published after {cursor:?}"),
    }
}

#[tokio::test]
async fn a_first_version_is_an_ordinary_archive_and_every_version_is_read_without_loam() {
    let world = World::new();
    committed(world.push(1).await);
    world.run("mkdir whole && zstd -dc bucket/chains/main/packs/*.tar.zst | tar -x -C whole && diff -r --no-dereference source whole");
    world.run("tar --zstd -tf bucket/chains/main/packs/*.tar.zst");
    world.write("db/3.sst", &noise(3, 500_000));
    fs::remove_file(world.path("source/db/2.sst")).unwrap();
    committed(world.push(2).await);
    world.run(
        "cd bucket/chains/main && jq -r '.frames[] | @tsv' versions/00000002/manifest.json | \
         while read -r key off len _; do tail -c +$((off+1)) $key | head -c $len; done | zstd -dc > stream.tar && \
         mkdir ../../../by-hand && tar -xf stream.tar -C ../../../by-hand && \
         mkdir ../check && cp packs/* versions/00000002/* stream.tar ../check && \
         cd ../check && sha256sum -c SHA256SUMS",
    );
    world.run("diff -r --no-dereference source by-hand");
    assert_eq!(world.content("by-hand").await, world.content("source").await);
    for object in
        ["loam-series.json", "HEAD.json", "versions/00000001/manifest.json", "versions/00000001/files.json.zst"]
    {
        assert!(world.path("bucket/chains/main").join(object).exists(), "{object}");
    }
    let newest = find(&world.series, Wanted::Newest).await.unwrap();
    assert_eq!((newest.manifest.version, newest.manifest.full, newest.manifest.packs.len()), (2, false, 2));
    assert_eq!(newest.manifest.parent.unwrap().version, 1);
}

#[tokio::test]
async fn only_what_no_earlier_version_holds_is_stored() {
    let world = World::new();
    let (_, first, reused) = committed(world.push(1).await);
    assert!(first > 5_000_000 && reused == 0, "{first} {reused}");
    assert!(matches!(world.push(2).await, Published::Unchanged { cursor, .. } if cursor.version == 1));
    world.write("CURRENT", b"2");
    let (version, new, reused) = committed(world.push(3).await);
    assert!(version == 2 && new < 3_000 && reused > 5_000_000, "{new} {reused}");
    world.write("db/4.sst", &noise(4, 700_000));
    fs::rename(world.path("source/db/1.sst"), world.path("source/db/moved.sst")).unwrap();
    fs::remove_file(world.path("source/newest")).unwrap();
    let (_, new, _) = committed(world.push(4).await);
    assert!((600_000..800_000).contains(&new), "{new}");
    // Content that was gone for a version comes back from the one before.
    fs::remove_file(world.path("source/db/moved.sst")).unwrap();
    committed(world.push(5).await);
    world.write("db/back.sst", &noise(1, 6_000_000));
    let (_, new, _) = committed(world.push(6).await);
    assert!(new < 5_000, "{new}");
    assert_eq!(versions(&world.series).await.unwrap(), [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_target_is_made_follows_and_fetches_only_what_it_lacks() {
    let world = World::new();
    assert!(matches!(world.init(Wanted::Newest).await.unwrap_err(), SeriesError::NoVersions { .. }));
    world.push(1).await;
    world.init(Wanted::Newest).await.unwrap();
    assert_eq!(world.content("target").await, world.content("source").await);
    assert_eq!(world.status().await, Status::UpToDate);
    assert!(matches!(world.pull(Wanted::Newest).await.unwrap(), Pulled::UpToDate(_)));
    world.write("CURRENT", b"2");
    world.write("new/file", b"new");
    world.push(2).await;
    world.write("CURRENT", b"3");
    world.push(3).await;
    assert_eq!(world.status().await, Status::Behind { versions: 2 });
    let Pulled::Applied { applied: after, fetched_bytes, reused_bytes } = world.pull(Wanted::Newest).await.unwrap()
    else {
        panic!("there were new versions")
    };
    assert!(fetched_bytes < 1000 && reused_bytes > 6_000_000, "{fetched_bytes} {reused_bytes}");
    assert_eq!(after, applied(&world.path("target")).unwrap().unwrap());
    assert_eq!((after.cursor.version, after.cursor.epoch, after.cursor.source_id.as_str()), (3, 1, "node-1"));
    world.run("diff -r --no-dereference -x .loam source target");
    assert_eq!(world.content("target").await, world.content("source").await);
    assert_eq!(fs::read_dir(world.dir.path()).unwrap().count(), 3);
}

#[tokio::test]
async fn versions_are_chosen_by_number_and_by_time() {
    let world = World::new();
    let mut contents = Vec::new();
    for minute in 1..=3 {
        world.write("CURRENT", minute.to_string().as_bytes());
        world.push(minute).await;
        contents.push(world.content("source").await);
    }
    let cases = [
        (Wanted::Version(1), 0),
        (Wanted::Version(2), 1),
        (Wanted::AsOf("2026-11-20T10:02:30Z".parse().unwrap()), 1),
        (Wanted::AsOf("2027-01-01T00:00:00Z".parse().unwrap()), 2),
    ];
    for (wanted, expected) in cases {
        world.init(wanted).await.unwrap();
        assert_eq!(world.content("target").await, contents[expected], "{wanted:?}");
        fs::remove_dir_all(world.path("target")).unwrap();
    }
    let early = Wanted::AsOf("2026-11-20T10:00:00Z".parse().unwrap());
    assert!(matches!(world.init(early).await.unwrap_err(), SeriesError::NothingAsOf { .. }));
    let missing = world.init(Wanted::Version(9)).await.unwrap_err();
    assert!(matches!(missing, SeriesError::NoSuchVersion { version: 9, .. }));
    world.init(Wanted::Newest).await.unwrap();
    assert!(matches!(world.pull(Wanted::Version(1)).await.unwrap(), Pulled::Applied { .. }));
    assert_eq!(world.content("target").await, contents[0]);
}

#[tokio::test]
async fn a_target_that_is_not_empty_or_not_ours_is_left_alone() {
    let world = World::new();
    world.push(1).await;
    fs::create_dir(world.path("target")).unwrap();
    fs::write(world.path("target/mine"), "mine").unwrap();
    assert!(matches!(world.init(Wanted::Newest).await.unwrap_err(), SeriesError::NotEmpty { .. }));
    assert!(matches!(world.pull(Wanted::Newest).await.unwrap_err(), SeriesError::NotFollowing { .. }));
    assert_eq!(world.run("ls -A target"), "mine\n");
}

#[tokio::test]
async fn a_target_changed_by_hand_has_diverged_and_stays() {
    let world = World::new();
    world.push(1).await;
    world.init(Wanted::Newest).await.unwrap();
    fs::write(world.path("target/db/1.sst"), "mine").unwrap();
    world.write("CURRENT", b"2");
    world.push(2).await;
    let error = world.pull(Wanted::Newest).await.unwrap_err();
    assert!(matches!(error, SeriesError::Diverged { version: 1, .. }), "{error}");
    assert!(matches!(world.status().await, Status::Diverged { .. }));
    assert_eq!(fs::read_to_string(world.path("target/db/1.sst")).unwrap(), "mine");
}

#[tokio::test]
async fn another_source_needs_consent_and_stops_followers() {
    let world = World::new();
    world.push(1).await;
    world.init(Wanted::Newest).await.unwrap();
    let stranger = world.publish_as("node-2", Origin::Same, 2);
    let error = publish(&world.series, &stranger, &Report::none()).await.unwrap_err();
    assert!(matches!(&error, SeriesError::SourceReset { expected, .. } if expected == "node-2"), "{error}");
    let consented = world.publish_as("node-2", Origin::StartEpoch, 2);
    let (version, ..) = committed(publish(&world.series, &consented, &Report::none()).await.unwrap());
    let newest = find(&world.series, Wanted::Newest).await.unwrap();
    assert_eq!((version, newest.manifest.epoch, newest.manifest.full), (2, 2, true));
    let error = world.pull(Wanted::Newest).await.unwrap_err();
    assert!(matches!(&error, SeriesError::SourceReset { found_epoch: 2, .. }), "{error}");
    assert_eq!(world.status().await, Status::SourceReset { source_id: "node-2".to_owned(), epoch: 2 });
}

#[tokio::test]
async fn a_series_that_was_wiped_and_begun_again_is_noticed() {
    let world = World::new();
    world.push(1).await;
    world.write("CURRENT", b"2");
    world.push(2).await;
    world.init(Wanted::Newest).await.unwrap();
    fs::remove_dir_all(world.path("bucket/chains/main/versions/00000002")).unwrap();
    let error = world.pull(Wanted::Newest).await.unwrap_err();
    assert!(matches!(error, SeriesError::WentBack { newest: 1, applied: 2, .. }), "{error}");
    assert_eq!(world.status().await, Status::Ahead);
    fs::remove_dir_all(world.path("bucket/chains")).unwrap();
    world.push(4).await;
    world.write("CURRENT", b"3");
    world.push(5).await;
    let error = world.pull(Wanted::Newest).await.unwrap_err();
    assert!(matches!(error, SeriesError::Rewritten { version: 2, .. }), "{error}");
}

#[tokio::test]
async fn head_heals_and_what_dead_publishers_left_does_not_matter() {
    let world = World::new();
    world.push(1).await;
    let key = |name: &str| ObjectKey::new(format!("chains/main/{name}")).unwrap();
    let put = |name: &'static str, body: &'static [u8]| {
        let store = Arc::clone(&world.series.store);
        let key = key(name);
        async move { store.put(&key, Bytes::from_static(body), &BTreeMap::new(), &Precondition::Always).await.unwrap() }
    };
    put("versions/00000002/files.json.zst", b"left by a dead publisher").await;
    put("HEAD.json", b"not JSON").await;
    world.write("CURRENT", b"2");
    assert_eq!(committed(world.push(2).await).0, 2);
    world.init(Wanted::Newest).await.unwrap();
    assert_eq!(world.content("target").await, world.content("source").await);
    fs::remove_file(world.path("bucket/chains/main/HEAD.json")).unwrap();
    assert_eq!(find(&world.series, Wanted::Newest).await.unwrap().manifest.version, 2);
    assert!(matches!(world.push(3).await, Published::Unchanged { .. }));
    assert!(world.run("cat bucket/chains/main/HEAD.json").starts_with("{\"version\":2,"));
}

#[tokio::test]
async fn of_two_publishers_both_versions_are_whole() {
    let world = World::new();
    world.push(1).await;
    fs::create_dir(world.path("other")).unwrap();
    fs::write(world.path("other/x"), "x").unwrap();
    world.write("CURRENT", b"2");
    let one = world.publish_as("node-1", Origin::Same, 2);
    let two = Publish { source: world.path("other"), ..one.clone() };
    let report = Report::none();
    let (one, two) = tokio::join!(publish(&world.series, &one, &report), publish(&world.series, &two, &report));
    let mut numbers = [committed(one.unwrap()).0, committed(two.unwrap()).0];
    numbers.sort_unstable();
    assert_eq!(numbers, [2, 3]);
    for version in [2, 3] {
        world.init(Wanted::Version(version)).await.unwrap();
        let content = world.content("target").await;
        assert!([world.content("source").await, world.content("other").await].contains(&content));
        fs::remove_dir_all(world.path("target")).unwrap();
    }
}

#[tokio::test]
async fn a_damaged_pack_leaves_the_target_as_it_was() {
    let world = World::new();
    world.push(1).await;
    world.init(Wanted::Newest).await.unwrap();
    let before = world.content("target").await;
    world.write("db/5.sst", &noise(5, 900_000));
    world.push(2).await;
    let newest = find(&world.series, Wanted::Newest).await.unwrap();
    let pack = world.path("bucket/chains/main").join(&newest.manifest.packs.last().unwrap().key);
    let whole = fs::read(&pack).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for damaged in [flipped.as_slice(), &whole[..whole.len() / 2], b""] {
        fs::write(&pack, damaged).unwrap();
        assert!(world.pull(Wanted::Newest).await.is_err());
        assert_eq!(world.content("target").await, before);
    }
    fs::write(&pack, &whole).unwrap();
    world.pull(Wanted::Newest).await.unwrap();
    assert_eq!(world.content("target").await, world.content("source").await);
    assert_eq!(fs::read_dir(world.dir.path()).unwrap().count(), 3);
}

#[tokio::test]
async fn a_part_of_a_version_is_restored_and_followed() {
    let world = World::new();
    world.push(1).await;
    let part = Restore { selection: Selection::new(["CURRENT", "db/2.sst"], []).unwrap(), ..restore(Wanted::Newest) };
    let target = world.path("target");
    init(&world.series, &target, &part, &Report::none()).await.unwrap();
    assert_eq!(world.run("cd target && find . -type f -not -path './.loam/*' | sort"), "./CURRENT\n./db/2.sst\n");
    world.write("CURRENT", b"2");
    world.push(2).await;
    pull(&world.series, &target, &part, &Report::none()).await.unwrap();
    assert_eq!(fs::read_to_string(target.join("CURRENT")).unwrap(), "2");
}

#[tokio::test]
async fn full_versions_stand_alone() {
    let world = World::new();
    for minute in 1..=3 {
        world.write("CURRENT", minute.to_string().as_bytes());
        let every = Publish { full_every: 2, ..world.publish_as("node-1", Origin::Same, minute) };
        publish(&world.series, &every, &Report::none()).await.unwrap();
        let manifest = find(&world.series, Wanted::Newest).await.unwrap().manifest;
        assert_eq!((manifest.full, manifest.packs.len() == 1), (minute % 2 == 1, minute % 2 == 1));
    }
}
