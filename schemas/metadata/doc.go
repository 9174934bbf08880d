// Package metadata is the imsc schema language: files in which a data curator
// says which metadata a NeXus file has and where each comes from.
//
// A schema selects files by their path, defines variables (read from the file,
// looked up in the catalogue, or computed) and items that make a field of the
// dataset out of them:
//
//	set, err := metadata.LoadDirectory("schemas")
//	schema, err := set.Select(path)
//	result, err := schema.Evaluate(ctx, metadata.Input{Path: path, File: file, Catalogue: lookups, Now: time.Now()})
//
// Invariants: a failure of one variable or field never stops the others, it is
// collected in the result; look-ups run at the same time but the result is that
// of evaluating the variables one by one in the order of the schema; what a
// Result holds can be written as JSON.
//
// It does not talk to the catalogue, it does not open files, and it does not
// know which fields a dataset must have.
package metadata
