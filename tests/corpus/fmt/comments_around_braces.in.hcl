b { # c
a=1 # d
} # e
b /* x */ { /* y */
}
