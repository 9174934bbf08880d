// Package telemetry is how a program tells the outside how it is doing: log lines, and
// what service manager, monitoring and operators ask for.
//
// Invariant: no place that takes log lines can stop or delay the work. Standard error
// gets each line where it is logged; file, system log and Graylog get theirs from a
// queue that drops and counts when the place is away or slow, and says so once.
//
// It decides nothing: levels, places and names come from its options.
package telemetry
