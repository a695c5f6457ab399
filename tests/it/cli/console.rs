//! `loam console`: from a pipe, as JSON lines, and at a terminal.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    process::{Command, Stdio},
    time::Instant,
};

use insta::assert_snapshot;
use serde_json::{Value as Json, json};

use crate::{
    schema,
    support::{Done, Project},
};

const PROJECT: &str = r#"variable "region" {
  default = "eu"
}

variable "password" {
  default   = "hunter2"
  sensitive = true
}

locals {
  ports  = { web = 80, db = 5432 }
  url    = "https://${var.region}.example"
  broken = upper([var.region])
  login  = { user = "ada", password = var.password }
}

resource "loam_data" "one" {
  input = "first"
}

resource "loam_data" "many" {
  for_each = toset(["a", "b"])
  input    = each.key
}
"#;

impl Project {
    /// Runs the console and writes something to it.
    fn console(&self, arguments: &[&str], input: impl AsRef<[u8]>) -> Done {
        ask(self.command(&[&["console"], arguments].concat()), input)
    }
}

/// Runs a console and writes something to it.
pub(super) fn ask(mut command: Command, input: impl AsRef<[u8]>) -> Done {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.as_ref().to_vec();
    // Beside reading, as a pipe holds only so much.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    // Whoever refuses the arguments ends without reading.
    let written = writer.join().unwrap();
    assert!(written.as_ref().err().is_none_or(|error| error.kind() == ErrorKind::BrokenPipe), "{written:?}");
    Done {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn every_expression_of_a_pipe_is_answered() {
    let project = Project::with(PROJECT);
    let text = "local.ports\n\n# a comment\nvar.regoin\n[\n  1 / 0,\n]\ntype(local.ports)\nlocal.url\nlocal.broken\n";
    assert_snapshot!(project.shown(&project.console(&[], text).told()), @r#"
    exit 1
    --- stdout
    {
      "db" = 5432
      "web" = 80
    }
    object({
        db: number,
        web: number,
    })
    "https://eu.example"
    --- stderr
    error: Undeclared name
      --> <stdin>:4:1
      |
    4 | var.regoin
      | ^^^^^^^^^^
      = There is no variable `var.regoin`.
    hint: Did you mean `var.region`?
    hint: To declare it, add a block `variable "regoin" {}`.

    error: Division by zero
      --> <stdin>:6:3
      |
    6 |   1 / 0,
      |   ^^^^^
      = The right side is zero, and nothing can be divided by zero.

    error: Invalid function argument
       --> main.loam.hcl:13:18
       |
    13 |   broken = upper([var.region])
       |                  ^^^^^^^^^^^^
       = The argument `str` of `upper` must be a string, but this is a tuple.
       = var.region is "eu"
    hint: It is called as `upper(str)`.
    "#);
    assert_eq!(project.console(&[], "1\n").code, 0);
    assert_eq!(project.console(&[], "").told(), "exit 0");
    let unclosed = project.console(&[], "1\n(2 +\n");
    assert_eq!((unclosed.code, unclosed.stdout.as_str()), (1, "1\n"));
    assert!(unclosed.stderr.contains("<stdin>:2:"), "{}", unclosed.stderr);
    let binary = project.console(&[], b"1\n\xff\n2\n");
    assert_eq!((binary.code, binary.stdout.as_str()), (1, "1\n2\n"));
    assert!(binary.stderr.contains("line 2 of the standard input is not UTF-8"), "{}", binary.stderr);
}

#[test]
fn requests_have_one_line_each() {
    let project = Project::with(PROJECT);
    let requests = [
        r#"{"expr": "[1 / 3, \"a\", null]"}"#,
        r#"{"expr": "var.password"}"#,
        r#"{"expr": "local.login"}"#,
        r#"{"expr": "nonsensitive(var.password)", "id": 7}"#,
        r#"{"expr": "loam_data.one.id"}"#,
        r#"{"expr": "{ \"a b\" = toset([1]) }"}"#,
        r#"{"expr": "<<-EOT\n  x\n  EOT\n"}"#,
        "",
        r#"{"expr": "upper(var.password, 1)"}"#,
        r#"{"expr": "parseint(var.password, 10)"}"#,
        r#"{"expr": "local.broken"}"#,
        r#"{"expr": 1}"#,
        "1 + 1",
        r#"{"expr": "type(local.ports)"}"#,
        r#"{"expr": "1 +"}"#,
    ];
    let done = project.console(&["--jsonl"], requests.join("\n"));
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    done.stdout.lines().for_each(|line| schema::assert_valid("console", line));
    assert!(!done.stdout.replace("nonsensitive", "").contains("(sensitive)"), "{}", done.stdout);
    assert_snapshot!(done.stdout, @r#"
    {"value":[0.33333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333335,"a",null],"type":"tuple([number, string, dynamic])","sensitive":false}
    {"value":null,"type":"string","sensitive":true}
    {"value":{"password":null,"user":"ada"},"type":"object({password = string, user = string})","sensitive":true}
    {"value":"hunter2","type":"string","sensitive":false}
    {"value":null,"type":"dynamic","sensitive":false,"unknown":true}
    {"value":{"a b":[1]},"type":"object({\"a b\" = set(number)})","sensitive":false}
    {"value":"x\n","type":"string","sensitive":false}
    {"error":{"summary":"Too many function arguments","detail":"`upper` takes one argument, but 2 are given.\nhint: It is called as `upper(str)`."}}
    {"error":{"summary":"Invalid function argument","detail":"The argument `number` of `parseint` cannot be used: its value, which is sensitive, cannot be used.\nvar.password is sensitive"}}
    {"error":{"summary":"Invalid function argument","detail":"main.loam.hcl:13:18: The argument `str` of `upper` must be a string, but this is a tuple.\nvar.region is \"eu\"\nhint: It is called as `upper(str)`."}}
    {"error":{"summary":"Invalid request","detail":"The line is not `{\"expr\": \"…\"}`: invalid type: integer `1`, expected a string, at column 10."}}
    {"error":{"summary":"Invalid request","detail":"The line is not `{\"expr\": \"…\"}`: invalid type: integer `1`, expected an object with `expr`, at column 1."}}
    {"value":"object({db = number, web = number})","type":"string","sensitive":false}
    {"error":{"summary":"Invalid expression","detail":"Expected a value here, but found the end of the text."}}
    "#);
}

#[test]
fn what_changes_from_call_to_call_has_a_value() {
    let project = Project::with("locals {\n  id = uuid()\n}\n");
    let before = jiff::Timestamp::now().as_second();
    let done = project.console(&["--jsonl"], r#"{"expr": "[timestamp(), uuid(), uuid(), local.id, local.id]"}"#);
    let answer: Json = serde_json::from_str(&done.stdout).unwrap();
    let items: Vec<&str> = answer["value"].as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect();
    let time = items[0].parse::<jiff::Timestamp>().unwrap().as_second();
    assert!((before..=jiff::Timestamp::now().as_second()).contains(&time), "{}", done.stdout);
    assert!(items[1].len() == 36 && items[1] != items[2] && items[2] != items[3], "{}", done.stdout);
    assert_eq!(items[3], items[4], "a local is evaluated once");
}

#[test]
fn objects_are_as_the_state_has_them() {
    let project = Project::with(PROJECT);
    let before = project.console(&[], "loam_data.one.input\nloam_data.many\n");
    assert_eq!(before.told(), "exit 0\n--- stdout\n(known after apply)\n(known after apply)");
    project.configure(&PROJECT.replace("  broken = upper([var.region])\n", ""));
    project.apply(&[]);
    let text = "loam_data.one.input\n[for key, one in loam_data.many : \"${key}${one.output}\"]\nloam_data.many[\"a\"].id != \"\"\n";
    assert_snapshot!(project.console(&[], text).told(), @r#"
    exit 0
    --- stdout
    "first"
    [
      "aa",
      "bb",
    ]
    true
    "#);
    // Nothing is locked, and nothing is written.
    let files = project.files();
    assert_eq!(project.console(&["--var", "region=us"], "local.url\n").stdout, "\"https://us.example\"\n");
    assert_eq!(project.files(), files);
    let broken = project.console(&["--var", "regoin=us"], "1\n");
    assert_eq!((broken.code, broken.stdout.as_str()), (1, ""));
}

#[test]
fn modules_give_their_outputs() {
    let project = Project::with(
        r#"variable "token" {
  default   = "t0ken"
  ephemeral = true
}

locals {
  names = toset(["a", "b"])
  id    = uuid()
  out   = module.x["a"].inner.made
}

module "x" {
  source   = "./x"
  for_each = local.names
  name     = each.key
  id       = local.id
  token    = var.token
}

module "twice" {
  source = "./y"
  count  = 2
  name   = "n${count.index}"
}
"#,
    );
    let outer = r#"variable "name" {}
variable "id" {}
variable "token" { ephemeral = true }

module "y" {
  source   = "../y"
  for_each = toset(["p", "q"])
  name     = "${var.name}${each.key}"
}

output "plain" { value = "plain ${var.name}" }
output "id" { value = var.id }
output "token" {
  value     = var.token
  ephemeral = true
}
output "inner" { value = module.y["p"] }
output "all" { value = [for y in module.y : y.made] }
output "secret" {
  value     = "hunter2-${module.y["q"].made}"
  sensitive = true
}
"#;
    let inner = r#"variable "name" {}

resource "loam_data" "one" {
  for_each = toset([var.name])
  input    = var.name
}

output "made" { value = loam_data.one[var.name].output }
"#;
    project.write("x/main.loam.hcl", outer);
    project.write("y/main.loam.hcl", inner);
    let text = "module.x[\"a\"].plain\nmodule.x[\"b\"].all\nmodule.twice[*].made\nmodule.x[\"a\"].secret\nlocal.out\n";
    assert_snapshot!(project.console(&[], text).told(), @r#"
    exit 0
    --- stdout
    "plain a"
    [
      (known after apply),
      (known after apply),
    ]
    [
      (known after apply),
      (known after apply),
    ]
    (known after apply)
    (known after apply)
    "#);
    project.apply(&[]);
    let text =
        format!("{text}[local.id == module.x[\"a\"].id, local.id == module.x[\"b\"].id]\nmodule.x[\"b\"].inner\n");
    assert_snapshot!(project.console(&[], text).told(), @r#"
    exit 0
    --- stdout
    "plain a"
    [
      "bp",
      "bq",
    ]
    [
      "n0",
      "n1",
    ]
    (sensitive value)
    "ap"
    [
      true,
      true,
    ]
    {
      "made" = "bp"
    }
    "#);
    let requests = [
        r#"{"expr": "module.x[\"a\"].secret"}"#,
        r#"{"expr": "[for x in module.x : x.secret]"}"#,
        r#"{"expr": "parseint(module.x[\"a\"].secret, 10)"}"#,
        r#"{"expr": "module.x[\"c\"].plain"}"#,
        r#"{"expr": "nonsensitive(module.x[\"b\"].secret)"}"#,
        r#"{"expr": "module.x[\"a\"].token"}"#,
        r#"{"expr": "ephemeralasnull(module.x[\"a\"].token) == null"}"#,
    ];
    assert_snapshot!(project.console(&["--jsonl"], requests.join("\n")).told(), @r#"
    exit 0
    --- stdout
    {"value":null,"type":"string","sensitive":true}
    {"value":[null,null],"type":"tuple([string, string])","sensitive":true}
    {"error":{"summary":"Invalid function argument","detail":"The argument `number` of `parseint` cannot be used: its value, which is sensitive, cannot be used.\nmodule.x[\"a\"].secret is sensitive"}}
    {"error":{"summary":"Unknown key","detail":"`module.x` has no key \"c\".\nmodule.x is an object with a, b\nhint: It has `a`, `b`."}}
    {"value":"hunter2-bq","type":"string","sensitive":false}
    {"value":null,"type":"string","sensitive":true}
    {"value":true,"type":"bool","sensitive":false}
    "#);
    // An instance that is still to be made is not known, and those that are there stay.
    project.write(
        "y/main.loam.hcl",
        inner.replace("toset([var.name])", "toset([var.name, \"new\"])")
            + "output \"new\" { value = loam_data.one[\"new\"].output }\n",
    );
    let done = project.console(&[], "module.twice[0]\n");
    assert_eq!(done.told(), "exit 0\n--- stdout\n{\n  \"made\" = \"n0\"\n  \"new\" = (known after apply)\n}");
}

#[test]
fn a_directory_without_configuration_has_functions_and_paths() {
    let project = Project::empty();
    let files = project.files();
    let done = project.console(&[], "1 + 1\nupper(\"a\")\npath.module\nbasename(path.cwd) != \"\"\nvar.region\n");
    assert_eq!((done.code, done.stdout.as_str()), (1, "2\n\"A\"\n\".\"\ntrue\n"));
    assert!(done.stderr.contains("There is no variable `var.region`."), "{}", done.stderr);
    let done = project.console(&["--jsonl"], r#"{"expr": "cidrhost(\"10.0.0.0/8\", 1)"}"#);
    let expected = "{\"value\":\"10.0.0.1\",\"type\":\"string\",\"sensitive\":false}\n";
    assert_eq!((done.code, done.stdout.as_str(), done.stderr.as_str()), (0, expected, ""));
    assert_eq!(project.files(), files);
    let given = project.console(&["--var", "region=us"], "1\n");
    assert_eq!((given.code, given.stdout.as_str()), (1, ""), "nothing is declared that could be given");
    let missing = project.console(&["-C", "nowhere"], "1\n");
    assert_eq!((missing.code, missing.stdout.as_str()), (1, ""));
    assert!(missing.stderr.contains("failed to enter the directory `nowhere`"), "{}", missing.stderr);
}

/// The configuration is read once, and a local is evaluated once.
#[test]
fn ten_thousand_requests_are_quick() {
    let locals: String = (1..2000).map(|at| format!("  l{at} = local.l{} + 1\n", at - 1)).collect();
    let project = Project::with(&format!("locals {{\n  l0 = 0\n{locals}}}\n"));
    let requests = r#"{"expr": "local.l1999 + 1"}"#.to_owned() + "\n";
    let begin = Instant::now();
    let done = project.console(&["--jsonl"], requests.repeat(10_000));
    let took = begin.elapsed();
    let answers: Vec<&str> = done.stdout.lines().collect();
    assert_eq!(answers.len(), 10_000);
    let expected = json!({ "value": 2000, "type": "number", "sensitive": false });
    assert!(answers.iter().all(|answer| serde_json::from_str::<Json>(answer).unwrap() == expected), "{}", answers[0]);
    assert!(took.as_secs() < 60, "{took:?}");
}

/// Types at a terminal and returns what was shown, and the lines that are kept.
fn typed(keys: &[&str]) -> (String, String) {
    let project = Project::with(PROJECT);
    let mut command = Command::new("script");
    project.bare(&mut command);
    command.args(["--quiet", "--return", "--command", "stty rows 24 cols 100; exec \"$IT_LOAM\" console", "/dev/null"]);
    command
        .env("IT_LOAM", env!("CARGO_BIN_EXE_loam"))
        .env("TERM", "xterm")
        .env("XDG_STATE_HOME", project.path("state"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut shown, mut bytes) = (String::new(), [0; 4096]);
    let mut keys = keys.iter();
    let mut prompts = 0;
    loop {
        let length = stdout.read(&mut bytes).unwrap();
        if length == 0 {
            break;
        }
        shown.push_str(&String::from_utf8_lossy(&bytes[..length]));
        // The next line is typed once the one before was answered: a prompt begins a line.
        let seen = shown.matches("\u{1b}[?2004h").count();
        if seen > prompts {
            prompts = seen;
            if let Some(keys) = keys.next() {
                stdin.write_all(keys.as_bytes()).unwrap();
            }
        }
    }
    assert_eq!(child.wait().unwrap().code(), Some(0), "{shown}");
    (shown, std::fs::read_to_string(project.path("state/loam/console-history")).unwrap_or_default())
}

#[test]
fn a_terminal_has_history_and_lines_that_go_on() {
    let (shown, history) =
        typed(&["local.ports.d\t\r", "[1,\r2 + 40]\r", " var.password\r", "help\r", "nope\u{3}", "exit\r"]);
    assert!(shown.contains("5432"), "{shown}");
    assert!(shown.contains("  42,"), "{shown}");
    assert!(shown.contains("(sensitive value)") && !shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("Ctrl-D or `exit` leaves"), "{shown}");
    assert!(!shown.contains("error"), "{shown}");
    assert!(history.contains("local.ports.db") && history.contains("help"), "{history}");
    assert!(!history.contains("password"), "a line that begins with a space is not kept: {history}");
}

#[test]
fn the_end_of_the_input_leaves_a_terminal() {
    let (shown, _) = typed(&["1 + 1\r", "\u{4}"]);
    assert!(shown.contains("\n2\r"), "{shown:?}");
}
