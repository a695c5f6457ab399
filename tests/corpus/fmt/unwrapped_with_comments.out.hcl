a = x /* c */
b = /* c */ x
