use std::time::{Duration, Instant};

use loam_provider::{CallCx, Known, Remains, Resolution, Trouble, Value};

use super::{Bench, configured};
use crate::{Fault, Rule, SimFactory, SimWorld, Verb};

async fn with(rule: Rule) -> Bench {
    let bench = Bench::new().await;
    bench.world.set_faults([rule]);
    bench
}

#[tokio::test]
async fn a_call_that_fails_before_its_effect_leaves_nothing() {
    for (fault, trouble) in [(Fault::FailBefore, Trouble::Failed), (Fault::Transient, Trouble::Transient)] {
        let bench = with(Rule::every(Verb::Create, fault).nth(1)).await;
        let planned = bench.fresh().await;
        let failure = bench.create("t1", &planned).await.unwrap_err();
        assert_eq!((failure.error.trouble, failure.remains), (trouble, Remains::Nothing));
        assert_eq!(bench.resolve("t1").await, Resolution::Nothing);
        bench.create("t1", &planned).await.unwrap();
        assert_eq!(bench.effects(), ["Create Whole 1"]);
    }
}

#[tokio::test]
async fn a_lost_reply_is_resolved_and_a_retry_has_no_second_effect() {
    let bench = with(Rule::every(Verb::Create, Fault::FailAfter).nth(1)).await;
    let planned = bench.fresh().await;
    let failure = bench.create("t1", &planned).await.unwrap_err();
    assert_eq!((failure.to_string().as_str(), failure.remains), ("the reply was lost", Remains::InDoubt));
    let Resolution::Done(found) = bench.resolve("t1").await else { panic!("it was done") };
    assert_eq!(bench.create("t1", &planned).await.unwrap(), found);
    assert_eq!(bench.effects(), ["Create Whole 1"]);
}

#[tokio::test]
async fn updates_and_deletes_lose_replies_too() {
    let bench = Bench::new().await;
    let made = bench.create("t1", &bench.fresh().await).await.unwrap();
    bench.world.set_faults([Rule::every(Verb::Update, Fault::FailAfter), Rule::every(Verb::Delete, Fault::FailAfter)]);
    let planned = bench.planned(&[("name", "b".into())], Some(&made)).await.after;
    assert_eq!(bench.resolve("t2").await, Resolution::Nothing);
    assert_eq!(bench.update("t2", &made, &planned).await.unwrap_err().remains, Remains::InDoubt);
    let Resolution::Done(changed) = bench.resolve("t2").await else { panic!("it was done") };
    assert_eq!(changed.get("name"), Some(&"b".into()));
    assert_eq!(bench.delete("t3", &changed).await.unwrap_err().remains, Remains::InDoubt);
    assert_eq!(bench.resolve("t3").await, Resolution::Done(Known::null()));
    // What made it was done, and stands no more.
    assert_eq!(bench.resolve("t1").await, Resolution::Nothing);
}

#[tokio::test]
async fn a_partial_create_leaves_a_part_that_a_retry_completes() {
    let bench = with(Rule::every(Verb::Create, Fault::Partial).nth(1)).await;
    let planned = bench.planned(&[("name", "a".into()), ("color", "red".into())], None).await.after;
    let failure = bench.create("t1", &planned).await.unwrap_err();
    let Remains::Partial(part) = failure.remains else { panic!("a part remains") };
    assert_eq!((part.get("name"), part.get("id")), (Some(&"a".into()), Some(&"sim-t1".into())));
    assert!(part.get("color").unwrap().is_null() && part.get("generation").unwrap().is_null());
    assert_eq!(bench.resolve("t1").await, Resolution::Partial(part));
    let whole = bench.create("t1", &planned).await.unwrap();
    assert_eq!((bench.resolve("t1").await, whole.get("color")), (Resolution::Done(whole.clone()), Some(&"red".into())));
    assert_eq!(bench.effects(), ["Create Part 1", "Create Whole 2"]);
}

#[tokio::test]
async fn a_partial_delete_leaves_the_object_until_it_is_done() {
    let bench = with(Rule::every(Verb::Delete, Fault::Partial).nth(1)).await;
    let made = bench.create("t1", &bench.fresh().await).await.unwrap();
    assert_eq!(bench.delete("t2", &made).await.unwrap_err().remains, Remains::Partial(made.clone()));
    assert_eq!(bench.resolve("t2").await, Resolution::Partial(made.clone()));
    bench.delete("t2", &made).await.unwrap();
    assert_eq!(bench.resolve("t2").await, Resolution::Done(Known::null()));
    assert_eq!(bench.effects(), ["Create Whole 1", "Delete Part 1", "Delete Whole 2"]);
}

#[tokio::test]
async fn a_delay_only_takes_time() {
    tokio::time::pause();
    let bench = with(Rule::every(Verb::Create, Fault::Delay(1500))).await;
    let planned = bench.fresh().await;
    let start = tokio::time::Instant::now();
    bench.create("t1", &planned).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(1500));
}

#[tokio::test]
async fn a_call_that_hangs_ends_when_it_is_cancelled() {
    for (fault, remains) in [(Fault::Hang, Remains::Nothing), (Fault::HangAfter, Remains::InDoubt)] {
        let effects = if fault == Fault::Hang { 0 } else { 1 };
        let bench = with(Rule::every(Verb::Create, fault)).await;
        let planned = bench.fresh().await;
        let (cancel, cx) = (bench.cancel.clone(), bench.cx("t1"));
        let creating = bench.provider.create(bench.thing(), &cx, &planned);
        let (failure, ()) = tokio::join!(creating, async { cancel.cancel() });
        let failure = failure.unwrap_err();
        assert_eq!((failure.error.trouble, failure.remains), (Trouble::Cancelled, remains));
        assert_eq!(bench.effects().len(), effects);
    }
}

#[tokio::test]
async fn a_call_that_hangs_after_its_effect_is_in_doubt() {
    tokio::time::pause();
    let bench = with(Rule::every(Verb::Create, Fault::HangAfter)).await;
    let planned = bench.fresh().await;
    let cx = CallCx { deadline: Some(Instant::now() + Duration::from_secs(60)), ..bench.cx("t1") };
    let failure = bench.provider.create(bench.thing(), &cx, &planned).await.unwrap_err();
    assert_eq!((failure.error.trouble, failure.remains), (Trouble::TimedOut, Remains::InDoubt));
    assert!(matches!(bench.resolve("t1").await, Resolution::Done(_)));
}

#[tokio::test]
async fn a_wait_ends_at_the_deadline_without_an_effect() {
    tokio::time::pause();
    let bench = with(Rule::every(Verb::Create, Fault::Delay(3_600_000))).await;
    let planned = bench.fresh().await;
    let cx = CallCx { deadline: Some(Instant::now() + Duration::from_secs(60)), ..bench.cx("t1") };
    let failure = bench.provider.create(bench.thing(), &cx, &planned).await.unwrap_err();
    assert_eq!((failure.error.trouble, failure.remains), (Trouble::TimedOut, Remains::Nothing));
    assert!(bench.effects().is_empty());
}

#[tokio::test]
async fn a_wrong_answer_is_not_what_was_planned() {
    let bench = Bench::new().await;
    let planned = bench.fresh().await;
    bench.world.set_faults(
        [Verb::Plan, Verb::Create, Verb::Read, Verb::Resolve].map(|verb| Rule::every(verb, Fault::WrongAnswer)),
    );
    assert_eq!(bench.fresh().await.get("name"), Some(&"wrong".into()));
    let made = bench.create("t1", &planned).await.unwrap();
    assert_eq!(made.get("name"), Some(&"wrong".into()));
    let read = bench.provider.read(bench.thing(), &bench.cx("r"), &made).await.unwrap().unwrap();
    assert_eq!(read.get("name"), Some(&Value::tuple([Value::from("wrong")])));
    let Resolution::Done(resolved) = bench.resolve("t1").await else { panic!("it was done") };
    assert_eq!(resolved, read);
    assert_eq!(bench.world.objects().unwrap()[0].attributes.get("name"), Some(&"a".into()));
}

#[tokio::test]
async fn an_object_is_seen_eventually() {
    let bench = with(Rule::every(Verb::Read, Fault::Eventually(2))).await;
    let made = bench.create("t1", &bench.fresh().await).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(bench.provider.read(bench.thing(), &bench.cx("r"), &made).await.unwrap().is_some());
    }
    assert_eq!(seen, [false, false, true, true]);
}

#[tokio::test]
async fn a_scripts_counts_outlive_the_provider() {
    let dir = tempfile::tempdir().unwrap();
    let script = r#"{"rules": [{"verb": "create", "address": "sim_thing.*", "nth": 1, "fault": "fail_before"}]}"#;
    std::fs::write(dir.path().join("script.json"), script).unwrap();
    let bench = Bench::new().await;
    let planned = bench.fresh().await;
    let config = [("world", Known::from("w")), ("script", Known::from("script.json"))];
    let mut outcomes = Vec::new();
    for _ in 0..2 {
        let provider = configured(&SimFactory::default(), dir.path().into(), &config).await.unwrap();
        outcomes.push(provider.create(bench.thing(), &bench.cx("t1"), &planned).await.is_ok());
    }
    assert_eq!(outcomes, [false, true]);
    assert_eq!(SimWorld::open(dir.path().join("w")).unwrap().effects().unwrap().len(), 1);
}
