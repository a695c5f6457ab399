resource "loam_data" "a" {
  input = 1
}
# file: main_override.loam.json
{
  "resource": {
    "loam_data": {
      "a": { "inptu": 2 },
      "b": { "input": 3 }
    }
  },
  "moved": { "from": "loam_data.x", "to": "loam_data.a" }
}
