# file: a.loam.json
{
  "variable": {
    "a": { "type": "strng", "default": "x" },
    "b": { "type": "list", "default": [] },
    "c": { "type": ["string"], "default": [] },
    "d": { "type": "number", "default": "ten" }
  }
}
