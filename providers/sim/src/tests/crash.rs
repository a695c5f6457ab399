use std::fs;

use loam_provider::Resolution;

use super::Bench;
use crate::{SimWorld, World};

#[tokio::test]
async fn another_process_finds_what_was_done() {
    let bench = Bench::new().await;
    let made = bench.create("t1", &bench.fresh().await).await.unwrap();
    let reopened = SimWorld::open(bench.dir.path().join("world")).unwrap();
    assert_eq!(reopened.objects().unwrap()[0].attributes, made);
    assert_eq!(reopened.effects().unwrap(), bench.world.effects().unwrap());
}

#[tokio::test]
async fn a_line_of_the_log_that_was_lost_is_written_once() {
    let bench = Bench::new().await;
    bench.create("t1", &bench.fresh().await).await.unwrap();
    let made = bench.create("t2", &bench.fresh().await).await.unwrap();
    bench.delete("t3", &made).await.unwrap();
    let world = bench.dir.path().join("world");
    let log = fs::read_to_string(world.join("effects.log")).unwrap();
    // The process died after the second object was in place, in the middle of the second line.
    let second = log.match_indices('\n').next().unwrap().0 + 9;
    fs::write(world.join("effects.log"), &log[..second]).unwrap();
    fs::write(world.join("objects/sim-t9.new"), "{").unwrap();

    for _ in 0..2 {
        World::open(&world).unwrap();
        assert_eq!(fs::read_to_string(world.join("effects.log")).unwrap(), log);
    }
}

#[tokio::test]
async fn operations_are_resolved_after_a_restart() {
    let bench = Bench::new().await;
    let made = bench.create("t1", &bench.fresh().await).await.unwrap();
    let planned = bench.planned(&[("name", "b".into())], Some(&made)).await.after;
    let changed = bench.update("t2", &made, &planned).await.unwrap();

    let world = SimWorld::open(bench.dir.path().join("world")).unwrap();
    let factory = crate::SimFactory::within(&world);
    let provider = super::configured(&factory, bench.dir.path().into(), &[]).await.unwrap();
    let bench = Bench { provider, world, ..bench };
    assert_eq!(bench.resolve("t2").await, Resolution::Done(changed.clone()));
    assert_eq!(bench.resolve("t3").await, Resolution::Nothing);
    bench.delete("t3", &changed).await.unwrap();
    assert_eq!(bench.resolve("t3").await, Resolution::Done(loam_provider::Known::null()));
}

#[tokio::test]
async fn drift_is_read() {
    let bench = Bench::new().await;
    let made = bench.create("t1", &bench.fresh().await).await.unwrap();
    let id = bench.world.objects().unwrap()[0].id.clone();
    bench.world.edit(&id, |thing| thing.with("color", "blue".into())).unwrap();
    let read = async || bench.provider.read(bench.thing(), &bench.cx("r"), &made).await.unwrap();
    assert_eq!(read().await, Some(made.with("color", "blue".into())));
    bench.world.remove(&id).unwrap();
    assert_eq!(read().await, None);
    assert_eq!(bench.world.edit(&id, Clone::clone).unwrap_err().to_string(), "`sim-t1` does not exist");
    assert_eq!(bench.effects(), ["Create Whole 1"]);
}

#[test]
fn a_foreign_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    World::open(dir.path()).unwrap();
    fs::write(dir.path().join("objects/x.json"), "not JSON").unwrap();
    let error = World::open(dir.path()).unwrap_err().to_string();
    assert!(error.ends_with("objects/x.json` is not a file of a scripted cloud"), "{error}");
}
