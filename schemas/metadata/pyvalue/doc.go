// Package pyvalue is the small part of Python's value model that the imsc
// schema language is defined by: its scripts were written against a Python
// program, so what a value looks like as text, which text is a number and
// which literal is a list follow Python 3.12 and numpy 2.
//
// Invariant: every value is immutable once made, and no function panics or
// recurses without bound on foreign text.
//
// It does not evaluate expressions, and it knows nothing of schemas or files.
package pyvalue
