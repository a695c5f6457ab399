# file: a.loam.json
{
  "locals": {
    "a": 1,
    "b": [1, 2,],
  }
}
# file: b.loam.json
{ "locals": { "a": 'x' } }
# file: c.loam.json
{ "locals": { "x": 1 }
# file: d.loam.json
[1, 2]x
