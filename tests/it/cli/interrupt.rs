use crate::support::{Project, until_exists};

/// A process that is ready when a test says so, and what needs it.
const WAITING: &str = r#"
resource "process" "first" {
  command = ["sleep", "1000"]

  ready {
    exec {
      command = ["sh", "-c", "touch asked; test -e answer"]
    }
  }
}

resource "loam_data" "second" {
  input = process.first.pid
}
"#;

#[test]
fn the_first_interrupt_lets_running_steps_finish() {
    let project = Project::with(WAITING);
    let mut running = project.start(&["apply", "--auto-approve", "--json"]);
    until_exists(&project.path("asked"));
    running.interrupt();
    running.wait_for(r#""type":"stopping""#);
    project.write("answer", "");
    let done = running.finish();
    assert_eq!(done.code, 1, "{}", done.told());
    let of =
        |kind: &str, address: &str| done.lines().iter().any(|line| line["type"] == kind && line["address"] == address);
    assert!(of("step_done", "process.first"), "{}", done.told());
    assert!(of("step_skipped", "loam_data.second"), "{}", done.told());
    assert_eq!(project.addresses(), ["process.first"]);
    assert_eq!(project.processes().len(), 1);

    // The next run goes on where it was stopped.
    project.apply(&[]);
    assert_eq!(project.addresses(), ["loam_data.second", "process.first"]);
    assert_eq!(project.processes().len(), 1);
    project.assert_settled(&[]);
}

#[test]
fn the_second_interrupt_cancels_them() {
    let project = Project::with(WAITING);
    let mut running = project.start(&["apply", "--auto-approve", "--json"]);
    until_exists(&project.path("asked"));
    running.interrupt();
    running.wait_for(r#""type":"stopping""#);
    running.interrupt();
    running.wait_for(r#""type":"cancelling""#);
    let done = running.finish();
    assert_eq!(done.code, 1, "{}", done.told());
    assert_eq!(project.addresses(), [""; 0], "{}", done.told());
    assert_eq!(project.processes(), [], "what it had started is stopped");

    project.write("answer", "");
    project.apply(&[]);
    assert_eq!(project.processes().len(), 1);
    project.assert_settled(&[]);
}
