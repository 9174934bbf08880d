// Package realkafka runs a real Apache Kafka for tests: it fetches the jars
// from Maven Central once, formats a temporary log folder, starts one node on
// free loopback ports, and ends exactly the process that it started.
//
// It needs java and mvn on the PATH. The jars stay in a cache folder outside
// the repository (Fetch says which), so that only the first run needs a
// network.
//
// It is for tests, not for production: one node, no authentication, a small
// heap. Where speed matters more than truth there is the embedded broker.
package realkafka
