# file: a.loam.json
{
  "resuorce": { "loam_data": { "a": {} } },
  "resource": { "loam_data": [1] },
  "output": { "b": 5 },
  "variable": "c",
  "locals": [1]
}
