//! Graphs as text for other programs to draw.

use std::fmt::Write as _;

use super::Graph;

/// How a node is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Something real: a resource.
    Box,
    /// A value: a variable, local or output.
    Round,
}

/// Returns the graph in Graphviz' language; arrows point from what needs to what is needed.
#[must_use]
pub fn dot(graph: &Graph, nodes: &[(String, Shape)]) -> String {
    let mut text = String::from("digraph loam {\n  rankdir = \"RL\"\n");
    for (at, (label, shape)) in nodes.iter().enumerate() {
        let shape = match shape {
            Shape::Box => "box",
            Shape::Round => "ellipse",
        };
        let label = label.replace('\\', "\\\\").replace('"', "\\\"");
        let _ = writeln!(text, "  n{at} [label = \"{label}\", shape = \"{shape}\"]");
    }
    for (dependent, needed) in edges(graph) {
        let _ = writeln!(text, "  n{dependent} -> n{needed}");
    }
    text.push_str("}\n");
    text
}

/// Returns the graph in Mermaid's language, which GitHub and GitLab draw in Markdown.
#[must_use]
pub fn mermaid(graph: &Graph, nodes: &[(String, Shape)]) -> String {
    let mut text = String::from("flowchart RL\n");
    for (at, (label, shape)) in nodes.iter().enumerate() {
        let label = label.replace('"', "#quot;");
        let _ = match shape {
            Shape::Box => writeln!(text, "  n{at}[\"{label}\"]"),
            Shape::Round => writeln!(text, "  n{at}([\"{label}\"])"),
        };
    }
    for (dependent, needed) in edges(graph) {
        let _ = writeln!(text, "  n{dependent} --> n{needed}");
    }
    text
}

fn edges(graph: &Graph) -> impl Iterator<Item = (usize, usize)> + '_ {
    (0..graph.len()).flat_map(|dependent| graph.needed_by(dependent).into_iter().map(move |needed| (dependent, needed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_quote_labels() {
        let mut graph = Graph::new(2);
        graph.needs(1, 0);
        let nodes = [("bucket.a[\"x\"]".to_owned(), Shape::Box), ("output.o".to_owned(), Shape::Round)];
        insta::assert_snapshot!(dot(&graph, &nodes), @r#"
        digraph loam {
          rankdir = "RL"
          n0 [label = "bucket.a[\"x\"]", shape = "box"]
          n1 [label = "output.o", shape = "ellipse"]
          n1 -> n0
        }
        "#);
        insta::assert_snapshot!(mermaid(&graph, &nodes), @r#"
        flowchart RL
          n0["bucket.a[#quot;x#quot;]"]
          n1(["output.o"])
          n1 --> n0
        "#);
    }
}
