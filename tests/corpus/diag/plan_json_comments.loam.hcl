# file: a.loam.json
{
  // a comment
  "locals": { "a": 1 }
}
# file: b.loam.json
{ locals: {} }
# file: c.loam.json
