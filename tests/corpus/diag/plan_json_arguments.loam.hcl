# file: a.loam.json
{
  "resource": {
    "bucket": {
      "a": { "name": "a", "qouta": "1GiB" },
      "b": { "nmae": "b" }
    }
  },
  "output": {
    "c": { "value": "${bucket.a.ulr}" },
    "d": { "value": "${bucket.gone.url}" },
    "e": { "vlaue": 1 }
  }
}
