locals {
	a = "x" "y"
	b = 1 1
}
