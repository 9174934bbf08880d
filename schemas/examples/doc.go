// Package examples holds metadata schemas that work as they are, to be copied
// into a schema directory and adapted:
//
//   - demo.imsc.yml: what `make demo` uses, every kind of variable once
//   - ess-instrument.imsc.yml: an instrument with proposal and instrument look-up
//   - wildcards-units.imsc.yml: several places at once, units, lists, sums
//   - generic-nexus.imsc.yml: any NeXus file, without any look-up
//
// The folder as a whole is a schema directory, too. It holds no code.
package examples
