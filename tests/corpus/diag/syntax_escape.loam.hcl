locals {
  a = "C:\data"
}
