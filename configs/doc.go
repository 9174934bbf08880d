// Package configs reads the one configuration that all programs share: the YAML
// (or JSON) file of scicat-ingestor unchanged, plus keys of our own.
//
// Every key is defined once, in the keys method of its section: path, default,
// kind, limits and the text an administrator reads. File, environment, flags,
// the messages and the annotated example all follow from these definitions.
//
// Precedence: defaults < file < environment < flags. The environment variable of
// a.b_c is INGESTOR_A_B_C, its flag is --a.b-c. frame-forwarder has besides the flags
// and variables of dranspose's ingesters, which describe one ingester without a file
// (byhand.go).
//
// Invariants: a key that does nothing yet is an error, an unknown key is at
// least a warning, all faults of one loading are reported together, and no
// message holds a secret. What is wrong in a section that the program does not use is
// a warning. ${VAR} in the file is not expanded.
//
// It does not check whether folders, hosts or brokers exist: those who use them do.
package configs
