//! How the data of nodes comes from a seed, and how they are started again.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use loam_provider::{Known, Remains};
use serde_json::json;

use crate::{
    network::{node_dir, pids, servers},
    world::{World, get, text},
};

fn seed(world: &World) -> PathBuf {
    let seed = world.path("seed");
    fs::create_dir_all(seed.join(".loam")).unwrap();
    for (name, content) in [(".loam/seed.json", "{}"), ("value", "from the seed"), ("1.sst", "table")] {
        fs::write(seed.join(name), content).unwrap();
    }
    seed
}

fn inode(path: impl AsRef<Path>) -> u64 {
    fs::metadata(path).unwrap().ino()
}

#[tokio::test]
async fn nodes_get_their_copy_as_the_volume_says() {
    for distribution in ["auto", "copy", "clone"] {
        let mut world = World::new("network.bench").await;
        let seed = seed(&world);
        let wanted = servers(2, json!({ "seed": { "name": "s", "path": seed, "distribution": distribution } }));
        let made = match world.create(&wanted).await {
            Ok(made) => made,
            Err(failure) => {
                // Here nothing can be reflinked.
                assert_eq!((distribution, failure.to_string().as_str()), ("clone", "the seed `s` cannot be cloned"));
                assert!(failure.error.hint.unwrap().starts_with("Write `distribution = \"auto\"`"));
                assert_eq!(failure.remains, Remains::Nothing);
                continue;
            }
        };
        let data = |made: &Known, name: &str| format!("{}/{name}", text(made, r#"nodes["1"].data_dir"#));
        assert_eq!(get(text(&made, r#"nodes["1"].endpoints.http"#)), "from the seed");
        assert!(!Path::new(&data(&made, ".loam")).exists(), "the seed's marker is not the node's");
        assert_ne!(inode(data(&made, "value")), inode(seed.join("value")), "what may be rewritten is a node's own");
        if distribution != "auto" {
            assert_ne!(inode(data(&made, "1.sst")), inode(seed.join("1.sst")), "{distribution}");
        }
        world.delete(&made).await.unwrap();
        assert_eq!(fs::read_to_string(seed.join("1.sst")).unwrap(), "table");
    }
}

#[tokio::test]
async fn a_seed_that_is_gone_is_named() {
    let world = World::new("network.bench").await;
    let seed = world.path("nowhere");
    let failure = world.create(&servers(1, json!({ "seed": { "name": "s", "path": seed } }))).await.unwrap_err();
    assert_eq!(failure.to_string(), format!("the seed `s` is gone: `{}` is no directory", seed.display()));
    assert_eq!(world.left(), [""; 0]);
}

#[tokio::test]
async fn how_a_node_was_started_is_written_down_for_its_owner_alone() {
    let mut world = World::new("network.bench").await;
    let wanted = servers(1, json!({ "env": { "TOKEN": "canary $(NODE_NAME)" } }));
    let made = world.create(&wanted).await.unwrap();
    let mode = |path: String| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let dir = node_dir(&made, "0");
    assert_eq!((mode(format!("{dir}/launch.json")), mode(dir.clone())), (0o600, 0o700));
    let launch: serde_json::Value = serde_json::from_slice(&fs::read(format!("{dir}/launch.json")).unwrap()).unwrap();
    assert_eq!(launch["env"]["TOKEN"], "canary 0");
    assert_eq!(launch["command"][1], "serve");
    assert_eq!(launch["names"]["NODE_NAME"], "0");
    let others: Vec<String> = world.left().into_iter().filter(|name| !name.ends_with("launch.json")).collect();
    let holds = |name: &String| fs::read_to_string(world.path(name)).is_ok_and(|text| text.contains("canary"));
    assert_eq!(others.iter().find(|name| holds(name)), None);
    assert!(!made.to_json()["nodes"].to_string().contains("canary"));
    assert_eq!(pids(&made).len(), 1);
    world.delete(&made).await.unwrap();
    assert_eq!(world.left(), [""; 0]);
}
