locals {
  a = `text`
}
