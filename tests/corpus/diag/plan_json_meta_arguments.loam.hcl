# file: a.loam.json
{
  "resource": {
    "loam_data": {
      "a": { "depends_on": "loam_data.b", "count": "two" },
      "b": { "depends_on": ["loam_data.gone"] },
      "c": { "lifecycle": { "prevent_destory": true } }
    }
  }
}
