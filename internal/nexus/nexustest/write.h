/* Thin C for writing what gonum does not or not rightly write. Runs under
   nexus.Exclusive. Functions return a negative number on failure. */
#ifndef INGESTOR_NEXUSTEST_WRITE_H
#define INGESTOR_NEXUSTEST_WRITE_H

#include <hdf5.h>
#include <stdlib.h>

/* The forms of encode.go. */
enum { NXT_INT, NXT_UINT, NXT_FLOAT, NXT_TEXT, NXT_FIXED, NXT_BOOL, NXT_COMPLEX, NXT_OPAQUE };

typedef struct {
	int form, big_endian, null, attribute;
	size_t size;
	int ndims, nchunk, gzip, shuffle;
	hsize_t dims[H5S_MAX_RANK], chunk[H5S_MAX_RANK];
} nxt_value;

int nxt_write(hid_t loc, const char *name, const nxt_value *v, const void *data);
int nxt_attribute_at(hid_t loc, const char *object, const char *name, const nxt_value *v, const void *data);
hid_t nxt_group(hid_t loc, const char *name, int ordered);
int nxt_soft(hid_t loc, const char *name, const char *target);
int nxt_hard(hid_t loc, const char *name, const char *target);
int nxt_external(hid_t loc, const char *name, const char *file, const char *target);
void nxt_error(char *buf, size_t cap);

#endif
