# one
// two
/* three */
# four
