// Package nexustest writes real NeXus/HDF5 files for tests and the demo: groups
// with classes, values of the kinds that file writers use, units, links,
// compression, and with Run a whole measurement as an ESS file writer leaves it.
//
// Invariant: what is written is a pure function of the arguments, so that tests
// can compare checksums of two runs on one machine.
//
// It is for small files: every dataset is in memory, and nothing is appended.
//
//	err := nexustest.Write(path, nexustest.Group{Children: []nexustest.Node{
//		nexustest.Group{Name: "entry", Class: "NXentry", Children: []nexustest.Node{
//			nexustest.Dataset{Name: "title", Data: "A title"},
//			nexustest.Dataset{Name: "temperature", Data: 1.5, Units: "K"},
//		}},
//	}})
package nexustest
