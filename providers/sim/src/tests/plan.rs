use loam_provider::{PlanRequest, Trouble, Type, Value};

use super::{Bench, configuration, proposed};

#[tokio::test]
async fn what_can_be_known_is_predicted_and_nothing_else() {
    let bench = Bench::new().await;
    let planned = bench.fresh().await;
    assert_eq!(planned.get("output"), Some(&Value::from(7u64)));
    assert_eq!(planned.get("generation"), Some(&Value::Unknown(Type::Number)));
    let unknown = [("name", "a".into()), ("input", Value::Unknown(Type::String))];
    let planned = bench.planned(&unknown, None).await.after;
    assert_eq!(planned.get("output"), Some(&Value::Unknown(Type::String)));
}

#[tokio::test]
async fn what_does_not_change_is_predicted_as_it_is() {
    let bench = Bench::new().await;
    let made = bench.create("t1", &bench.fresh().await).await.unwrap();
    let config = [("name", "a".into()), ("input", Value::from(7u64))];
    let planned = bench.planned(&config, Some(&made)).await;
    assert_eq!((&planned.after, planned.replace.len()), (made.value(), 0));
    // A hint is only looked at when a thing is made: another one does not make it another generation.
    let hinted = bench.planned(&[&config[..], &[("hint", "x".into())]].concat(), Some(&made)).await;
    assert_eq!(hinted.after, made.with("hint", "x".into()).into_value());
}

#[tokio::test]
async fn a_change_keeps_the_identity_and_makes_a_new_generation() {
    let bench = Bench::new().await;
    let made = bench.create("t1", &bench.fresh().await).await.unwrap();
    let tags = Value::map(Type::String, [("k", Value::from("v"))]);
    let planned = bench.planned(&[("name", "a".into()), ("tags", tags)], Some(&made)).await.after;
    assert_eq!(planned.get("id"), made.get("id"));
    assert_eq!(planned.get("generation"), Some(&Value::Unknown(Type::Number)));
    let changed = bench.update("t2", &made, &planned).await.unwrap();
    let again = [("name", "a".into()), ("tags", changed.get("tags").unwrap().clone())];
    assert_eq!(&bench.planned(&again, Some(&changed)).await.after, changed.value());
}

#[tokio::test]
async fn a_volume_that_shrinks_is_replaced() {
    let bench = Bench::new().await;
    let kind = bench.kind("sim_volume");
    let sized = |size: u64| configuration(kind, &[("name", "v".into()), ("size", Value::from(size))]);
    let made = bench.provider.create(kind, &bench.cx("t1"), &proposed(kind, &sized(5), None)).await.unwrap();
    let causes = async |size| {
        let config = sized(size);
        let proposed = proposed(kind, &config, Some(&made));
        let request = PlanRequest { config: &config, proposed: &proposed, prior: Some(&made) };
        bench.provider.plan(kind, &bench.cx("plan"), request).await.unwrap().replace
    };
    assert_eq!(causes(6).await, []);
    assert_eq!(causes(4).await[0].because, "a volume cannot shrink");
}

#[tokio::test]
async fn what_the_cloud_would_refuse_is_refused_with_its_place() {
    let bench = Bench::new().await;
    let refused = async |config: &[(&str, Value)]| {
        let config = configuration(bench.thing(), config);
        let proposed = proposed(bench.thing(), &config, None);
        let request = PlanRequest { config: &config, proposed: &proposed, prior: None };
        let error = bench.provider.plan(bench.thing(), &bench.cx("plan"), request).await.unwrap_err();
        assert_eq!(error.trouble, Trouble::Invalid);
        format!("{}: {error}", error.path.clone().unwrap())
    };
    assert_eq!(refused(&[("name", "a b".into())]).await, "name: `a b` is not a name: it holds ' '");
    assert_eq!(refused(&[("name", "".into())]).await, "name: `` is not a name: it is empty");
    let disk = Value::object([("size", Value::from(-1i64)), ("mount", Value::Null(Type::String))]);
    let disks = Value::list(disk.ty(), [disk]);
    let place = refused(&[("name", "a".into()), ("disk", disks)]).await;
    assert_eq!(place, "disk[0].size: a size of `-1` is less than nothing");
}
