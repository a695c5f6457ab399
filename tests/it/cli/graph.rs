use insta::assert_snapshot;

use crate::support::Project;

const CHAIN: &str = r#"
variable "name" {
  default = "x"
}

locals {
  long = "${var.name}-long"
}

resource "loam_data" "a" {
  input = local.long
}

resource "loam_data" "b" {
  count = 2
  input = loam_data.a.output
}

output "all" {
  value = loam_data.b[*].output
}
"#;

#[test]
fn a_graph_shows_what_needs_what() {
    let project = Project::with(CHAIN);
    assert_snapshot!(project.succeed(&["graph"]), @r#"
    digraph loam {
      rankdir = "RL"
      n0 [label = "var.name", shape = "ellipse"]
      n1 [label = "local.long", shape = "ellipse"]
      n2 [label = "loam_data.a", shape = "box"]
      n3 [label = "loam_data.b", shape = "box"]
      n4 [label = "output.all", shape = "ellipse"]
      n1 -> n0
      n2 -> n1
      n3 -> n2
      n4 -> n3
    }
    "#);
    assert_snapshot!(project.succeed(&["graph", "--format", "mermaid"]), @r#"
    flowchart RL
      n0(["var.name"])
      n1(["local.long"])
      n2["loam_data.a"]
      n3["loam_data.b"]
      n4(["output.all"])
      n1 --> n0
      n2 --> n1
      n3 --> n2
      n4 --> n3
    "#);
}
