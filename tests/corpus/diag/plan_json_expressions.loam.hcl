# file: a.loam.json
{
  "locals": {
    "a": "${1 + }",
    "b": "${upper(\"x\"}",
    "c": "${uper(\"x\")}",
    "d": "%{ if true }x"
  }
}
