locals {
  a = "100%{discount}"
}
