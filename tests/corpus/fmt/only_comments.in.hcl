   # one
// two
    /* three */
        # four
