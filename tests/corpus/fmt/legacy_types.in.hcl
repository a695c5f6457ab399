variable "a" {
type="list"
default="${x}"
}
variable "b" {
type=map
}
variable "c" {
type="string" # c
}
variable "d" {
type="number"
}
variable "e" {
type=set
nested {
type="list"
}
}
variable "f" {
type=object({
a=string
bbb=optional(list( number ),[ ])
})
}
variable g { type="map" }
resource "x" "y" {
type="list"
}
