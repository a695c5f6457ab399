b "x" {
  a  = "y"
  bb = 2



  ccc = 3
}




b "z" {}
