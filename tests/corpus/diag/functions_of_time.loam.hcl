locals {
  a = formatdate("YYYY", "yesterday")
  b = formatdate("YYYYY-bad", "2024-01-01T00:00:00Z")
  c = timeadd("2024-01-01T00:00:00Z", "1 day")
  d = timeadd("2024-13-01T00:00:00Z", "1h")
  e = timecmp("2024-01-01", "2024-01-01T00:00:00Z")
}
