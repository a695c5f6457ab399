# file: a.loam.json
{
  "locals": { "a": 1, "a": 2 },
  "variable": { "x": { "default": 1 } },
  "variable": { "x": { "default": 2 } }
}
