locals {
  a = 'text'
}
